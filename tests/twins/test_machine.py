"""The compiled core, its law and its twin under the same stream of good, bad and broken frames, beside a plain model."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from trio import Trio

from frames import ERAS, WHOLE_ERAS, A, B, C, delta, error, frame, levels, ok, snapshot, subscribed, unsubscribed

TICKERS = (A, B, C)
SIDES = ("yes", "no")
SIDS = (1, 2)
TOP = 2**63 - 1

tickers = st.sampled_from(TICKERS)
sids = st.sampled_from(SIDS)
eras = st.sampled_from(ERAS)
steps = st.sampled_from(("next",) * 12 + ("gap", "gap", "back", "same"))
prices = st.sampled_from((*range(100, 4_900, 300), 1, 33, 4_155)) | st.sampled_from((*range(100, 2_000, 100), 5_000, 9_999))
low_prices = st.sampled_from((*range(100, 4_900, 300), 1, 33, 4_155))
sizes = st.sampled_from((1, 55, 100, 12_000, 140_715_486))
sides = st.lists(st.tuples(prices, sizes), max_size=6, unique_by=lambda level: level[0])
low_sides = st.lists(st.tuples(low_prices, sizes), max_size=6, unique_by=lambda level: level[0])
receipts = st.none() | st.integers(-TOP, TOP)


def dollars(price_e4):
    return f"{price_e4 // 10_000}.{price_e4 % 10_000:04d}"


def contracts(size_e2):
    return f"{'-' if size_e2 < 0 else ''}{abs(size_e2) // 100}.{abs(size_e2) % 100:02d}"


class Shelf:
    """What the model knows of one book."""

    def __init__(self):
        self.live, self.sid = False, None
        self.is_foreign = False  # known by the answer to a question alone, and held by nobody
        self.sides = {"yes": {}, "no": {}}

    def crossed(self):
        yes, no = self.sides["yes"], self.sides["no"]
        return bool(yes and no) and max(yes) + max(no) >= 10_000


class Streams(RuleBasedStateMachine):
    """The steps of a stream, each told to the three feeds as a frame and to the model in words."""

    both = None

    @initialize(use_yes_price=st.booleans(), filtered=st.sampled_from((False, False, True)))
    def start(self, use_yes_price, filtered):
        self.trio = Trio(self.both, use_yes_price=use_yes_price, filtered=filtered)
        self.use_yes_price, self.filtered = use_yes_price, filtered
        self.shelves, self.last_seq, self.last_frame, self.dead = {}, {}, None, set()
        self.channels = set()
        self.is_open = True
        self.skipped = 0
        self.left = []
        self.numbers = 0
        self.resync(1, [(4_100, 12_000)], [(5_500, 700)], "current")

    # The model's count.

    def number(self, sid, step):
        """Choose the seq of the next frame of a sid."""
        last = self.last_seq.get(sid)
        if last is None:
            return 50
        return max(0, {"next": last + 1, "gap": last + 4, "back": last - 3, "same": last}[step])

    def count(self, sid, seq):
        """Take a number; stale the books of the sid where the count is broken."""
        last = self.last_seq.get(sid)
        if not self.is_open:
            return False
        self.last_seq[sid] = seq
        if last is not None and seq <= last:
            self.dead.discard(sid)
        if last is not None and seq != last + 1:
            self.skipped += max(0, seq - last - 1)
            if seq <= last or not self.filtered:
                self.stale(lambda shelf: shelf.sid == sid)
        return True

    def stale(self, which):
        for shelf in self.shelves.values():
            if which(shelf):
                shelf.live = False

    def drop(self, which):
        for ticker in [ticker for ticker, shelf in self.shelves.items() if which(ticker, shelf)]:
            self.left.append([feed.books[ticker] for feed in self.trio.feeds])
            del self.shelves[ticker]

    def send(self, sent, received_ns=None):
        """Send a numbered frame: right after it, the same again is a duplicate."""
        self.last_frame = sent
        self.trio.receive(sent, received_ns=received_ns)

    def other_bytes(self):
        """Fields that make every frame another one: the same number with other bytes is a restart."""
        self.numbers += 1
        return {"n": self.numbers}

    # The steps.

    def wire_price(self, side, price_e4):
        return dollars(10_000 - price_e4 if side == "no" and self.use_yes_price else price_e4)

    @rule(ticker=tickers, sid=sids, step=steps, yes=sides, no=sides, era=eras, asked=st.sampled_from((False,) * 5 + (True,)))
    def snapshot(self, ticker, sid, step, yes, no, era, asked):
        if era in WHOLE_ERAS:
            yes, no = ([(p // 100 * 100 or 100, s * 100) for p, s in ladder] for ladder in (yes, no))
            yes, no = (list(dict(ladder).items()) for ladder in (yes, no))
        seq = self.number(sid, step)
        wire = [[(self.wire_price(side, p), contracts(s)) for p, s in ladder] for side, ladder in (("yes", yes), ("no", no))]
        top = {"id": 7, **self.other_bytes()} if asked else self.other_bytes()
        if self.count(sid, seq) and sid not in self.dead:
            shelf = self.shelves.get(ticker)
            held = shelf is not None and shelf.sid == sid
            if held or not (asked and shelf is not None and shelf.sid is not None):
                shelf = self.shelves.setdefault(ticker, Shelf())
                shelf.sides = {"yes": dict(yes), "no": dict(no)}
                shelf.sid = sid if held or not asked else None
                if shelf.sid is not None:
                    self.channels.add(sid)  # it is a book's subscription, whether a reply named it or not
                shelf.live = not shelf.crossed() and shelf.sid is not None
                shelf.is_foreign = shelf.sid is None
        self.send(snapshot(ticker, *wire, sid=sid, seq=seq, era=era, top=top))

    @rule(
        ticker=tickers, elsewhere=st.sampled_from((False,) * 9 + (True,)), step=steps, side=st.sampled_from(SIDES),
        price=prices, amount=sizes, how=st.sampled_from(("add", "add", "less", "all", "too much", "zero", "flood")),
        era=eras, received_ns=receipts, mine=st.sampled_from((None, None, "mm-1", "")),
    )  # fmt: skip
    def delta(self, ticker, elsewhere, step, side, price, amount, how, era, received_ns, mine):
        shelf = self.shelves.get(ticker)
        sid = 1 if shelf is None or shelf.sid is None else shelf.sid
        sid = 3 - sid if elsewhere else sid
        ladder = {} if shelf is None else shelf.sides[side]
        if how != "add" and ladder:
            price = sorted(ladder)[price % len(ladder)]
        rests = ladder.get(price, 0)
        change = {
            "add": amount, "less": -min(amount, rests), "all": -rests, "too much": -rests - amount, "zero": 0, "flood": TOP,
        }[how]  # fmt: skip
        if era in WHOLE_ERAS and (price % 100 or change % 100):
            era = "current"
        seq = self.number(sid, step)
        if self.count(sid, seq) and shelf is not None and shelf.live and shelf.sid == sid and sid not in self.dead:
            size = rests + change
            if not 0 <= size <= TOP:
                shelf.live = False
            else:
                ladder[price] = size
                if not size:
                    del ladder[price]
                shelf.live = not shelf.crossed()
        extra = self.other_bytes() if mine is None else {"client_order_id": mine, "subaccount": 3, **self.other_bytes()}
        wire = self.wire_price(side, price)
        self.send(delta(ticker, side, wire, contracts(change), sid=sid, seq=seq, era=era, **extra), received_ns)

    @rule(
        ticker=tickers, sid=sids, step=steps,
        bad=st.sampled_from(({"delta_fp": "x"}, {"price_dollars": "0.12345"}, {"side": "maybe"}, {"delta_fp": None})),
    )  # fmt: skip
    def malformed(self, ticker, sid, step, bad):
        seq = self.number(sid, step)
        if self.count(sid, seq):
            self.stale(lambda shelf: shelf is self.shelves.get(ticker))
        self.send(delta(ticker, sid=sid, seq=seq, **bad, **self.other_bytes()))

    @rule(ticker=tickers, price=st.sampled_from(("0.0000", "1.0000", "7.5000")))
    def off_the_range(self, ticker, price):
        shelf = self.shelves.get(ticker)
        sid = 1 if shelf is None or shelf.sid is None else shelf.sid
        seq = self.number(sid, "next")
        if self.count(sid, seq) and shelf is not None and sid == shelf.sid and sid not in self.dead:
            shelf.live = False
        self.send(delta(ticker, price=price, sid=sid, seq=seq, **self.other_bytes()))

    @rule(sid=sids, step=steps, type_=st.sampled_from(("trade", "error", "list_subscriptions")))
    def bystander(self, sid, step, type_):
        seq = self.number(sid, step)
        self.count(sid, seq)
        self.send(frame(type_, sid=sid, seq=seq, msg={"code": 11}, **self.other_bytes()))

    @rule(sid=sids, yes=low_sides, no=low_sides, era=eras)
    def resync(self, sid, yes, no, era):
        """Snapshots of all markets in a row, on a sid that lives: what brings a stream back to life."""
        if not self.is_open:
            self.another_epoch("opened")
        if sid in self.dead:
            self.subscribed(sid)
        for ticker in TICKERS:
            self.snapshot(ticker, sid, "next", yes, no, era, False)

    @rule(
        ticker=tickers,
        changes=st.lists(
            st.tuples(st.sampled_from(SIDES), low_prices, sizes, st.sampled_from(("add", "less", "all", "zero"))), max_size=8
        ),
        era=eras,
    )
    def trading(self, ticker, changes, era):
        """Good changes in a row, each compared."""
        for side, price, amount, how in changes:
            self.delta(ticker, False, "next", side, price, amount, how, era, None, None)
            self.all_cores_agree_and_every_book_checks()
            self.live_books_equal_the_model()

    def only_the_sid_can_be_read(self, sid):
        seq = self.number(sid, "next")
        if self.count(sid, seq):
            self.stale(lambda shelf: shelf.sid == sid)
        self.send(frame("orderbook_delta", sid=sid, seq=seq, msg=[]))

    @rule(junk=st.binary(max_size=20) | st.text(max_size=20))
    def junk(self, junk):
        self.trio.receive(junk)

    @precondition(lambda self: self.last_frame is not None)
    @rule(newline=st.booleans())
    def again(self, newline):
        """The last numbered frame once more."""
        self.trio.receive(self.last_frame + b"\n" * newline)

    @rule(sid=sids, step=steps, held=st.lists(tickers, max_size=3))
    def ok(self, sid, step, held):
        seq = self.number(sid, step)
        counted = self.count(sid, seq)
        mine = any(shelf.sid == sid for shelf in self.shelves.values())
        if counted and sid not in self.dead and (mine or sid in self.channels):
            self.drop(lambda ticker, shelf: shelf.sid == sid and ticker not in held)
            for ticker in held:
                shelf = self.shelves.setdefault(ticker, Shelf())
                shelf.live = shelf.live and shelf.sid == sid
                shelf.sid, shelf.is_foreign = sid, False
        self.send(ok(held, sid=sid, seq=seq, command_id=self.other_bytes()["n"]))

    @rule(sid=sids)
    def subscribed(self, sid):
        if self.is_open:
            if self.last_seq.get(sid) is not None:
                self.stale(lambda shelf: shelf.sid == sid)
                for shelf in self.shelves.values():
                    shelf.sid = None if shelf.sid == sid else shelf.sid
            self.last_seq[sid] = None
            for other in self.channels - {sid} - self.dead:  # a channel has one sid: whatever it had before is gone
                for shelf in self.shelves.values():
                    if shelf.sid == other:
                        shelf.live, shelf.sid = False, None
                self.dead.add(other)
            self.dead.discard(sid)
            self.channels.add(sid)
        self.trio.receive(subscribed(sid))
        self.last_frame = None

    def terminal_error(self, sid, code):
        seq = self.number(sid, "next")
        if self.count(sid, seq):
            self.stale(lambda shelf: shelf.sid == sid)
            self.dead.add(sid)
            for shelf in self.shelves.values():
                shelf.sid = None if shelf.sid == sid else shelf.sid
        self.send(error(code, sid=sid, seq=seq))

    def unsubscribed(self, sid):
        seq = self.number(sid, "next")
        if self.count(sid, seq):
            self.drop(lambda _, shelf: shelf.sid == sid)
            self.dead.add(sid)
        self.send(unsubscribed(sid, seq=seq))

    @rule(what=st.sampled_from(("terminal", "unsubscribed", "sid", "opened", "both", "closed")), sid=sids)
    def disaster(self, what, sid):
        """What takes many books at once, in one rule so that it stays rare."""
        if what == "terminal":
            self.terminal_error(sid, (10, 17, 25)[self.numbers % 3])
        elif what == "unsubscribed":
            self.unsubscribed(sid)
        elif what == "sid":
            self.only_the_sid_can_be_read(sid)
        else:
            self.another_epoch(what)

    def another_epoch(self, how):
        if self.is_open:
            self.drop(lambda ticker, shelf: shelf.is_foreign)
        for shelf in self.shelves.values():
            shelf.live, shelf.sid = False, None
        self.last_seq, self.dead, self.channels, self.last_frame = {}, set(), set(), None
        if how != "opened":
            self.trio.closed("maintenance")
            self.is_open = False
        if how != "closed":
            self.trio.opened()
            self.is_open = True

    # What holds after each step.

    @invariant()
    def all_cores_agree_and_every_book_checks(self):
        self.trio.compare()

    @invariant()
    def live_books_equal_the_model(self):
        assert self.trio.fast.skipped == self.skipped
        assert set(self.trio.books) == set(self.shelves)
        for ticker, shelf in self.shelves.items():
            book = self.trio.books[ticker]
            assert (ticker, book.is_live) == (ticker, shelf.live)
            assert book.sid == shelf.sid
            if shelf.live:
                assert levels(book) == shelf.sides

    @invariant()
    def books_that_left_stay_away(self):
        for books in self.left:
            assert {(book.state.value, str(book.stale_reason), book.sid) for book in books} == {
                ("stale", "unsubscribed", None)
            }


@pytest.mark.long
@pytest.mark.parametrize("steps", [12, 60])
def test_the_cores_and_the_model_agree_after_every_step(both, steps):
    machine = type("Streams", (Streams,), {"both": both})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=steps))
