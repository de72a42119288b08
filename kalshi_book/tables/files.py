"""Tables as files: Parquet, Arrow (Feather) or CSV. Written beside their names, and there at once when they are whole."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import TapeError, UsageError
from .batches import Batch, TableBuilder
from .needs import needed
from .schemas import EVENT_TABLES, arrow_schema

if TYPE_CHECKING:
    from ..live.queues import AnyUpdate


def _parquet(file: BinaryIO, schema: Any) -> Any:
    pq = needed("pyarrow.parquet", what="Parquet", extra="arrow")
    return pq.ParquetWriter(file, schema, compression="zstd")


def _arrow(file: BinaryIO, schema: Any) -> Any:
    ipc = needed("pyarrow.ipc", what="Arrow", extra="arrow")
    # A dictionary that has grown is told by what is new in it: this kind of file takes no other one.
    options = ipc.IpcWriteOptions(compression="zstd", emit_dictionary_deltas=True)
    return ipc.new_file(file, schema, options=options)


def _csv(file: BinaryIO, schema: Any) -> Any:
    return needed("pyarrow.csv", what="CSV", extra="arrow").CSVWriter(file, schema)


_WRITERS: dict[str, Callable[[BinaryIO, Any], Any]] = {
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".csv": _csv,
}
SUFFIXES = tuple(_WRITERS)


class Files:
    r"""Writes the three tables of a stream of updates: ``out.parquet`` becomes ``out.deltas.parquet`` and its siblings.

    A context manager. The files appear under their names when it ends well, all three, also where one has no rows; when it
    ends in an exception, none does. Memory is bounded: some 65,000 rows of each table wait.

    Args:
        path: where, by a name that ends in .parquet, .arrow, .feather or .csv.
        overwrite: whether files that are there may be replaced.

    Attributes:
        paths: the files, by table.
        rows: how many rows were written so far, by table.

    Raises:
        UsageError: another ending, or a file is there already.
        MissingLibrary: pyarrow is not installed.
        TapeError: they cannot be written.

    >>> import kalshi_book as kb, tempfile
    >>> with tempfile.TemporaryDirectory() as place, kb.replay(kb.SAMPLE_TAPE) as tape:
    ...     with kb.tables.Files(f"{place}/sample.parquet") as files:
    ...         for update in tape:
    ...             files.take(update)
    ...     print(*(f"{path.name}: {files.rows[table]:,}" for table, path in files.paths.items()), sep="\n")
    sample.deltas.parquet: 12,393
    sample.trades.parquet: 0
    sample.quotes.parquet: 2,577
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        path = Path(path)
        if path.suffix not in _WRITERS:
            raise UsageError(f"{path.name}: expected a name that ends in one of {', '.join(SUFFIXES)}")
        self.paths = {each.name: path.with_suffix(f".{each.name}{path.suffix}") for each in EVENT_TABLES}
        self.rows: Counter[str] = Counter()
        self._overwrite = overwrite
        self._refuse_what_is_there()
        self._builder = TableBuilder()
        self._begin(_WRITERS[path.suffix])

    @property
    def epoch(self) -> int:
        """What the rows from now on have as their ``epoch``."""
        return self._builder.epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._builder.epoch = epoch

    def take(self, update: AnyUpdate) -> None:
        """Take one update.

        Raises:
            TapeError: a file cannot be written.
        """
        self._write(self._builder.take(update))

    def look(self, *, received_ns: int | None = None) -> None:
        """Look at every book, as ``TableBuilder.look`` does.

        Raises:
            TapeError: a file cannot be written.
        """
        self._write(self._builder.look(received_ns=received_ns))

    def missed(self, *, received_ns: int | None = None) -> None:
        """Say that updates were lost, as ``TableBuilder.missed`` does.

        Raises:
            TapeError: a file cannot be written.
        """
        self._write(self._builder.missed(received_ns=received_ns))

    def close(self) -> None:
        """Write what waits, and let the files appear under their names. What ``with`` does at its end.

        Raises:
            UsageError: a file has appeared there meanwhile. None was written.
            TapeError: a file cannot be written. None was.
        """
        try:
            self._write(self._builder.flush())
            for table, writer in self._writers.items():
                with self._told(table):
                    writer.close()
                    self._files[table].flush()
                    os.fsync(self._files[table].fileno())
                    self._files[table].close()
            self._refuse_what_is_there()
            for table, path in self.paths.items():
                with self._told(table):
                    os.replace(self._files[table].name, path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Take away what was written so far, but for files that have their names already."""
        for writer in self._writers.values():
            with contextlib.suppress(Exception):  # it wants to end its file, of which nothing will be left
                writer.close()
        for file in self._files.values():
            file.close()
            Path(file.name).unlink(missing_ok=True)

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _refuse_what_is_there(self) -> None:
        there = [path.name for path in self.paths.values() if path.exists()]
        if there and not self._overwrite:
            raise UsageError(f"{', '.join(there)}: there already: name another file, or allow it to be replaced")

    def _begin(self, write: Callable[[BinaryIO, Any], Any]) -> None:
        self._files: dict[str, BinaryIO] = {}
        self._writers: dict[str, Any] = {}
        try:
            for table in EVENT_TABLES:
                path = self.paths[table.name]
                with self._told(table.name):
                    file = self._files[table.name] = open(path.with_name(f".{path.name}.{os.getpid()}"), "xb")  # noqa: SIM115
                    self._writers[table.name] = write(file, arrow_schema(table))
        except BaseException:
            self.discard()
            raise

    def _write(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            with self._told(batch.table):
                self._writers[batch.table].write_batch(batch.data)
            self.rows[batch.table] += batch.data.num_rows

    @contextlib.contextmanager
    def _told(self, table: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TapeError(str(self.paths[table]), f"cannot be written: {error.strerror or error}") from error
