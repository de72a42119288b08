"""The seeded flow: same bytes from the same seed, books that are never wrong, traffic as recorded."""

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import pytest

import kalshi_book.sim.flow
import kalshi_book.sim.market
from kalshi_book.sim.flow import Flow
from kalshi_book.sim.wire import Wire

MIRROR_E4 = 10_000
GOLDEN_SHA256 = "5fa1e5bbe3a83b56c996d2dccc33e2bf656cdf0e88a8df0e62eed5d28d7dbe0b"
VARIANTS = [
    pytest.param({"seed": 1}, id="cent"),
    pytest.param({"seed": 2, "markets": 1, "levels": 1}, id="one level"),
    pytest.param({"seed": 3, "markets": 2, "levels": 99}, id="full cent grid"),
    pytest.param({"seed": 4, "tick": "deci_cent"}, id="deci-cent"),
    pytest.param({"seed": 5, "tick": "centi_cent", "markets": 2, "levels": 1_000}, id="a thousand levels"),
    pytest.param({"seed": 6, "tick": "tapered", "levels": 100}, id="tapered"),
    pytest.param({"seed": 7, "era": "2026-03", "tick": "tapered"}, id="without clock"),
    pytest.param({"seed": 8, "era": "2026-01"}, id="both kinds of numbers"),
    pytest.param({"seed": 9, "era": "2025"}, id="cents and counts"),
    pytest.param({"seed": 10, "use_yes_price": True, "own_per_mille": 100, "skew": False, "sid": 3}, id="yes scale"),
]
STEPS_E4 = {"cent": ((0, 100),), "deci_cent": ((0, 10),), "centi_cent": ((0, 1),)}
TAPERED_STEPS_E4 = ((0, 10), (1_000, 100), (9_000, 10))


def price_e4_of(text):
    assert re.fullmatch(r"0\.\d{4}", text), text
    return int(text[2:])


def size_e2_of(text):
    assert re.fullmatch(r"-?(0|[1-9]\d*)\.\d\d", text), text
    return int(text.replace(".", ""))


class Reader:
    """A reader as plain as can be: dicts of ints, every claim of the flow checked on every frame."""

    def __init__(self, *, era="current", tick="cent", sid=1, use_yes_price=False):
        self.era, self.tick, self.sid, self.yes_scale = era, tick, sid, use_yes_price
        self.books = {}
        self.seq = 0
        self.counts = Counter()
        self.at_ms = self.sent_ms = 0
        self.clocks = {}
        self.deltas = []

    def read(self, frame):
        assert frame.endswith(b"}\n") and frame.count(b"\n") == 1
        message = json.loads(frame)
        kind, msg = message["type"], message.get("msg", message)
        self.counts[kind] += 1
        if kind == "subscribed":
            assert msg["sid"] == self.sid
        else:
            self.seq += 1
            assert (message["sid"], message["seq"]) == (self.sid, self.seq)
        assert ("sending_ts_ms" in message) == (self.era == "current")
        if self.era == "current":
            assert message["sending_ts_ms"] >= self.sent_ms
            self.sent_ms = message["sending_ts_ms"]
        if kind == "orderbook_snapshot":
            self.read_snapshot(msg)
        elif kind == "orderbook_delta":
            self.read_delta(msg)
        return msg.get("market_ticker")

    def read_snapshot(self, msg):
        self.check_clock(msg)
        book = {side: self.ladder(msg, side) for side in ("yes", "no")}
        self.books[msg["market_ticker"]] = book
        self.check(book)

    def ladder(self, msg, side):
        if self.era == "2025":
            levels = [(cents * 100, count * 100) for cents, count in msg.get(side, [])]
        else:
            levels = [(price_e4_of(p), size_e2_of(s)) for p, s in msg.get(f"{side}_dollars_fp", [])]
        if self.era in ("2025", "2026-01"):
            assert msg.get(side, []) == [[p // 100, s // 100] for p, s in levels]
            assert msg.get(f"{side}_dollars", []) == [[f"0.{p // 10:03d}", s // 100] for p, s in levels]
        assert levels == sorted(levels) and [] not in msg.values()  # an empty side has no key
        ladder = {self.own_scale(price_e4, side): size_e2 for price_e4, size_e2 in levels}
        assert len(ladder) == len(levels)
        return ladder

    def own_scale(self, price_e4, side):
        return MIRROR_E4 - price_e4 if self.yes_scale and side == "no" else price_e4

    def read_delta(self, msg):
        side = msg["side"]
        if self.era == "2025":
            price_e4, delta_e2 = msg["price"] * 100, msg["delta"] * 100
        else:
            price_e4, delta_e2 = price_e4_of(f"{msg['price_dollars']:0<6}"), size_e2_of(msg["delta_fp"])
        if self.era in ("2025", "2026-01"):
            assert type(msg["price"]) is type(msg["delta"]) is int
            assert (msg["price"] * 100, msg["delta"] * 100) == (price_e4, delta_e2)
            assert msg["price_dollars"] == f"0.{price_e4 // 10:03d}"
        self.check_times(msg)
        self.check_clock(msg)
        book = self.books[msg["market_ticker"]]
        ladder, price_e4 = book[side], self.own_scale(price_e4, side)
        was_e2, best_e4 = ladder.get(price_e4, 0), max(ladder, default=0)
        now_e2 = was_e2 + delta_e2
        assert delta_e2 != 0 and now_e2 >= 0
        ladder[price_e4] = now_e2
        if not now_e2:
            del ladder[price_e4]
        self.check(book, levels=[(price_e4, now_e2)])
        self.counts["added" if not was_e2 else "changed" if now_e2 else "removed"] += 1
        self.counts["at or inside the best"] += price_e4 >= best_e4
        self.counts["best removed"] += price_e4 == best_e4 and not now_e2
        self.counts["best improved"] += price_e4 > best_e4
        self.counts["fractional"] += delta_e2 % 100 != 0
        self.deltas.append(msg)

    def check(self, book, levels=None):
        steps = STEPS_E4.get(self.tick, TAPERED_STEPS_E4)
        every = levels if levels is not None else [level for ladder in book.values() for level in ladder.items()]
        for price_e4, size_e2 in every:
            step_e4 = [step for start, step in steps if start <= price_e4][-1]
            assert 1 <= price_e4 <= 9_999 and price_e4 % step_e4 == 0
            assert 0 <= size_e2 <= 140_715_486
            assert self.era not in ("2025", "2026-01") or size_e2 % 100 == 0
        assert max(book["yes"], default=0) + max(book["no"], default=0) < MIRROR_E4  # neither locked nor crossed

    def check_times(self, msg):
        match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{0,5}[1-9])?Z", msg["ts"])
        second = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc)
        at_ms = int(second.timestamp()) * 1_000 + int((match[2] or ".0")[1:].ljust(3, "0")[:3])
        assert at_ms >= self.at_ms
        assert msg.get("ts_ms") == (None if self.era in ("2025", "2026-01") else at_ms)
        assert self.era != "current" or self.sent_ms >= at_ms
        self.at_ms = at_ms

    def check_clock(self, msg):
        assert ("clock" in msg) == (self.era == "current")
        if "clock" in msg:
            ticker, clock, at = msg["market_ticker"], msg["clock"], msg.get("ts", "a snapshot's")
            last_clock, last_at = self.clocks.get(ticker, (0, ""))
            # One clock is one action at one moment; a snapshot ends whatever came before it.
            assert clock > last_clock or (clock == last_clock and at == last_at and "ts" in msg)
            self.clocks[ticker] = clock, at


def read(flow, **how):
    reader = Reader(**how)
    for frame in flow:
        reader.read(frame)
    return reader


def how_to_read(variant):
    return {key: variant[key] for key in ("era", "tick", "sid", "use_yes_price") if key in variant}


def truth(flow):
    return {ticker: {side: dict(flow.levels(ticker, side)) for side in ("yes", "no")} for ticker in flow.tickers}


def digest(frames):
    return hashlib.sha256(b"".join(frames)).hexdigest()


class TestSameSeedSameBytes:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_two_flows_of_one_seed_are_equal(self, variant):
        assert digest(Flow(**variant, frames=300)) == digest(Flow(**variant, frames=300))

    def test_another_seed_makes_another_flow(self):
        assert digest(Flow(seed=1, frames=500)) != digest(Flow(seed=2, frames=500))

    def test_the_first_frames_are_the_same_on_every_python(self):
        assert digest(islice(Flow(seed=1, tick="tapered", own_per_mille=50), 2_000)) == GOLDEN_SHA256

    @pytest.mark.parametrize("hash_seed", ["0", "4242"])
    def test_another_process_with_another_hash_seed_makes_the_same_bytes(self, hash_seed):
        script = (
            "import hashlib, itertools; from kalshi_book.sim.flow import Flow; "
            "frames = itertools.islice(Flow(seed=1, tick='tapered', own_per_mille=50), 2_000); "
            "print(hashlib.sha256(b''.join(frames)).hexdigest())"
        )
        root = str(Path(kalshi_book.sim.flow.__file__).parents[2])
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
        assert done.stdout.decode().strip() == GOLDEN_SHA256

    def test_own_marks_change_no_book(self):
        plain, marked = Flow(seed=5, frames=800, close=False), Flow(seed=5, frames=800, close=False, own_per_mille=500)
        own = re.compile(rb',"client_order_id":"mm-\d+"(,"subaccount":\d)?')
        assert [own.sub(b"", frame) for frame in marked] == list(plain)

    def test_shapes_of_fractional_eras_show_the_same_books(self):
        flows = [Flow(seed=5, frames=800, close=False, era=era) for era in ("2026-03", "current")]
        assert read(flows[0], era="2026-03").books == read(flows[1]).books == truth(flows[0]) == truth(flows[1])

    def test_the_yes_scale_shows_the_same_books(self):
        flows = [Flow(seed=5, frames=800, close=False, use_yes_price=flag) for flag in (False, True)]
        readers = [read(flow, use_yes_price=flag) for flow, flag in zip(flows, (False, True), strict=True)]
        assert readers[0].books == readers[1].books == truth(flows[0]) == truth(flows[1])
        prices = [{msg["price_dollars"] for msg in reader.deltas if msg["side"] == "no"} for reader in readers]
        assert {price_e4_of(price) for price in prices[0]} == {MIRROR_E4 - price_e4_of(price) for price in prices[1]}


class TestBooks:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_the_truth_is_what_a_reader_holds_after_every_frame(self, variant):
        flow, reader = Flow(**variant, frames=400), Reader(**how_to_read(variant))
        for frame in flow:
            ticker = reader.read(frame)
            if ticker:
                for side in ("yes", "no"):
                    assert flow.levels(ticker, side) == sorted(reader.books[ticker][side].items())
        assert truth(flow) == reader.books

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_a_long_flow_is_sound(self, variant):
        flow = Flow(**variant, frames=2_500, close=False)
        reader = read(flow, **how_to_read(variant))
        assert truth(flow) == reader.books
        assert reader.seq == 2_499

    def test_a_market_has_no_levels_before_its_snapshot(self):
        flow = Flow(seed=1)
        frames = iter(flow)
        next(frames)
        assert truth(flow) == {ticker: {"yes": {}, "no": {}} for ticker in flow.tickers}

    def test_markets_close_with_empty_snapshots(self):
        flow = Flow(seed=1, markets=3, frames=200)
        frames = [json.loads(frame) for frame in flow]
        for ticker, frame in zip(flow.tickers, frames[-3:], strict=True):
            assert frame["type"] == "orderbook_snapshot" and frame["msg"]["market_ticker"] == ticker
            assert set(frame["msg"]) == {"market_ticker", "market_id", "clock"}
        assert all(levels == {"yes": {}, "no": {}} for levels in truth(flow).values())

    def test_a_flow_that_does_not_close_leaves_its_books_open(self):
        flow = Flow(seed=1, markets=3, frames=200, close=False)
        assert json.loads(list(flow)[-1])["type"] == "orderbook_delta"
        assert all(book["yes"] and book["no"] for book in truth(flow).values())

    @pytest.mark.parametrize(("tick", "levels"), [("cent", 5), ("deci_cent", 40), ("centi_cent", 1_000)])
    def test_a_side_keeps_about_the_usual_number_of_levels(self, tick, levels):
        flow = Flow(seed=3, markets=1, tick=tick, levels=levels, frames=4_000, close=False)
        list(flow)
        for side in ("yes", "no"):
            assert levels * 0.5 < len(flow.levels(flow.tickers[0], side)) < levels * 1.5

    def test_sub_penny_prices_appear_only_in_the_tapered_ranges(self):
        flow = Flow(seed=3, tick="tapered", levels=100, frames=2_000, close=False)
        reader = read(flow, tick="tapered")
        prices = {p for book in reader.books.values() for ladder in book.values() for p in ladder}
        sub_penny = {p for p in prices if p % 100}
        assert len(sub_penny) > 50 and all(p < 1_000 or p > 9_000 for p in sub_penny)

    def test_no_level_outgrows_the_largest_of_the_recordings(self, monkeypatch):
        for name, value in {"_CONTRACTS": (150,) * 15, "_TAIL_CONTRACTS": (150,) * 16, "_MAX_SIZE_E2": 20_000}.items():
            monkeypatch.setattr(kalshi_book.sim.market, name, value)
        flow = Flow(seed=1, markets=1, close=False, frames=1_000)
        ladders = (flow.levels(flow.tickers[0], side) for _ in flow for side in ("yes", "no"))
        largest_e2 = max(size_e2 for ladder in ladders for _, size_e2 in ladder)
        assert 15_000 < largest_e2 <= 20_000

    def test_ten_thousand_markets_are_held(self):
        flow = Flow(seed=1, markets=10_000, levels=2, frames=22_000)
        reader = read(islice(flow, 10_500))
        assert len(reader.books) == 10_000 and reader.counts["ok"] == 1
        assert truth(flow) == reader.books


class TestFrames:
    def test_the_session_opens_as_on_the_exchange(self):
        frames = [json.loads(frame) for frame in islice(Flow(seed=1, markets=5, sid=2), 8)]
        assert frames[0]["type"] == "subscribed" and "seq" not in frames[0]
        assert [frame.get("seq") for frame in frames] == [None, 1, 2, 3, 4, 5, 6, 7]
        kinds = ["orderbook_snapshot"] * 3 + ["ok"] + ["orderbook_snapshot"] * 2 + ["orderbook_delta"]
        assert [frame["type"] for frame in frames[1:]] == kinds
        assert frames[4]["id"] == 2
        shown = [frames[n]["msg"]["market_ticker"] for n in (1, 2, 3, 5, 6)]
        assert shown == frames[4]["msg"]["market_tickers"]

    def test_a_single_market_is_not_added_later(self):
        assert read(Flow(seed=1, markets=1, frames=50)).counts["ok"] == 0

    def test_keys_stand_in_the_order_of_the_wire(self):
        frames = [json.loads(frame) for frame in Flow(seed=1, own_per_mille=1_000, frames=300)]
        assert list(frames[0]) == ["type", "id", "sending_ts_ms", "msg"]
        assert list(frames[1]) == ["type", "sid", "seq", "sending_ts_ms", "msg"]
        assert list(frames[1]["msg"]) == ["market_ticker", "market_id", "clock", "yes_dollars_fp", "no_dollars_fp"]
        delta = next(f for f in frames if f["type"] == "orderbook_delta" and "subaccount" in f["msg"])
        assert list(delta) == ["type", "sid", "seq", "sending_ts_ms", "msg"]
        keys = "market_ticker market_id clock price_dollars delta_fp side ts ts_ms client_order_id subaccount"
        assert list(delta["msg"]) == keys.split()

    @pytest.mark.parametrize(
        ("era", "yes_scale", "change"),
        [
            ("current", False, '"clock":7,"price_dollars":"0.4200","delta_fp":"-3.00","side":"no",@'),
            ("current", True, '"clock":7,"price_dollars":"0.5800","delta_fp":"-3.00","side":"no",@'),
            ("2026-03", False, '"price_dollars":"0.4200","delta_fp":"-3.00","side":"no",@'),
            ("2026-01", False, '"price":42,"price_dollars":"0.420","delta":-3,"delta_fp":"-3.00","side":"no",@'),
            ("2025", False, '"price":42,"price_dollars":"0.420","delta":-3,"side":"no",@'),
        ],
    )
    def test_a_delta_has_the_shape_of_its_era(self, era, yes_scale, change):
        wire = Wire(era=era, sid=2, use_yes_price=yes_scale)
        frame = wire.delta(
            seq=3, sent_ms=1, ticker="T", market_id="", clock=7, price_e4=4_200, delta_e2=-300, side="no",
            times=wire.times(1_790_000_000_000_000),
        )  # fmt: skip
        sent = ',"sending_ts_ms":1' if era == "current" else ""
        head = f'{{"type":"orderbook_delta","sid":2,"seq":3{sent},"msg":{{"market_ticker":"T","market_id":"",'
        at = '"ts":"2026-09-21T14:13:20Z"' + (',"ts_ms":1790000000000' if era in ("current", "2026-03") else "")
        assert frame.decode() == head + change.replace("@", at) + "}}\n"

    @pytest.mark.parametrize(
        ("era", "levels"),
        [
            ("current", '"clock":7,"yes_dollars_fp":[["0.0800","2.00"],["0.4200","11.00"]]'),
            ("2026-03", '"yes_dollars_fp":[["0.0800","2.00"],["0.4200","11.00"]]'),
            (
                "2026-01",
                '"yes":[[8,2],[42,11]],"yes_dollars":[["0.080",2],["0.420",11]],'
                '"yes_dollars_fp":[["0.0800","2.00"],["0.4200","11.00"]]',
            ),
            ("2025", '"yes":[[8,2],[42,11]],"yes_dollars":[["0.080",2],["0.420",11]]'),
        ],
    )
    def test_a_snapshot_has_the_shape_of_its_era_and_no_key_for_an_empty_side(self, era, levels):
        wire = Wire(era=era, sid=2, use_yes_price=False)
        yes = [(800, 200), (4_200, 1_100)]
        frame = wire.snapshot(seq=3, sent_ms=1, ticker="T", market_id="", clock=7, yes=yes, no=[])
        sent = ',"sending_ts_ms":1' if era == "current" else ""
        head = f'{{"type":"orderbook_snapshot","sid":2,"seq":3{sent},"msg":{{"market_ticker":"T","market_id":"",'
        assert frame.decode() == head + levels + "}}\n"

    def test_an_ok_of_2025_lists_its_markets_at_the_top(self):
        oks = [Wire(era=era, sid=1, use_yes_price=False).ok(command_id=2, seq=3, sent_ms=0, tickers=["A", "B"])
               for era in ("2025", "2026-01")]  # fmt: skip
        assert oks[0] == b'{"type":"ok","id":2,"sid":1,"seq":3,"market_tickers":["A","B"]}\n'
        assert oks[1] == b'{"type":"ok","id":2,"sid":1,"seq":3,"msg":{"market_tickers":["A","B"]}}\n'

    def test_fractions_of_a_contract_and_of_a_second_are_written_exactly(self):
        wire = Wire(era="current", sid=1, use_yes_price=False)
        at = wire.times(1_790_000_000_120_300)
        assert at == '"ts":"2026-09-21T14:13:20.1203Z","ts_ms":1790000000120'
        for delta_e2, text in ((-5, "-0.05"), (-255, "-2.55"), (7, "0.07"), (140_715_486, "1407154.86")):
            frame = wire.delta(seq=1, sent_ms=1, ticker="T", market_id="", clock=1, price_e4=1, delta_e2=delta_e2,
                               side="yes", times=at)  # fmt: skip
            assert json.loads(frame)["msg"]["delta_fp"] == text and b'"0.0001"' in frame

    def test_the_subaccount_is_written_only_beside_an_own_order(self):
        wire = Wire(era="current", sid=1, use_yes_price=False)
        where = {"ticker": "T", "market_id": "", "price_e4": 1, "delta_e2": 1, "side": "yes"}
        write = functools.partial(wire.delta, seq=1, sent_ms=1, clock=1, times=wire.times(0), **where)
        own = b',"client_order_id":"mm-17"'
        assert write(client_order_id="mm-17", subaccount=3).endswith(own + b',"subaccount":3}}\n')
        assert write(client_order_id="mm-17").endswith(own + b"}}\n")
        assert b"subaccount" not in write(subaccount=3)


@pytest.fixture(scope="module", name="reader")
def busy_market():
    return read(Flow(seed=11, markets=1, frames=20_000))


class TestTraffic:
    """Shares and rates as measured in recordings of a busy market, May to August 2026."""

    @pytest.mark.parametrize(
        ("what", "per_cent"),
        [("changed", 71), ("added", 15), ("removed", 15), ("at or inside the best", 22), ("fractional", 16)],
    )
    def test_shares_are_those_of_the_recordings(self, reader, what, per_cent):
        assert abs(100 * reader.counts[what] / len(reader.deltas) - per_cent) < 2

    def test_the_best_price_is_removed_and_made_anew(self, reader):
        assert reader.counts["best removed"] > 200 and reader.counts["best improved"] > 200

    def test_the_price_wanders(self, reader):
        prices = {msg["price_dollars"] for msg in reader.deltas if msg["side"] == "yes"}
        assert len(prices) > 40

    def test_a_busy_market_has_its_rate_and_its_bursts(self, reader):
        times = [msg["ts_ms"] for msg in reader.deltas]
        assert times == sorted(times)
        assert 180 < 1_000 * len(times) / (times[-1] - times[0]) < 270
        in_100_ms = max(end - start for start, end in windows(times, 100))
        in_1_s = max(end - start for start, end in windows(times, 1_000))
        assert in_100_ms > 130 and in_1_s > 500

    def test_a_fifth_of_the_deltas_belong_to_the_action_before(self, reader):
        pairs = zip(reader.deltas, reader.deltas[1:])  # noqa: B905  (pairs of neighbours)
        same = sum(a["clock"] == b["clock"] and a["ts"] == b["ts"] for a, b in pairs)
        assert abs(100 * same / len(reader.deltas) - 21) < 2

    def test_sizes_have_a_heavy_tail(self, reader):
        sizes = sorted(abs(size_e2_of(msg["delta_fp"])) for msg in reader.deltas)
        assert 1_000 < sizes[len(sizes) // 2] < 4_000
        assert sizes[-1] > 100_000_000

    def test_another_rate_keeps_the_pattern(self):
        times = [msg["ts_ms"] for msg in read(Flow(seed=11, markets=1, frames=10_000, per_second=2_000)).deltas]
        assert 1_600 < 1_000 * len(times) / (times[-1] - times[0]) < 2_400

    def test_frames_have_the_size_of_the_recorded_ones(self):
        assert 240 < sum(map(len, islice(Flow(seed=1), 10, 2_010))) / 2_000 < 340

    @pytest.mark.parametrize(("skew", "least", "most"), [(True, 50, 58), (False, 7, 14)])
    def test_the_busy_market_gets_its_share(self, skew, least, most):
        flow = Flow(seed=1, markets=10, skew=skew, frames=4_000)
        shares = Counter(msg["market_ticker"] for msg in read(flow).deltas)
        assert least < shares[flow.tickers[0]] / 40 < most and len(shares) == 10

    @pytest.mark.parametrize("own_per_mille", [0, 20, 1_000])
    def test_own_changes_are_as_frequent_as_asked(self, own_per_mille):
        deltas = read(Flow(seed=1, own_per_mille=own_per_mille, frames=3_000)).deltas
        own = [msg for msg in deltas if "client_order_id" in msg]
        assert abs(1_000 * len(own) / len(deltas) - own_per_mille) < 8
        assert all(re.fullmatch(r"mm-\d+", msg["client_order_id"]) for msg in own)
        assert {msg.get("subaccount") for msg in own} == ({None, 1, 2, 3} if own else set())


def windows(times, width_ms):
    start = 0
    for end, at_ms in enumerate(times, 1):
        while times[start] <= at_ms - width_ms:
            start += 1
        yield start, end


class TestLength:
    @pytest.mark.parametrize("frames", [7, 8, 1_000])
    def test_a_flow_has_exactly_the_frames_asked_for(self, frames):
        assert len(list(Flow(seed=1, markets=2, frames=max(frames, 6)))) == frames

    def test_a_flow_without_a_limit_goes_on_where_it_was_left(self):
        flow = Flow(seed=1)
        first, second = list(islice(flow, 300)), list(islice(flow, 300))
        assert first + second == list(islice(Flow(seed=1), 600))

    def test_the_first_frame_is_sent_at_the_start(self):
        assert json.loads(next(iter(Flow(seed=1, start_ts_ms=1_800_000_000_000))))["sending_ts_ms"] == 1_800_000_000_000

    def test_opening_and_closing_alone_make_the_shortest_flow(self):
        flow = Flow(seed=1, markets=2, frames=6)
        assert read(flow).counts == {"subscribed": 1, "orderbook_snapshot": 4, "ok": 1}
        with pytest.raises(ValueError, match=r"^frames=5 is too few: opening and closing 2 markets takes 6$"):
            Flow(seed=1, markets=2, frames=5)


class TestMisuse:
    @pytest.mark.parametrize("wrong", [{"era": "1999"}, {"tick": "penny"}])
    def test_an_unknown_era_or_tick_is_refused(self, wrong):
        with pytest.raises(ValueError, match=r"^expected an era of .* and a tick of .*, found '.*' and '.*'$"):
            Flow(seed=1, **wrong)

    @pytest.mark.parametrize("era", ["2025", "2026-01"])
    def test_sub_penny_ticks_are_refused_in_eras_of_cents(self, era):
        with pytest.raises(ValueError, match=rf"^the era '{era}' knew only cent ticks, found tick='tapered'$"):
            Flow(seed=1, era=era, tick="tapered")

    @pytest.mark.parametrize(
        "wrong",
        [{"markets": 0}, {"levels": 0}, {"per_second": 0}, {"own_per_mille": -1}, {"own_per_mille": 1_001}],
    )
    def test_numbers_out_of_range_are_refused(self, wrong):
        with pytest.raises(ValueError, match=r"^markets, levels and per_second start at 1, and own_per_mille lies in"):
            Flow(seed=1, **wrong)

    def test_an_unknown_market_has_no_truth(self):
        with pytest.raises(KeyError, match="NOT-THERE"):
            Flow(seed=1).levels("NOT-THERE", "yes")
