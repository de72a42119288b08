"""The short path of snapshots: which frames take it, that it does all that the law does, and what it leaves to the law."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from trio import Trio

from frames import NO, YES, A, B, C, delta, levels, ok, snapshot, subscribed
from implementations import part

FEW = [("0.1000", "3.00")]


class Taken:
    """A trio that has taken in some frames, and what its fast feed has done since with the short path."""

    def __init__(self, both, *frames_, **flags):
        self.trio = Trio(both, **flags)
        for each in frames_:
            self.trio.receive(each)
        self.before = self.counts()

    def counts(self):
        fast = self.trio.fast
        return fast._fast_snapshots, fast._fast_healed

    def receive(self, sent):
        """Take in one frame, and tell its effect and how many snapshots took the short path."""
        update = self.trio.receive(sent)
        self.compare()
        return update.effect.value, sum(self.counts()) - sum(self.before)

    def compare(self):
        """Make sure that all three hold and would do the same."""
        self.trio.compare()
        said = [[repr(event) for event in feed.events()] for feed in self.trio.feeds]
        wanted = [[command.encode(1) for command in feed.wanted()] for feed in self.trio.feeds]
        assert said[1:] == said[:-1]
        assert wanted[1:] == wanted[:-1]


LIVE = [subscribed(), snapshot(A), snapshot(B, seq=2)]
WHOLE = snapshot(A, FEW, NO, seq=3)


@pytest.mark.parametrize(
    ("before", "sent", "effect"),
    [
        pytest.param(LIVE, WHOLE, "applied", id="LIVE"),
        pytest.param(LIVE, WHOLE + b"\n", "applied", id="with a newline"),
        pytest.param(LIVE, snapshot(A, FEW, [], seq=3), "applied", id="nobody bids NO"),
        pytest.param(LIVE, snapshot(A, [], [], seq=3), "applied", id="nobody bids"),
        pytest.param(LIVE, snapshot(A, [], seq=3, yes_dollars_fp=[]), "applied", id="an empty side that is there"),
        pytest.param(LIVE, snapshot(A, YES[::-1], NO, seq=3), "applied", id="levels in another order"),
        pytest.param(LIVE, snapshot(A, [*YES, ("0.4150", "1.00")], NO, seq=3), "applied", id="levels in no order"),
        pytest.param(LIVE, snapshot(A, [("0.41", "3"), ("0.4", "2.5")], NO, seq=3), "applied", id="short numbers"),
        pytest.param(LIVE, snapshot(A, [("00000.4100", "0003.00")], NO, seq=3), "applied", id="long numbers"),
        pytest.param(LIVE, snapshot(A, FEW, NO, seq=3, clock=None), "applied", id="no clock"),
        pytest.param(LIVE, snapshot(A, FEW, NO, seq=3, top={"id": 0}), "applied", id="id 0 is none"),
        pytest.param(LIVE, snapshot(A, FEW, NO, seq=3, top={"id": None}), "applied", id="id null is none"),
        pytest.param([subscribed(), ok([A, B], seq=2)], WHOLE, "applied", id="NEW"),
        pytest.param([*LIVE, delta(A, seq=3, change="-9.00")], snapshot(A, seq=4), "healed", id="STALE by contradiction"),
        pytest.param([*LIVE, delta(A, seq=9)], snapshot(B, seq=10), "healed", id="STALE by a gap"),
        pytest.param([*LIVE, delta(A, seq=9)], snapshot(B, seq=10, top={"id": 7}), "healed", id="that was asked for"),
    ],
)
def test_a_snapshot_of_a_book_that_is_held_takes_the_short_path(both, before, sent, effect):
    taken = Taken(both, *before)
    assert taken.receive(sent) == (effect, 1)


OTHER_TEXT = [
    '[["0.4100","1.00"]',
    '[["0.4100", "1.00"]]',
    '[ ["0.4100","1.00"]]',
    '[["0.4100","1.00"] ]',
    '[["0.4100","1.00"],]',
    '[["0.4100","1.00"],["0.4100","2.00"]]',
    '[["0.4100","1.00"],["0.41","2.00"]]',
    '[["0.4100","0.00"]]',
    '[["0.4100","-1.00"]]',
    '[["-0.4100","1.00"]]',
    '[["0.41000","1.00"]]',
    '[["0.4100","1.000"]]',
    '[["0.0000","1.00"]]',
    '[["1.0000","1.00"]]',
    '[["0.4100",1]]',
    '[[41,"1.00"]]',
    '[["0.4100"]]',
    '[["0.4100","1.00","x"]]',
    '[["","1.00"]]',
    '[["0.4100",""]]',
    '[["0.4100","."]]',
    '[[".41","1.00"]]',
    '[["0.4100","1e2"]]',
    '[["0.41\\u0030","1.00"]]',
    '[["0.4100","1\\u002e00"]]',
    '[["0.4100","٣.00"]]',
    '[["0.4100","92233720368547758.08"]]',
    '[["0.4100","99999999999999999999"]]',
    "[[]]",
    "[[],[]]",
    '["0.4100","1.00"]',
    "null",
    "5",
    '"x"',
    "{}",
    "[",
    "[]]",
    "[] ",
    "[null]",
]


def with_yes(text, *, seq=3, **extra):
    """A snapshot of A whose YES side is this text."""
    return snapshot(A, [], FEW, seq=seq, yes_dollars_fp="HERE", **extra).replace(b'"HERE"', text.encode())


@pytest.mark.parametrize("text", OTHER_TEXT)
@pytest.mark.parametrize("decode", [bytes, bytes.decode], ids=["bytes", "str"])
def test_a_side_that_is_written_otherwise_is_the_law_s(both, text, decode):
    """Whatever the law makes of it."""
    taken = Taken(both, *LIVE)
    assert taken.receive(decode(with_yes(text)))[1] == (text == "[] ")  # what follows a value is no part of it
    taken.receive(delta(seq=4))


def test_text_takes_the_short_path_of_snapshots_as_bytes_do(both):
    taken = Taken(both, *LIVE)
    assert taken.receive(WHOLE.decode()) == ("applied", 1)
    assert taken.receive(snapshot(A, FEW, NO, seq=4).decode().replace('"market_id"', '"Märkte"')) == ("applied", 2)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(snapshot(C, seq=3), id="a market that is not held"),
        pytest.param(snapshot(A, seq=3, sid=2), id="another sid"),
        pytest.param(snapshot(A, seq=4), id="gap"),
        pytest.param(snapshot(A, seq=2), id="backwards"),
        pytest.param(LIVE[2], id="duplicate"),
        pytest.param(snapshot(A, seq=2**63), id="seq beyond 64 bits"),
        pytest.param(snapshot(A, seq=3, sid=2**70), id="sid beyond 64 bits"),
        pytest.param(snapshot(A, seq=3, clock=2**70), id="clock beyond 64 bits"),
        pytest.param(snapshot(A, seq=3, clock="late"), id="clock that is no number"),
        pytest.param(snapshot(A, seq=3, top={"id": 2**70}), id="id beyond 64 bits"),
        pytest.param(snapshot(A, seq=3, top={"id": "7"}), id="id that is no number"),
        pytest.param(snapshot(A, seq=3, top={"id": 7}), id="an audit"),
        pytest.param(snapshot("", seq=3), id="a market without a name"),
        pytest.param(snapshot(A, [("0.5000", "1.00")], [("0.5000", "1.00")], seq=3), id="locked"),
        pytest.param(snapshot(A, [("0.9000", "1.00")], NO, seq=3), id="crossed"),
        pytest.param(snapshot(A, FEW, NO, seq=3, yes_dollars=[["0.20", 5]]), id="an older field of a side beside it"),
        pytest.param(snapshot(A, FEW, NO, seq=3, no_dollars=None), id="an older field that is null"),
        pytest.param(snapshot(A, FEW, [], seq=3, no_dollars=[["0.20", 5]]), id="an older field of a side in its place"),
        pytest.param(snapshot(A, FEW, [], seq=3, no_bids=[["0.20", "5"]]), id="a side under a new name"),
        pytest.param(snapshot(A, FEW, [], seq=3, top={"note": []}), id="an array beside an absent side"),
        pytest.param(snapshot(A, FEW, NO, seq=3, note="a\\b"), id="an escape"),
        pytest.param(snapshot(A, FEW, NO, seq=3, fp=1), id="what might be the key of a side"),
        pytest.param(snapshot(A, seq=3, era="2026-03"), id="2026-03"),
        pytest.param(snapshot(A, seq=3, era="2026-01"), id="2026-01"),
        pytest.param(snapshot(A, seq=3, era="2025"), id="2025"),
    ],
)
def test_what_the_short_path_of_snapshots_leaves_to_the_law_is_done_the_same(both, sent):
    taken = Taken(both, *LIVE)
    # The shape between March and October of 2026 had no clock, and is else today's.
    assert taken.receive(sent)[1] == (b'"clock"' not in sent and b"_fp" in sent and b'"yes":' not in sent)
    taken.receive(delta(seq=taken.trio.fast.books[A].seq + 1))


@pytest.mark.parametrize("first", ["[]", "5", "null", '"x"', '[["0.41",1e999]]', '[["0.2","1"]]', '"\\ud800"'])
def test_a_side_that_stands_twice_is_the_law_s(both, first):
    """Of a key that stands twice the last counts, and the first must be readable all the same."""
    again = WHOLE.replace(b'"yes_dollars_fp":', b'"yes_dollars_fp":' + first.encode() + b',"yes_dollars_fp":')
    assert Taken(both, *LIVE).receive(again)[1] == 0
    escaped = WHOLE.replace(b'"yes_dollars_fp":', b'"yes_dollars_f\\u0070":' + first.encode() + b',"yes_dollars_fp":')
    assert Taken(both, *LIVE).receive(escaped)[1] == 0
    other = WHOLE.replace(b'"msg":', b'"msg":{"market_ticker":"X","yes_dollars_fp":' + first.encode() + b'},"msg":')
    assert Taken(both, *LIVE).receive(other)[1] == 0


digits = st.text("0123456789", max_size=5)
numbers = st.builds("{}.{}".format, digits, digits) | digits | st.sampled_from(("0.4100", "0.41", "12.00", "1.000", "-1.00"))
pairs = st.builds('["{}","{}"]'.format, numbers, numbers)
sides = st.lists(pairs, max_size=5).map(lambda each: f"[{','.join(each)}]")


@pytest.fixture(scope="module")
def packages(both):
    """As ``both``, for property tests."""
    return both


@given(text=sides, at=st.integers(0, 60), put=st.none() | st.sampled_from('[]",. \\0x-'), use_yes_price=st.booleans())
@example(text='[["0.4100","12.00"],["0.4200","1.00"]]', at=0, put=None, use_yes_price=True)
def test_sides_with_anything_changed_are_what_the_law_makes_of_them(packages, text, at, put, use_yes_price):
    if put is not None:
        text = text[:at] + put + text[at + 1 :]
    taken = Taken(packages, *LIVE, use_yes_price=use_yes_price)
    taken.receive(with_yes(text))
    taken.receive(with_yes(text, seq=4).replace(b"yes_d", b"NO_d").replace(b"no_d", b"yes_d").replace(b"NO_d", b"no_d"))


def test_no_side_prices_on_the_yes_scale_are_turned_round(both):
    taken = Taken(both, subscribed(), snapshot(A, YES, [("0.4500", "1.00")]), use_yes_price=True)
    assert taken.receive(snapshot(A, YES, [("0.4400", "3.00"), ("0.4500", "2.00")], seq=2)) == ("applied", 1)
    assert levels(taken.trio.fast.books[A])["no"] == {5500: 200, 5600: 300}


def test_a_snapshot_while_a_removal_is_under_way_is_not_believed_on_any_path(both):
    """F11."""
    compiled = both[0]
    taken = Taken(both, *LIVE)
    for feed, kb in zip(taken.trio.feeds, (compiled, *both), strict=True):
        feed.send(kb.UpdateSubscription(action="delete_markets", sid=1, market_tickers=[A]))
    assert taken.receive(WHOLE) == ("staled", 0)
    assert taken.receive(snapshot(B, seq=4)) == ("applied", 1)


def test_books_that_come_back_on_the_short_path_are_told_of_once(both):
    """F18."""
    taken = Taken(both, *LIVE, delta(A, seq=9))
    for feed in taken.trio.feeds:
        for command in feed.wanted():
            feed.send(command)
        feed.events()
    for seq, ticker in ((10, A), (11, B)):
        taken.trio.receive(snapshot(ticker, seq=seq, top={"id": 1}))
        told = [[repr(event) for event in feed.events()] for feed in taken.trio.feeds]
        assert told == [["Recovered(sid=1, market_tickers=('KXDEMO-26-A', 'KXDEMO-26-B'))"] if ticker == B else []] * 3
    assert [len(feed.pending) for feed in taken.trio.feeds] == [0, 0, 0]
    assert taken.counts() == (0, 2)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_what_fails_while_the_law_is_asked_leaves_every_live_book_stale_interrupted(both, monkeypatch, raised):
    compiled = both[0]
    feed = compiled.Feed()
    for each in (*LIVE, delta(A, seq=3, change="-9.00")):
        feed.receive(each)

    def fail(*_, **__):
        raise raised

    monkeypatch.setattr(part(compiled, "recovery").Recovery, "healed", fail)
    with pytest.raises(raised):
        feed.receive(snapshot(A, seq=4))
    monkeypatch.undo()
    assert [book.stale_reason for book in feed.books.values()] == ["contradiction", "interrupted"]
    assert feed.reconnect_reason is not None
    assert feed.receive(snapshot(A, seq=4)).effect.value == "healed"


def test_a_side_of_thousands_of_levels_is_read(both):
    many = [(f"0.{price:04d}", f"{price}.00") for price in range(1, 4_900)]
    taken = Taken(both, *LIVE)
    assert taken.receive(snapshot(A, many, FEW, seq=3)) == ("applied", 1)
    assert len(levels(taken.trio.fast.books[A])["yes"]) == 4_899
