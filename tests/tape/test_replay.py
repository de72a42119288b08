"""Replay of recordings: whole, torn, wrapped, compressed."""

import gzip
import importlib
import json
import sys

import pytest

from frames import A, delta, frame, snapshot
from implementations import part
from kalshi_book.sim.flow import Flow

LINES = [snapshot(seq=1), delta(seq=2), delta(seq=3), delta(side="no", price="0.5600", change="-310.00", seq=4)]


def write(path, lines, *, end=b"\n"):
    path.write_bytes(b"\n".join(lines) + end)
    return path


def zstd():
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name)


@pytest.fixture
def tape(tmp_path):
    return write(tmp_path / "tape.ndjson", LINES)


def ending(kb, path, **options):
    """Replay to the end: the updates, the checksums, the problems."""
    with kb.replay(path, **options) as replayed:
        updates = list(replayed)
    checksums = {ticker: book.last_known.checksum() for ticker, book in replayed.books.items()}
    return updates, checksums, [tuple(problem) for problem in replayed.problems]


class TestAReplay:
    def test_ends_in_the_book_of_its_frames(self, kb, tape):
        updates, _, problems = ending(kb, tape)
        assert [update.effect for update in updates] == [kb.Effect.APPLIED] * 4
        book = updates[-1].book
        assert book.bids() == [kb.Level(price_e4=4200, size_e2=900), kb.Level(price_e4=4100, size_e2=12000)]
        assert book.asks() == [kb.Level(price_e4=4500, size_e2=4000)]
        assert problems == []

    def test_gives_each_frame_as_it_stands_in_the_file(self, kb, tape):
        updates, _, _ = ending(kb, tape)
        assert [update.frame for update in updates] == [line + b"\n" for line in LINES]

    def test_is_one_pass_with_its_books_open_all_the_while(self, kb, tape):
        with kb.replay(tape) as replayed:
            assert next(replayed).kind is kb.Kind.SNAPSHOT
            assert replayed.books[A].best_yes_bid() == kb.Level(price_e4=4200, size_e2=700)
            assert len(list(replayed)) == 3
            assert list(replayed) == []
            assert replayed.feed.books is replayed.books

    def test_closes_its_file_and_keeps_its_books(self, kb, tape):
        with kb.replay(tape) as replayed:
            next(replayed)
        assert replayed.books[A].is_live
        assert replayed.progress == (tape.stat().st_size,) * 2
        with pytest.raises(kb.UsageError, match=r"tape\.ndjson is closed"):
            next(replayed)

    def test_tells_how_far_it_is(self, kb, tmp_path):
        path = write(tmp_path / "long.ndjson", [snapshot(), *(delta(seq=seq) for seq in range(2, 9000))])
        with kb.replay(path) as replayed:
            assert replayed.progress == (0, path.stat().st_size)
            next(replayed)
            done, total = replayed.progress
            assert 0 < done < total
            assert replayed.lines == 1
            assert sum(1 for _ in replayed) == 8998
            assert replayed.progress == (total, total)
            assert replayed.lines == 8999
            assert repr(replayed) == "<Replay long.ndjson: 8999 lines read, 0 problems, 1 books>"

    def test_knows_the_price_scale_it_was_told(self, kb, tmp_path):
        path = write(tmp_path / "yes.ndjson", [snapshot(yes=[], no=[("0.4500", "40.00")])])
        assert ending(kb, path, use_yes_price=True)[0][0].book.best_no_bid_e4() == 5500

    def test_of_a_filtered_recording_counts_the_holes_and_stays_live(self, kb, tmp_path):
        path = write(tmp_path / "filtered.ndjson", [snapshot(seq=10), delta(seq=20), delta(seq=21)])
        updates, _, _ = ending(kb, path, filtered=True)
        assert [update.skipped for update in updates] == [0, 9, 0]
        assert updates[-1].book.best_yes_bid().size_e2 == 900
        assert not ending(kb, path)[0][-1].book.is_live

    def test_of_nothing_ends_in_nothing(self, kb, tmp_path):
        assert ending(kb, write(tmp_path / "empty.ndjson", [], end=b"")) == ([], {}, [])

    def test_of_a_missing_file_fails_at_once(self, kb, tmp_path):
        with pytest.raises(kb.TapeError):
            kb.replay(tmp_path / "nowhere.ndjson")


class TestCompressed:
    @pytest.mark.parametrize("compress", [gzip.compress, lambda data: zstd().compress(data)], ids=["gzip", "zstandard"])
    def test_recordings_replay_as_the_plain_one(self, kb, tmp_path, compress):
        lines = b"".join(Flow(seed=3, markets=2, frames=3_000, close=False))
        plain, packed = tmp_path / "plain", tmp_path / "packed"
        plain.write_bytes(lines)
        packed.write_bytes(compress(lines))
        (expected, checksums, _), (got, got_checksums, problems) = ending(kb, plain), ending(kb, packed)
        assert got_checksums == checksums
        assert len(got) == len(expected) == 3_000
        assert problems == []

    @pytest.mark.long
    @pytest.mark.parametrize("compress", [gzip.compress, lambda data: zstd().compress(data)], ids=["gzip", "zstandard"])
    def test_a_cut_file_gives_all_that_can_be_read_and_says_where_it_ends(self, kb, tmp_path, compress):
        lines = b"".join(Flow(seed=3, markets=2, frames=30_000, close=False))
        packed = compress(lines)
        path = tmp_path / "cut"
        path.write_bytes(packed[: len(packed) * 3 // 4])
        with kb.replay(path) as replayed:
            read = sum(1 for _ in replayed)
        assert 10_000 < read < 30_000
        assert replayed.problem_count == len(replayed.problems)
        assert "cut or damaged" in replayed.problems[-1].reason
        assert replayed.problems[-1].line == replayed.lines + 1

    @pytest.mark.parametrize("compress", [gzip.compress, lambda data: zstd().compress(data)], ids=["gzip", "zstandard"])
    def test_a_flipped_bit_never_passes_in_silence(self, kb, tmp_path, compress):
        packed = bytearray(compress(b"".join(Flow(seed=3, markets=1, frames=5_000, close=False))))
        packed[len(packed) // 2] ^= 0x10
        path = tmp_path / "flipped"
        path.write_bytes(packed)
        with kb.replay(path) as replayed:
            for _ in replayed:
                pass
        assert replayed.problem_count >= 1


class TestLinesThatAreNoFrames:
    def test_a_torn_last_line_is_reported_with_its_number_and_skipped(self, kb, tmp_path):
        path = write(tmp_path / "torn.ndjson", [*LINES, LINES[1][:100]], end=b"")
        updates, _, problems = ending(kb, path)
        assert len(updates) == 4
        assert [line for line, _ in problems] == [5]
        assert updates[-1].book.is_live

    def test_bad_lines_are_reported_with_their_numbers_and_skipped(self, kb, tmp_path):
        path = write(
            tmp_path / "bad.ndjson", [b"# a comment", LINES[0], b"", LINES[1], b"[]", LINES[2], b'{"x":1}', LINES[3]]
        )
        updates, checksums, problems = ending(kb, path)
        assert [line for line, _ in problems] == [1, 5, 7]
        assert checksums == ending(kb, write(tmp_path / "good.ndjson", LINES))[1]
        assert len(updates) == 4

    def test_a_malformed_frame_is_an_update_and_a_problem(self, kb, tmp_path):
        path = write(tmp_path / "odd.ndjson", [LINES[0], delta(change="1.005", seq=2)])
        updates, _, problems = ending(kb, path)
        assert updates[-1].kind is kb.Kind.MALFORMED
        assert problems == [(2, str(updates[-1].error))]

    def test_the_first_hundred_are_kept_and_all_are_counted(self, kb, tmp_path):
        path = write(tmp_path / "rubbish.ndjson", [b"?"] * 250)
        with kb.replay(path) as replayed:
            assert list(replayed) == []
        assert replayed.problem_count == 250
        assert [problem.line for problem in replayed.problems] == list(range(1, 101))
        assert str(replayed.problems[0]).startswith("line 1: expected a frame, found no JSON object")


class TestWrapped:
    def test_frames_replay_as_bare_ones_with_their_time_of_receipt(self, kb, tmp_path, tape):
        wrapped = [b'{"recv_ts_ns":%d,"raw":%b}' % (100 + at, line) for at, line in enumerate(LINES)]
        updates, checksums, problems = ending(kb, write(tmp_path / "wrapped.ndjson", wrapped))
        assert (checksums, problems) == ending(kb, tape)[1:]
        assert [update.received_ns for update in updates] == [100, 101, 102, 103]
        assert [update.frame for update in updates] == LINES
        assert updates[-1].book.received_ns == 103

    def test_text_that_is_no_frame_is_a_malformed_frame_of_the_exchange(self, kb, tmp_path):
        lines = [json.dumps({"recv_ms": 1, "raw": "not json"}).encode(), b'{"recv_ms":2,"raw":%b}' % LINES[0]]
        updates, _, problems = ending(kb, write(tmp_path / "wrapped.ndjson", lines))
        assert [update.kind for update in updates] == [kb.Kind.MALFORMED, kb.Kind.SNAPSHOT]
        assert [line for line, _ in problems] == [1]

    def test_and_bare_frames_may_stand_in_one_file(self, kb, tmp_path, tape):
        lines = [LINES[0], b'{"received_ms":5,"frame":%b}' % LINES[1], LINES[2], b'{"recv_ms":6,"event":%b}' % LINES[3]]
        updates, checksums, problems = ending(kb, write(tmp_path / "mixed.ndjson", lines))
        assert (checksums, problems) == ending(kb, tape)[1:]
        assert [update.received_ns for update in updates] == [None, 5_000_000, None, 6_000_000]

    def test_an_odd_time_of_receipt_is_reported_and_loses_no_frame(self, kb, tmp_path):
        lines = [b'{"recv_s":1793000000123,"raw":%b}' % LINES[0], b'{"recv_ms":5,"raw":%b}' % LINES[1]]
        updates, _, problems = ending(kb, write(tmp_path / "odd.ndjson", lines))
        assert [update.received_ns for update in updates] == [None, 5_000_000]
        assert [line for line, _ in problems] == [1]
        assert updates[-1].book.is_live

    @pytest.mark.parametrize("time", [b"1e999999", b"9" * 5_000, b'"1e99"', b'"noon"', b"[]", b'"\xff"', b"true"])
    def test_no_time_of_receipt_however_odd_costs_a_frame(self, kb, tmp_path, time):
        lines = [b'{"recv_ms":%b,"raw":%b}' % (time, LINES[0]), b'{"recv_ms":5,"raw":%b}' % LINES[1]]
        updates, _, problems = ending(kb, write(tmp_path / "odd.ndjson", lines))
        assert [update.received_ns for update in updates] == [None, 5_000_000]
        assert [line for line, _ in problems] == [1]

    @pytest.mark.parametrize("text", [b'"\xff"', b'"\\ud800"', b'"' + b"x\xff" * 9 + b'"'])
    def test_a_wrapped_text_that_is_no_text_is_a_problem_and_the_replay_goes_on(self, kb, tmp_path, text):
        lines = [b'{"recv_ms":1,"raw":%b}' % text, LINES[0]]
        updates, _, problems = ending(kb, write(tmp_path / "odd.ndjson", lines))
        assert [update.kind for update in updates] == [kb.Kind.SNAPSHOT]
        assert [line for line, _ in problems] == [1]

    def test_a_frame_of_another_type_is_unknown_as_ever(self, kb, tmp_path):
        new = frame("new_thing", sid=2, seq=1, msg={"market_ticker": A})
        updates, _, problems = ending(kb, write(tmp_path / "wrapped.ndjson", [b'{"recv_ms":1,"raw":%b}' % new, new]))
        assert [update.kind for update in updates] == [kb.Kind.UNKNOWN] * 2
        assert updates[1].effect is kb.Effect.DUPLICATE
        assert problems == []


@pytest.mark.long
def test_memory_stays_flat_however_long_the_recording(kb, tmp_path):
    import tracemalloc

    def peak(frames):
        path = tmp_path / f"{frames}.ndjson"
        path.write_bytes(b"".join(Flow(seed=1, markets=2, frames=frames, close=False)))
        tracemalloc.start()
        with kb.replay(path) as replayed:
            for _ in replayed:
                pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(16_000) < peak(4_000) + 200_000


def test_the_sample_tape_is_whole_and_has_own_changes(kb):
    updates, checksums, problems = ending(kb, kb.SAMPLE_TAPE)
    assert problems == []
    assert len(checksums) == 5
    assert any(update.own for update in updates)
    assert all(update.book is None or update.book.is_live for update in updates)


def test_problems_print_as_a_line_and_a_reason(kb):
    assert str(part(kb, "tape.replay").TapeProblem(7, "torn")) == "line 7: torn"
