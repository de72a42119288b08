"""The tree of errors, their values and their texts."""

import copy
import pickle

import pytest

TREE = {
    "KalshiBookError": (Exception,),
    "UsageError": ("KalshiBookError", ValueError),
    "UnknownMarket": ("UsageError", KeyError),
    "FeedError": ("KalshiBookError",),
    "MalformedFrame": ("FeedError", ValueError),
    "Contradiction": ("FeedError",),
    "BookNotLive": ("KalshiBookError",),
    "MissingLibrary": ("KalshiBookError", ImportError),
    "TapeError": ("KalshiBookError", OSError),
}


@pytest.mark.parametrize("name", TREE)
def test_the_tree_is_as_documented(kb, name):
    expected = tuple(getattr(kb, base) if isinstance(base, str) else base for base in TREE[name])
    assert getattr(kb, name).__bases__ == expected


def malformed(kb, **more):
    return kb.MalformedFrame("expected this, found that", **more)


def contradiction(kb, **more):
    change = {"outcome_side": "no", "price_e4": 4200, "delta_e2": -800, "size_e2": 700}
    return kb.Contradiction(market_ticker="KXDEMO-26-A", **{"stale_reason": "contradiction", **change, **more})


def not_live(kb, **more):
    return kb.BookNotLive(market_ticker="KXDEMO-26-A", **{"state": "stale", "stale_reason": "gap", "seq": 7, **more})


TEXTS = [
    (lambda kb: kb.UsageError("n must be 0 or more"), "n must be 0 or more"),
    (
        lambda kb: kb.UnknownMarket("KXDEMO-26-Z", 3),
        "no book for 'KXDEMO-26-Z' among the 3 that this feed holds: a book is there from its first snapshot (or the reply "
        "that names it) until it is unsubscribed; check the ticker",
    ),
    (
        malformed,
        "malformed frame: expected this, found that; the raw frame is on the update: report it if the exchange sent it",
    ),
    (
        lambda kb: malformed(kb, type="orderbook_delta", market_ticker="KXDEMO-26-A", sid=0, seq=3),
        "malformed orderbook_delta market=KXDEMO-26-A sid=0 seq=3: expected this, found that; the raw frame is on the "
        "update: report it if the exchange sent it",
    ),
    (
        contradiction,
        "KXDEMO-26-A no price_e4=4200 delta_e2=-800: expected 0 to 2**63 - 1 to rest there afterwards, found 700 before; "
        "nothing was changed. The book is wrong and now STALE: get a new snapshot",
    ),
    (
        lambda kb: contradiction(kb, price_e4=10_000, size_e2=0),
        "KXDEMO-26-A no price_e4=10000 delta_e2=-800: expected a price of $0.0001 to $0.9999; nothing was changed. The book "
        "is wrong and now STALE: get a new snapshot",
    ),
    (
        lambda kb: contradiction(kb, stale_reason="crossed"),
        "KXDEMO-26-A no price_e4=4200 delta_e2=-800: expected the best yes bid and the best no bid to sum to less than $1, "
        "and they do not. The book is wrong and now STALE: get a new snapshot",
    ),
    (
        lambda kb: kb.Contradiction(market_ticker="KXDEMO-26-A", stale_reason="crossed"),
        "a snapshot of KXDEMO-26-A: expected the best yes bid and the best no bid to sum to less than $1, and they do not. "
        "The book is wrong and now STALE: get a new snapshot",
    ),
    (
        lambda kb: contradiction(kb, outcome_side=None, book_side="ask", is_perps=True, price_e4=64_100),
        "KXDEMO-26-A ask price_e4=64100 delta_e2=-800: expected 0 to 2**63 - 1 to rest there afterwards, found 700 before; "
        "nothing was changed. The book is wrong and now STALE: get a new snapshot",
    ),
    (
        lambda kb: kb.Contradiction(market_ticker="KXDEMO-26-A", stale_reason="crossed", is_perps=True),
        "a snapshot of KXDEMO-26-A: expected the best bid below the best ask, and it is not. "
        "The book is wrong and now STALE: get a new snapshot",
    ),
    (
        lambda kb: not_live(kb, state="new", stale_reason=None, seq=None),
        "KXDEMO-26-A is NEW, not LIVE: wait for its first snapshot",
    ),
    (
        not_live,
        "KXDEMO-26-A is STALE (gap) after seq 7, not LIVE: wait for its next snapshot, or read book.last_known",
    ),
    (
        lambda kb: not_live(kb, seq=None, stale_reason="unsubscribed"),
        "KXDEMO-26-A is STALE (unsubscribed), not LIVE: wait for its next snapshot, or read book.last_known",
    ),
    (lambda kb: kb.TapeError("tape.gz", "is not gzip"), "tape.gz: is not gzip"),
    (lambda kb: kb.UnusableKey("a.pem", "expected a key, found none"), "private key from a.pem: expected a key, found none"),
    (
        lambda kb: kb.CommandError(code=None, meaning=None, text=None, command="subscribe trade"),
        "subscribe trade: expected it to be done, found it acknowledged and not done; it is asked again now and then",
    ),
    (
        lambda kb: kb.CommandError(code=9, meaning="Authentication required", text="no", command="subscribe fill"),
        "subscribe fill: expected an acknowledgement, found error 9, Authentication required (no)",
    ),
    (
        lambda kb: kb.HandshakeRefused("host", 404, "no such path"),
        "host: expected a WebSocket handshake, found HTTP status 404: no such path",
    ),
    (
        lambda kb: kb.ConnectionLost("subscribe trade", "it broke off"),
        "subscribe trade: the connection ended before the answer came (it broke off); ask again",
    ),
    (lambda kb: kb.NotInTime("expected a book, found none", 2.5), "expected a book, found none within 2.5 s"),
    (
        lambda kb: kb.ConsumerOverrun("a stream", lost=7, size=5),
        "a stream: expected it to keep up with a queue of 5, found 7 more updates, which it will not see: read the books "
        "anew, be faster, want less, or give it a larger queue",
    ),
    (
        lambda kb: kb.MissingLibrary("pyarrow", what="to_arrow", extra="arrow"),
        "to_arrow needs pyarrow, which is not installed: pip install 'kalshi-book[arrow]'",
    ),
]


@pytest.mark.parametrize(("make", "text"), TEXTS)
def test_the_text_says_what_was_expected_what_was_found_and_what_to_do(kb, make, text):
    assert str(make(kb)) == text


def test_values_are_attributes(kb):
    error = malformed(kb, is_json=False)
    assert (error.reason, error.is_json, error.type, error.market_ticker, error.sid, error.seq) == (
        "expected this, found that", False, None, None, None, None
    )  # fmt: skip
    error = contradiction(kb)
    assert (error.market_ticker, error.stale_reason, error.outcome_side, error.price_e4, error.delta_e2, error.size_e2) == (
        "KXDEMO-26-A", "contradiction", "no", 4200, -800, 700
    )  # fmt: skip
    error = not_live(kb)
    assert (error.market_ticker, error.state, error.stale_reason, error.seq) == ("KXDEMO-26-A", "stale", "gap", 7)
    error = kb.UnknownMarket("KXDEMO-26-Z", 3)
    assert (error.market_ticker, error.held) == ("KXDEMO-26-Z", 3)
    error = kb.TapeError("tape.gz", "is not gzip")
    assert (error.path, error.reason) == ("tape.gz", "is not gzip")


def test_each_error_can_be_caught_as_what_python_calls_it(kb):
    with pytest.raises(KeyError):
        raise kb.UnknownMarket("Z", 0)
    with pytest.raises(ValueError, match="malformed"):
        raise malformed(kb)
    with pytest.raises(OSError, match=r"tape\.gz"):
        raise kb.TapeError("tape.gz", "gone")


def test_errors_are_raised_by_name_only(kb):
    with pytest.raises(TypeError):
        kb.BookNotLive("KXDEMO-26-A", "stale", "gap", 7)
    with pytest.raises(TypeError):
        kb.Contradiction("KXDEMO-26-A")


@pytest.mark.parametrize(("make", "text"), TEXTS)
def test_an_error_survives_a_copy_and_another_process(kb, make, text):
    error = make(kb)
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert str(again) == text
        assert vars(again) == vars(error)
