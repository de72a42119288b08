"""Real recordings, where the environment says they are: every one ends in exactly the books that it must.

KALSHI_BOOK_TAPES is a directory of tapes with an expected.json; they are not ours to give away.
"""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from frames import levels

TAPES = os.environ.get("KALSHI_BOOK_TAPES")
pytestmark = [pytest.mark.long, pytest.mark.skipif(not TAPES, reason="KALSHI_BOOK_TAPES is not set")]
EXPECTED = json.loads((Path(TAPES) / "expected.json").read_text()) if TAPES else {}


def frames_of(name):
    """The frames of a tape, one a line."""
    path = Path(TAPES) / name
    with gzip.open(path) if name.endswith(".gz") else path.open("rb") as lines:
        yield from lines


@pytest.fixture(scope="module", params=sorted(EXPECTED) or ["none"])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def replayed(kb, name):
    """A feed that has seen the whole tape."""
    feed = kb.Feed(filtered="filtered" in name)
    for frame in frames_of(name):
        feed.receive(frame)
    return feed


def scaled(ladder):
    return {int(price.replace(".", "")): int(size.replace(".", "")) for price, size in ladder}


def test_the_books_are_exactly_those_expected(replayed, name):
    markets = EXPECTED[name]["markets"]
    assert set(replayed.books) == set(markets)
    for ticker, sides in markets.items():
        book = replayed.books[ticker]
        assert book.is_live
        assert levels(book) == {side: scaled(sides[side]) for side in ("yes", "no")}
        book.check()


def test_nothing_in_it_is_malformed_and_no_book_was_ever_wrong(kb, replayed, name):
    counts = replayed.counts
    assert counts.total() == EXPECTED[name]["frames"]
    effects = {effect: sum(n for (_, each), n in counts.items() if each is effect) for effect in kb.Effect}
    assert sum(n for (kind, _), n in counts.items() if kind is kb.Kind.MALFORMED) == 0
    assert effects[kb.Effect.STALED] == effects[kb.Effect.GAP] == 0
    assert effects[kb.Effect.DUPLICATE] == EXPECTED[name]["duplicates"]
    assert (replayed.skipped > 0) == (EXPECTED[name]["gaps"] > 0)


def test_each_trade_has_one_decrease_of_its_price_size_and_time_and_may_come_before_it():
    """What ``place.py`` explains decreases by. Observed: production, August 2026, every trade of three recordings."""
    trades = matched = early = 0
    for name in sorted(EXPECTED):
        decreases, told, newest = {}, [], {}
        for number, frame in enumerate(frames_of(name)):
            content = json.loads(frame)
            content = content.get("frame", content)
            msg = content.get("msg")
            if content["type"] == "orderbook_delta":
                assert newest.get(msg["market_ticker"], 0) <= msg["ts_ms"]  # the book never goes back in time
                newest[msg["market_ticker"]] = msg["ts_ms"]
                key = msg["market_ticker"], msg["side"], msg["price_dollars"], msg["delta_fp"], msg["ts_ms"]
                decreases.setdefault(key, []).append(number)
            elif content["type"] == "trade":
                side = {"yes": "no", "no": "yes"}[msg["taker_outcome_side"]]
                told.append(
                    (number, (msg["market_ticker"], side, msg[f"{side}_price_dollars"], f"-{msg['count_fp']}", msg["ts_ms"]))
                )
        trades += len(told)
        for key, count in Counter(key for _, key in told).items():
            matched += count if len(decreases.get(key, ())) == count else 0
        early += sum(number < min(decreases[key]) for number, key in told)
    assert (trades, matched, early) == (5110, 5110, 38)
