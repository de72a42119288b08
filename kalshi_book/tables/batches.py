"""From updates to Arrow: record batches while a stream runs, or whole tables of one that ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import UsageError
from .needs import needed
from .rows import Rows
from .schemas import EVENT_TABLES, Column, Table, arrow_schema, arrow_type

if TYPE_CHECKING:
    import pyarrow

    from ..live.queues import AnyUpdate

ROWS: Final = 65_536
"""Rows of a batch: some 30 MB of plain values before they become one."""


class Batch(NamedTuple):
    """Rows of one table.

    Attributes:
        table: ``"deltas"``, ``"trades"`` or ``"quotes"``.
        data: a pyarrow RecordBatch.
    """

    table: str
    data: pyarrow.RecordBatch


class Tables(NamedTuple):
    """All rows of a stream, as pyarrow Tables."""

    deltas: pyarrow.Table
    trades: pyarrow.Table
    quotes: pyarrow.Table


class _Words:
    """The dictionary of one column: it only grows, so that each batch's is the beginning of the next one's."""

    def __init__(self, column: Column) -> None:
        self.index = {word: at for at, word in enumerate(column.words)}

    def indices(self, words: Iterable[str | None]) -> list[int | None]:
        index = self.index
        return [None if word is None else index.setdefault(word, len(index)) for word in words]


class _Encoder:
    """Makes batches of one table."""

    def __init__(self, pa: Any, table: Table) -> None:
        self._pa = pa
        self._table = table
        self._schema = arrow_schema(table)
        self._words = {column.name: _Words(column) for column in table.columns if column.type == "word"}

    def encode(self, rows: Sequence[tuple[Any, ...]]) -> Batch:
        arrays = [self._array(*each) for each in zip(self._table.columns, zip(*rows, strict=True), strict=True)]
        return Batch(self._table.name, self._pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def _array(self, column: Column, values: Sequence[Any]) -> Any:
        if column.type != "word":
            return self._pa.array(values, arrow_type(self._pa, column))
        words = self._words[column.name]
        type_ = arrow_type(self._pa, column)
        indices = self._pa.array(words.indices(values), type_.index_type)
        return self._pa.DictionaryArray.from_arrays(indices, self._pa.array(map(str, words.index), self._pa.string()))


class TableBuilder:
    """Makes record batches of a stream of updates, of a replay or of a live client. Sans-I/O, bounded memory.

    It wants every update of the markets that it is to tell of, in order, and each as soon as may be: from a client, with
    ``policy="all"`` (conflated updates cost the rows between, and nothing else).

    Args:
        rows: a table's rows become a batch when there are so many. A frame's rows are not divided, so a batch may have more.

    Raises:
        MissingLibrary: pyarrow is not installed.
        UsageError: ``rows`` is no positive number.

    >>> import kalshi_book as kb
    >>> builder = kb.tables.TableBuilder(rows=5_000)
    >>> with kb.replay(kb.SAMPLE_TAPE) as tape:
    ...     batches = [batch for update in tape for batch in builder.take(update)] + builder.flush()
    >>> [(batch.table, batch.data.num_rows) for batch in batches]
    [('deltas', 5000), ('deltas', 5000), ('deltas', 2393), ('quotes', 2577)]
    """

    def __init__(self, *, rows: int = ROWS) -> None:
        if type(rows) is not int or rows < 1:
            raise UsageError(f"rows must be a number of rows, 1 or more, not {rows!r}")
        pa = needed("pyarrow", what="TableBuilder", extra="arrow")
        self._rows = Rows()
        self._size = rows
        self._encoders = {table.name: _Encoder(pa, table) for table in EVENT_TABLES}

    @property
    def epoch(self) -> int:
        """What the rows from now on have as their ``epoch``: set it to ``feed.epoch`` where a connection is opened."""
        return self._rows.epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._rows.epoch = epoch

    def take(self, update: AnyUpdate) -> Sequence[Batch]:
        """Take one update; give the batches that it filled: mostly none."""
        rows = self._rows
        rows.take(update)
        size = self._size
        if len(rows.deltas) < size and len(rows.quotes) < size and len(rows.trades) < size:
            return ()
        return self._batches(size)

    def look(self, *, received_ns: int | None = None) -> Sequence[Batch]:
        """Look at every book: call it where one may have gone STALE without a frame (``feed.closed``, an event). O(markets).

        Args:
            received_ns: when, for the rows.
        """
        self._rows.look(received_ns=received_ns)
        return self._batches(self._size)

    def missed(self, *, received_ns: int | None = None) -> Sequence[Batch]:
        """Say that updates were lost (``ConsumerOverrun``): quotes are not LIVE until rows go on. O(markets).

        Args:
            received_ns: when, for the rows.
        """
        self._rows.missed(received_ns=received_ns)
        return self._batches(self._size)

    def flush(self) -> list[Batch]:
        """Give all rows that wait, as batches of their own."""
        return self._batches(1)

    def _batches(self, size: int) -> list[Batch]:
        batches = []
        for name, encoder in self._encoders.items():
            waiting = getattr(self._rows, name)
            if len(waiting) >= size:
                batches.append(encoder.encode(waiting))
                waiting.clear()
        return batches


def collect(updates: Iterable[AnyUpdate]) -> Tables:
    """Make whole tables of updates that end, in memory: for a notebook. ``Files`` is for what is long.

    Args:
        updates: one after another as they come, such as a replay. Of a list that was made before, books hold the end alone:
            the rows of a market begin there, then.

    Raises:
        MissingLibrary: pyarrow is not installed.
    """
    builder = TableBuilder()
    pa = needed("pyarrow", what="collect", extra="arrow")
    batches = [batch for update in updates for batch in builder.take(update)] + builder.flush()
    return Tables(
        *(
            pa.Table.from_batches(
                [batch.data for batch in batches if batch.table == table.name], arrow_schema(table)
            ).unify_dictionaries()
            for table in EVENT_TABLES
        )
    )
