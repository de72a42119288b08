"""The digest of a replay, recomputed here by hand."""

import gzip
import hashlib
import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from frames import A, B, delta, frame, snapshot
from implementations import part
from kalshi_book.sim.flow import Flow

TAPES = os.environ.get("KALSHI_BOOK_TAPES")


def digest_of(kb, frames, **options):
    feed, digest = kb.Feed(**options), part(kb, "tape.digest").Digest()
    for line in frames:
        digest.add(feed.receive(line))
    return digest.result()


def sha256(*lines):
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def expected_of(frames):
    """The same by the plainest means: Decimal and dict."""
    books, quotes, changes, book_frames, depth = {}, {}, [], 0, []
    for line in frames:
        content = json.loads(line)
        msg = content.get("msg", {})
        ticker = msg.get("market_ticker")
        if content["type"] == "orderbook_snapshot":
            books[ticker] = {
                side: {Decimal(price): Decimal(size) for price, size in msg.get(f"{side}_dollars_fp", [])}
                for side in ("yes", "no")
            }
        elif content["type"] == "orderbook_delta":
            ladder = books[ticker][msg["side"]]
            price = Decimal(msg["price_dollars"])
            ladder[price] = ladder.get(price, 0) + Decimal(msg["delta_fp"])
            if not ladder[price]:
                del ladder[price]
        else:
            continue
        book_frames += 1
        if book_frames % 1000 == 0:
            depth += level_lines(ticker, books[ticker])
        quote = " ".join(f"{max(side)} {side[max(side)]}" if side else "- -" for side in books[ticker].values())
        if quotes.get(ticker) != quote:
            quotes[ticker] = quote
            changes.append(f"{ticker} {quote}")
    ending = [line for ticker in sorted(books) for line in level_lines(ticker, books[ticker])]
    return len(changes), sha256(*changes), sha256(*depth), sha256(*ending)


def level_lines(ticker, book):
    return [f"{ticker} {side} {price} {size}" for side in ("yes", "no") for price, size in sorted(book[side].items())]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("tick", ["cent", "tapered"])
def test_a_digest_is_what_anyone_can_recompute_from_the_frames(kb, seed, tick):
    frames = list(Flow(seed=seed, markets=3, frames=4_000, tick=tick))
    result = digest_of(kb, frames)
    quotes, quotes_sha256, depth_sha256, books_sha256 = expected_of(frames)
    assert result == {
        "frames": 4_000,
        "types": dict(Counter(json.loads(line)["type"] for line in frames)),
        "gaps": 0,
        "duplicates": 0,
        "falls": 0,
        "quotes": quotes,
        "quotes_sha256": quotes_sha256,
        "depth_sha256": depth_sha256,
        "books_sha256": books_sha256,
    }


def test_the_price_scale_of_the_recording_leaves_no_trace(kb):
    own_scale, yes_scale = (Flow(seed=5, markets=2, frames=2_500, use_yes_price=flag) for flag in (False, True))
    assert digest_of(kb, own_scale) == digest_of(kb, yes_scale, use_yes_price=True)


def test_sequence_faults_are_counted_by_sid(kb):
    frames = [
        snapshot(seq=5),
        delta(seq=6),
        delta(seq=6),  # the same again
        delta(seq=9),  # a gap
        snapshot(seq=2),  # a fall
        frame("trade", sid=2, seq=1, msg={}),
        frame("trade", sid=2, seq=3, msg={}),  # a gap of another sid
    ]
    result = digest_of(kb, frames)
    assert (result["gaps"], result["duplicates"], result["falls"]) == (2, 1, 1)
    assert result["types"] == {"orderbook_snapshot": 2, "orderbook_delta": 3, "trade": 2}


def test_a_stale_book_writes_no_quote_and_its_last_known_levels_count_at_the_end(kb):
    frames = [snapshot(seq=1, yes=[("0.4200", "7.00")], no=[]), delta(seq=5, change="1.00")]
    result = digest_of(kb, frames)
    assert result["quotes"] == 1
    assert result["quotes_sha256"] == sha256(f"{A} 0.4200 7.00 - -")
    assert result["books_sha256"] == sha256(f"{A} yes 0.4200 7.00")


def test_a_quote_that_changed_while_the_book_was_stale_is_written_when_it_is_healed(kb):
    frames = [
        snapshot(seq=1, yes=[("0.4200", "7.00")], no=[]),
        delta(seq=2, price="0.4300", change="1.00"),
        snapshot(seq=9, yes=[("0.4300", "1.00")], no=[]),
        snapshot(seq=10, yes=[("0.4400", "2.00")], no=[]),
    ]
    result = digest_of(kb, frames)
    assert result["quotes_sha256"] == sha256(f"{A} 0.4200 7.00 - -", f"{A} 0.4300 1.00 - -", f"{A} 0.4400 2.00 - -")


def test_types_are_those_of_the_wire(kb):
    frames = [
        frame("subscribed", id=1, msg={"channel": "orderbook_delta", "sid": 1}),
        frame("ok", id=2, sid=1, seq=1, msg={"market_tickers": [B]}),
        frame("list_subscriptions", id=3, subscriptions=[]),
        frame("error", id=4, msg={"code": 5, "msg": "unknown command"}),
        frame("unsubscribed", id=5, sid=1, seq=2),
        frame("ticker_v2", sid=3, msg={"market_ticker": A}),
        frame("new_thing", sid=3, msg={}),
        delta(seq="x"),
        b"nonsense",
    ]
    result = digest_of(kb, frames)
    assert result["frames"] == 9
    assert result["types"] == {
        "subscribed": 1, "ok": 1, "list_subscriptions": 1, "error": 1, "unsubscribed": 1, "ticker_v2": 1, "new_thing": 1,
        "orderbook_delta": 1, "malformed": 1,
    }  # fmt: skip
    assert result["quotes"] == 0


@pytest.mark.skipif(TAPES is None, reason="KALSHI_BOOK_TAPES names no folder of recorded tapes")
class TestRecordedTapes:
    @pytest.mark.long
    def test_each_ends_in_exactly_the_expected_digest(self, kb):
        expected = json.loads(Path(TAPES, "expected.json").read_text())
        assert len(expected) >= 6
        for name, ending in expected.items():
            with kb.replay(Path(TAPES, name), filtered="filtered" in name) as tape:
                digest = part(kb, "tape.digest").Digest()
                for update in tape:
                    digest.add(update)
            assert tape.problems == []
            assert digest.result() == {key: value for key, value in ending.items() if key != "markets"}, name

    def test_each_packed_again_as_wrapped_lines_ends_the_same(self, kb, tmp_path):
        name = "prod-12-markets.ndjson"
        expected = json.loads(Path(TAPES, "expected.json").read_text())[name]
        lines = Path(TAPES, name).read_bytes().splitlines()
        path = tmp_path / "wrapped.ndjson.gz"
        path.write_bytes(gzip.compress(b"".join(b'{"recv_ms":%d,"event":%b}\n' % pair for pair in enumerate(lines))))
        digest = part(kb, "tape.digest").Digest()
        with kb.replay(path) as tape:
            for update in tape:
                digest.add(update)
        assert digest.result()["books_sha256"] == expected["books_sha256"]
        assert digest.result()["quotes_sha256"] == expected["quotes_sha256"]
