"""Who is right, wrong, failing or absent is told so, and nobody else suffers for it."""

import json

import pytest

from benchmarks import peers, workers
from benchmarks.contenders import FRAMES, Entry
from benchmarks.workers import Failed, Process, Standing


@pytest.fixture
def compete(workload, tmp_path):
    """Let contenders take turns; gives their standings by name, and the times."""

    def run(*entries, seconds=30):
        standings, times = workers.compete(workload, entries, tmp_path, seconds=seconds)
        return {standing.entry.name: standing for standing in standings}, times

    return run


def test_a_right_contender_is_right_on_every_frame_and_is_timed_on_every_chunk(compete, strange, workload):
    standings, times = compete(strange("Right"))
    standing = standings["right"]
    assert (standing.checked, standing.wrong, standing.first) == (len(workload.items), 0, None)
    assert standing.verdict == "right, 1,200 checked"
    assert len(times.ns["right"]) == standing.chunks == 3


def test_a_wrong_contender_is_shown_as_wrong_with_how_often(compete, strange):
    standings, times = compete(strange("Wrong"), strange("Right"))
    standing = standings["wrong"]
    assert (standing.checked, standing.wrong) == (1_200, 120)
    assert standing.verdict == "WRONG top after 120 of 1,200 (10.0%)"
    assert standing.first.startswith("item 10: expected [")
    assert standings["right"].verdict == "right, 1,200 checked"
    assert times.ns["wrong"]


def test_what_a_contender_raises_is_its_result(compete, strange):
    standings, times = compete(strange("Raises"), strange("Right"))
    assert standings["raises"].verdict == "failed: ValueError: a side of three levels is not supported"
    assert list(times.ns) == ["right"]


def test_who_raises_while_it_is_timed_has_no_times_and_the_others_go_on(compete, strange):
    standings, times = compete(strange("RaisesLate"), strange("Right"))
    assert standings["raiseslate"].failed == "RuntimeError: the queue is full"
    assert len(times.ns["right"]) == 3
    assert "raiseslate" not in times.ns


def test_a_process_that_dies_is_told(compete, strange):
    standings, _ = compete(strange("Dies"))
    assert standings["dies"].verdict == "failed: its process ended with 3"


def test_a_package_that_is_not_installed_is_absent(compete, strange):
    standings, times = compete(strange("Missing"), strange("Right", peer="nautilus_trader"))
    assert standings["missing"].absent == "ModuleNotFoundError: No module named 'a_package_that_nobody_installed'"
    assert standings["right"].verdict == "absent: nautilus_trader is not installed (make bench-peers)"
    assert not times.ns


def test_a_distribution_that_cannot_be_named_is_absent(compete, strange):
    standings, _ = compete(strange("Right", distributions=("kalshi-book", "no-such-distribution")))
    assert standings["right"].absent.startswith("PackageNotFoundError")


def test_who_is_slow_stops_after_two_chunks_and_what_was_not_checked_is_not_timed(compete, strange):
    standings, times = compete(strange("Right"), seconds=0)
    assert standings["right"].checked == 1_000
    assert len(times.ns["right"]) == 2


def test_versions_and_python_stand_beside_a_contender(compete):
    standings, _ = compete(next(entry for entry in FRAMES if entry.name == "bare msgspec decode"))
    standing = standings["bare msgspec decode"]
    assert standing.verdict == "keeps no book"
    assert standing.python.startswith("3.")
    assert list(standing.versions) == ["msgspec"]


def test_ours_the_twin_and_what_needs_nothing_else_are_right(compete):
    names = ("kalshi_book", "kalshi_book, plain twin", "json + dict", "msgspec + dict")
    standings, _ = compete(*(entry for entry in FRAMES if entry.name in names))
    assert {name: standing.verdict for name, standing in standings.items()} == dict.fromkeys(names, "right, 1,200 checked")


def test_a_worker_answers_an_unknown_request_with_an_error(strange):
    process = Process.worker(peers.python_of(None), "frames", strange("Right"))
    with pytest.raises(Failed, match="AttributeError"):
        process.ask("dance")
    process.close()
    process.close()


def test_tails_are_of_single_frames(strange, workload, tmp_path):
    with workers.competitors(workload, [strange("Right")], tmp_path / "w.json", seconds=30) as running:
        found = running.ask_each("tails", seconds=30)["right"]
    assert found["n"] == len(workload.items)
    assert 0 < found["p50"] <= found["p99"] <= found["p99.9"] <= found["max"]


def test_an_entry_survives_the_way_to_its_process():
    entry = Entry("x", "y:Z", environ={"A": "1"}, distributions=("d",))
    assert Entry(**json.loads(json.dumps(entry.__dict__))) == Entry("x", "y:Z", environ={"A": "1"}, distributions=["d"])


def test_a_standing_without_a_fault_is_timed():
    entry = FRAMES[0]
    assert Standing(entry).is_timed
    assert not Standing(entry, absent="x").is_timed
    assert not Standing(entry, failed="x").is_timed
