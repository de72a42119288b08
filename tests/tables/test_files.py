"""Tables as files: each form reads back as it was, and no name ever has a part of a file."""

import errno
import io
import os

import pytest

import frames
from frames import snapshot
from implementations import part
from kalshi_book.sim.flow import Flow
from libraries import library

pa, pl, pd, duckdb = (library(name) for name in ("pyarrow", "polars", "pandas", "duckdb"))
feather, csv, parquet = (library(f"pyarrow.{name}") for name in ("feather", "csv", "parquet"))

FRAMES = [*Flow(seed=2, frames=400, markets=2, own_per_mille=50, close=False), frames.trade(), b"?"]
TABLES = ("deltas", "trades", "quotes")


def updates(kb):
    """Updates one by one: each is taken before the next one changes its book."""
    return map(kb.Feed().receive, FRAMES)


def write(kb, path, **options):
    with kb.tables.Files(path, **options) as files:
        for update in updates(kb):
            files.take(update)
    return files


def names(place):
    return sorted(path.name for path in place.iterdir())


@pytest.mark.parametrize(
    ("suffix", "read"), [(".parquet", parquet.read_table), (".arrow", feather.read_table), (".feather", feather.read_table)]
)
def test_arrow_and_parquet_read_back_as_the_tables_that_they_are(kb, tmp_path, monkeypatch, suffix, read):
    # Many batches, whose dictionaries grow.
    monkeypatch.setattr(part(kb, "tables.files"), "TableBuilder", lambda: kb.tables.TableBuilder(rows=10))
    files = write(kb, tmp_path / f"out{suffix}")
    expected = kb.tables.collect(updates(kb))
    assert names(tmp_path) == sorted(f"out.{name}{suffix}" for name in TABLES)
    for name in TABLES:
        table = read(files.paths[name])
        assert table.to_pylist() == getattr(expected, name).to_pylist()
        assert table.schema.equals(kb.tables.arrow_schema(getattr(kb.tables, name.upper())), check_metadata=False)
        assert table.schema.field("market_ticker").metadata[b"description"] == b"the market"
        assert files.rows[name] == table.num_rows > 0
    if suffix == ".parquet":
        assert parquet.ParquetFile(files.paths["deltas"]).metadata.num_row_groups > 30


def test_csv_reads_back_with_nothing_where_there_is_nothing(kb, tmp_path):
    files = write(kb, tmp_path / "out.csv")
    expected = kb.tables.collect(updates(kb))
    for name in TABLES:
        table = csv.read_csv(files.paths[name], convert_options=csv.ConvertOptions(strings_can_be_null=True))
        assert table.to_pylist() == getattr(expected, name).to_pylist()


def test_duckdb_polars_and_pandas_read_the_parquet(kb, tmp_path):
    path = write(kb, tmp_path / "out.parquet").paths["deltas"]
    expected = kb.tables.collect(updates(kb)).deltas.column("delta_e2").to_pylist()
    assert duckdb.sql(f"select sum(delta_e2), count(received_ns) from '{path}'").fetchall() == [(sum(expected), 0)]
    assert pl.read_parquet(path)["delta_e2"].to_list() == expected
    assert pd.read_parquet(path)["delta_e2"].tolist() == expected


def test_a_table_without_rows_is_a_file_all_the_same(kb, tmp_path):
    with kb.tables.Files(tmp_path / "out.parquet") as files:
        pass
    assert [parquet.read_table(path).num_rows for path in files.paths.values()] == [0, 0, 0]


def test_names_with_more_dots_keep_them(kb, tmp_path):
    assert write(kb, tmp_path / "gold.15m.csv").paths["quotes"].name == "gold.15m.quotes.csv"


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.parquet.gz"])
def test_other_endings_are_refused(kb, tmp_path, name):
    with pytest.raises(kb.UsageError) as caught:
        kb.tables.Files(tmp_path / name)
    assert str(caught.value) == f"{name}: expected a name that ends in one of .parquet, .arrow, .feather, .csv"
    assert names(tmp_path) == []


class TestNothingIsOverwritten:
    def test_unless_it_is_said(self, kb, tmp_path):
        (tmp_path / "out.trades.csv").write_text("mine")
        with pytest.raises(kb.UsageError) as caught:
            kb.tables.Files(tmp_path / "out.csv")
        assert str(caught.value) == "out.trades.csv: there already: name another file, or allow it to be replaced"
        assert names(tmp_path) == ["out.trades.csv"]
        write(kb, tmp_path / "out.csv", overwrite=True)
        assert "mine" not in (tmp_path / "out.trades.csv").read_text()
        assert len(names(tmp_path)) == 3

    def test_also_where_it_appears_meanwhile(self, kb, tmp_path):
        files = kb.tables.Files(tmp_path / "out.csv")
        (tmp_path / "out.deltas.csv").write_text("mine")
        with pytest.raises(kb.UsageError, match=r"^out\.deltas\.csv: there already"):
            files.close()
        assert names(tmp_path) == ["out.deltas.csv"]

    def test_by_two_at_once(self, kb, tmp_path):
        with kb.tables.Files(tmp_path / "out.csv"), pytest.raises(kb.TapeError, match="cannot be written: File exists"):
            kb.tables.Files(tmp_path / "out.csv")
        assert len(names(tmp_path)) == 3


class TestNoNameEverHasAPart:
    @pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".csv"])
    def test_while_it_is_written_or_when_it_ends_in_an_exception(self, kb, tmp_path, suffix):
        with pytest.raises(KeyboardInterrupt), kb.tables.Files(tmp_path / f"out{suffix}") as files:
            for update in updates(kb):
                files.take(update)
            assert all(name.startswith(".out.") for name in names(tmp_path))
            raise KeyboardInterrupt
        assert names(tmp_path) == []

    def test_where_there_is_no_such_place(self, kb, tmp_path):
        with pytest.raises(kb.TapeError) as caught:
            kb.tables.Files(tmp_path / "nowhere" / "out.csv")
        assert str(caught.value) == f"{tmp_path}/nowhere/out.deltas.csv: cannot be written: No such file or directory"

    @pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".csv"])
    def test_where_the_disk_is_full(self, kb, tmp_path, monkeypatch, suffix):
        monkeypatch.setattr(part(kb, "tables.files"), "open", FullDisk, raising=False)
        files = kb.tables.Files(tmp_path / f"out{suffix}")
        with pytest.raises(kb.TapeError, match=r"out\.deltas\.\w+: cannot be written: No space left on device$"), files:
            for update in updates(kb):
                files.take(update)
        assert names(tmp_path) == []

    def test_where_it_is_full_from_the_start(self, kb, tmp_path, monkeypatch):
        monkeypatch.setattr(part(kb, "tables.files"), "open", lambda *given: FullDisk(*given, room=0), raising=False)
        with pytest.raises(kb.TapeError, match=r"cannot be written: No space left on device$"):
            kb.tables.Files(tmp_path / "out.parquet")
        assert names(tmp_path) == []

    def test_where_a_file_cannot_get_its_name(self, kb, tmp_path, monkeypatch):
        def refuse(source, target):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(part(kb, "tables.files").os, "replace", refuse)
        with pytest.raises(kb.TapeError, match=r"out\.deltas\.csv: cannot be written: Permission denied$"):
            write(kb, tmp_path / "out.csv")
        assert names(tmp_path) == []


class FullDisk(io.FileIO):
    """A file on a disk that has room for so many bytes."""

    def __init__(self, path, mode, room=200):
        super().__init__(path, mode)
        self.room = room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_what_happens_without_a_frame_is_told_and_written_too(kb, feed, tmp_path):
    with kb.tables.Files(tmp_path / "out.parquet") as files:
        files.take(feed.receive(snapshot()))
        files.missed(received_ns=5)
        feed.opened()
        files.epoch = feed.epoch
        files.look(received_ns=6)
    assert files.epoch == 1
    quotes = parquet.read_table(files.paths["quotes"]).select(["received_ns", "epoch", "stale_reason"])
    assert [tuple(row.values()) for row in quotes.to_pylist()] == [(None, 0, None), (5, 0, "missed"), (6, 1, "disconnected")]
