"""What contenders are given."""

import json
from dataclasses import replace

import pytest

from benchmarks import flows
from kalshi_book.sim.flow import Flow


@pytest.fixture
def stream():
    return flows.flow(seed=7, markets=3, deltas=300)


def test_every_sequence_is_whole_and_starts_at_one(workload):
    seqs = [json.loads(frame)["seq"] for frame in (*workload.opening, *workload.items)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_only_snapshots_and_deltas_are_left(workload):
    assert {json.loads(frame)["type"] for frame in workload.opening} == {"orderbook_snapshot"}
    assert {json.loads(frame)["type"] for frame in workload.items} == {"orderbook_delta"}


def test_there_is_one_truth_for_each_frame(workload):
    assert len(workload.tops) == len(workload.items) == 1_200


def test_frames_that_do_not_end_in_their_makers_books_are_refused(stream):
    with pytest.raises(
        flows.WrongBooks, match=r"3 markets: read plainly, the (yes|no) side of KXFLOW15M-26SEP21-0000. is not"
    ):
        flows.workload(replace(stream, frames=stream.frames[:-1]))


@pytest.mark.parametrize("name", [name for name in flows.FLOWS if name != "10,000 markets"])
def test_each_named_flow_is_read_alike_by_our_feed_and_plainly(name):
    stream = flows.flow(seed=1, deltas=200, name=name, **flows.FLOWS[name])
    stream.check()
    assert flows.workload(stream).name == name


def test_the_sub_penny_market_has_a_thousand_levels():
    options = flows.FLOWS[flows.SUB_PENNY]
    opening = flows.workload(flows.flow(seed=1, deltas=1, **options)).opening
    msg = json.loads(opening[0])["msg"]
    assert 900 < len(msg["yes_dollars_fp"]) + len(msg["no_dollars_fp"]) <= 1_000


@pytest.fixture
def tape(tmp_path):
    """A recording of two connections, with a gap in it."""
    path = tmp_path / "tape.ndjson"
    first, second = (list(Flow(seed=seed, markets=2, frames=120, close=False)) for seed in (1, 2))
    path.write_bytes(b"".join([*first[:100], *second]))
    return path


def test_on_a_recording_the_first_snapshot_of_each_market_comes_first(tape):
    workload = flows.workload(flows.recording(tape))
    tickers = [json.loads(frame)["msg"]["market_ticker"] for frame in workload.opening]
    assert sorted(tickers) == ["KXFLOW15M-26SEP21-00001", "KXFLOW15M-26SEP21-00002"]
    kinds = [json.loads(frame)["type"] for frame in workload.items]
    assert kinds.count("orderbook_snapshot") == 2


def test_a_recording_is_read_alike_by_our_feed_and_plainly(tape):
    stream = flows.recording(tape)
    stream.check()
    assert len(flows.workload(stream).items) + 2 == len(stream.frames)
