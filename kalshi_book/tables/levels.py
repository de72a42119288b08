"""One book as a table of levels, for Arrow, Polars and pandas; each needs only its own library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._backend import BookCore
from ..orders import OwnReading
from ..units import INT64_MAX, flip_e4
from .needs import needed
from .schemas import BOOK, arrow_schema, arrow_type

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Columns = dict[str, list[Any]]


def read(core: BookCore, *, live: bool) -> tuple[Columns, dict[str, str]]:
    """Read a book: its columns, and what is true of all of them. One moment, O(levels).

    Raises:
        BookNotLive: with ``live``, the book is not LIVE; without, it had no snapshot yet.
    """
    book = core._copy(live)
    bids, asks = book._depth(False, INT64_MAX, False)
    own = OwnReading(book.market_ticker) if book._own is None else book._own.now()
    rows: list[tuple[Any, ...]] = []
    for no, outcome_side, book_side, levels in ((False, "yes", "bid", bids), (True, "no", "ask", asks)):
        mine = own.sizes(no) if own.is_known else None
        for rank, level in enumerate(levels, 1):
            price_e4 = flip_e4(level.price_e4) if no else level.price_e4
            own_size_e2 = None if mine is None else mine.get(price_e4, 0)
            sizes = level.size_e2, own_size_e2
            rows.append((book.market_ticker, outcome_side, book_side, rank, price_e4, level.price_e4, *sizes))
    columns = {name: [row[at] for row in rows] for at, name in enumerate(BOOK.names)}
    return columns, metadata(book, own)


def metadata(book: BookCore, own: OwnReading) -> dict[str, str]:
    """Say what is true of a whole book, as texts; what is not known is left out."""
    facts = {
        "market_ticker": book.market_ticker,
        "state": book.state,
        "stale_reason": book.stale_reason,
        "seq": book.seq,
        "clock": book.clock,
        "ts_ms": book.ts_ms,
        "received_ns": book.received_ns,
        "own_size_unknown": own.unknown_reason,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def to_arrow(core: BookCore, *, live: bool) -> pyarrow.Table:
    """Make a pyarrow Table."""
    pa = needed("pyarrow", what="to_arrow", extra="arrow")
    columns, facts = read(core, live=live)
    arrays = [pa.array(columns[column.name], arrow_type(pa, column)) for column in BOOK.columns]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(BOOK, facts))


def to_polars(core: BookCore, *, live: bool) -> polars.DataFrame:
    """Make a Polars DataFrame. Closed vocabularies are enums, so frames of several books can be put together."""
    pl = needed("polars", what="to_polars", extra="polars")
    columns, _ = read(core, live=live)
    plain = {"int32": pl.Int32, "int64": pl.Int64, "word": pl.String}
    types = {each.name: pl.Enum(each.words) if each.words else plain[each.type] for each in BOOK.columns}
    frame: polars.DataFrame = pl.DataFrame(columns, schema=types)
    return frame


def to_pandas(core: BookCore, *, live: bool) -> pandas.DataFrame:
    """Make a pandas DataFrame. Its integers stay integers also where one is missing."""
    pd = needed("pandas", what="to_pandas", extra="pandas")
    columns, facts = read(core, live=live)
    plain = {"int32": pd.Int32Dtype(), "int64": pd.Int64Dtype(), "word": pd.StringDtype()}
    types = {each.name: pd.CategoricalDtype(each.words) if each.words else plain[each.type] for each in BOOK.columns}
    frame = pd.DataFrame({name: pd.Series(values, dtype=types[name]) for name, values in columns.items()})
    frame.attrs.update(facts)
    return frame
