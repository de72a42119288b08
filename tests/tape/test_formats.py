"""From a file to the frames in it."""

import gzip
import json
from contextlib import closing

import pytest

from frames import delta, snapshot
from implementations import part

FRAME = snapshot()


@pytest.fixture
def formats(kb):
    return part(kb, "tape.formats")


class TestALine:
    def test_with_a_type_at_its_top_is_the_frame_itself(self, formats):
        line = FRAME + b"\n"
        assert formats.unwrap(line) == (line, None, None)
        assert formats.unwrap(line).frame is line

    @pytest.mark.parametrize("key", ["raw", "frame", "event", "message", "msg", "data"])
    def test_may_wrap_its_frame_as_an_object_under_any_of_the_usual_names(self, formats, key):
        line = b'{"recv_ts_ns":17,"' + key.encode() + b'":' + FRAME + b"}\n"
        assert formats.unwrap(line) == (FRAME, 17, None)

    def test_may_wrap_its_frame_as_text(self, formats):
        line = json.dumps({"recv_ms": 5, "raw": FRAME.decode() + "\n"}).encode()
        assert formats.unwrap(line) == (FRAME.decode() + "\n", 5_000_000, None)

    @pytest.mark.parametrize(
        ("key", "value", "received_ns"),
        [
            ("recv_ts_ns", "1793000000123456789", 1793000000123456789),
            ("received_ns", "7", 7),
            ("recv_us", "7", 7_000),
            ("recv_ms", "1793000000123", 1793000000123000000),
            ("received_ms", "1793000000123.4567891", 1793000000123456789),
            ("received_at_ms", "1", 1_000_000),
            ("rx_s", "2", 2_000_000_000),
            ("local_ts_ns", "3", 3),
            ("captured_ns", "4", 4),
            ("recv_ms", '"5"', 5_000_000),
            ("recv_ms", "null", None),
            ("recv", "5", None),
            ("ts_ms", "5", None),
        ],
    )
    def test_has_its_time_of_receipt_exactly_where_a_name_gives_the_unit(self, formats, key, value, received_ns):
        line = f'{{"{key}":{value},"raw":'.encode() + FRAME + b"}"
        assert formats.unwrap(line).received_ns == received_ns

    @pytest.mark.parametrize(
        ("key", "value", "what"),
        [
            ("recv_ms", '"noon"', "found no number"),
            ("recv_ms", "[]", "found no number"),
            ("recv_ms", "1e999999", "found no number"),
            ("recv_s", "1793000000123", "found too large a number"),
        ],
    )
    def test_keeps_its_frame_when_its_time_of_receipt_is_none(self, formats, key, value, what):
        line = f'{{"{key}":{value},"raw":'.encode() + FRAME + b"}"
        frame, received_ns, oddity = formats.unwrap(line)
        assert (frame, received_ns) == (FRAME, None)
        assert f"under {key}, {what}" in oddity

    @pytest.mark.parametrize("text", [b'"\xff"', b'"\\ud800"'])
    def test_with_a_text_that_is_none_holds_no_frame(self, formats, text):
        with pytest.raises(formats.NotAFrame, match="expected a frame"):
            formats.unwrap(b'{"recv_ms":1,"raw":' + text + b"}")

    @pytest.mark.parametrize("line", [b"", b"{", b"nonsense\n", FRAME[:-1], b"\xff\xfe", b"[1]", b"7", b'"text"'])
    def test_that_is_no_json_object_holds_no_frame(self, formats, line):
        with pytest.raises(formats.NotAFrame, match="expected a frame, found no JSON object"):
            formats.unwrap(line)

    def test_without_a_frame_says_where_one_was_looked_for(self, formats):
        with pytest.raises(formats.NotAFrame) as error:
            formats.unwrap(b'{"schema":1}')
        assert str(error.value) == (
            "expected a frame (with a type) or a frame under one of raw, frame, event, message, msg, data, found neither"
        )


class TestOpening:
    def test_goes_by_the_first_bytes_and_not_by_the_name(self, formats, tmp_path):
        path = tmp_path / "tape.ndjson"
        path.write_bytes(gzip.compress(FRAME + b"\n"))
        tape = formats.open_tape(path)
        with closing(tape.file), closing(tape.stream):
            assert list(formats.lines_of(tape, [])) == [FRAME + b"\n"]
            assert tape.stream is not tape.file

    def test_a_plain_file_is_read_as_it_is(self, formats, tmp_path):
        path = tmp_path / "tape.gz"
        path.write_bytes(FRAME)
        tape = formats.open_tape(path)
        with tape.file:
            assert list(tape.stream) == [FRAME]
            assert tape.stream is tape.file

    @pytest.mark.parametrize(("make", "what"), [("mkdir", "directory"), (None, "No such file")])
    def test_what_is_no_file_is_refused_with_its_path_and_why(self, kb, formats, tmp_path, make, what):
        path = tmp_path / "tape.ndjson"
        if make:
            getattr(path, make)()
        with pytest.raises(kb.TapeError, match=what) as error:
            formats.open_tape(path)
        assert error.value.path == str(path)
        assert isinstance(error.value, OSError)
        assert str(error.value).startswith(f"{path}: cannot be read: ")

    def test_zstandard_without_its_package_names_the_extra_to_install(self, kb, formats, tmp_path, monkeypatch):
        path = tmp_path / "tape.zst"
        path.write_bytes(formats.ZSTD_MAGIC + b"rest")

        def missing(name):
            raise ModuleNotFoundError(name)

        monkeypatch.setattr(formats.importlib, "import_module", missing)
        with pytest.raises(kb.TapeError, match=r"pip install 'kalshi-book\[zstd\]'"):
            formats.open_tape(path)

    def test_damage_ends_the_lines_and_is_told(self, formats, tmp_path):
        path = tmp_path / "tape.gz"
        path.write_bytes(gzip.compress(b"".join(delta(seq=seq) + b"\n" for seq in range(1, 2000)))[:-9])
        found = []
        tape = formats.open_tape(path)
        with closing(tape.file), closing(tape.stream):
            assert len(list(formats.lines_of(tape, found))) > 1900
        assert found == [
            "the file is cut or damaged from here on: Compressed file ended before the end-of-stream marker was reached"
        ]
