"""Data out: a book as a frame, and a stream of updates as three tables, for DuckDB, Polars, pandas and whatever reads Arrow.

>>> import kalshi_book as kb
>>> with kb.replay(kb.SAMPLE_TAPE) as tape:
...     deltas, trades, quotes = kb.tables.collect(tape)
>>> deltas.num_rows, quotes.column("state").unique().to_pylist()
(12393, ['live'])

docs/data.md has the columns, and queries. ``import kalshi_book`` loads nothing of this, and pyarrow waits for its first use.
"""

from .batches import Batch, TableBuilder, Tables, collect
from .files import Files
from .schemas import BOOK, DELTAS, EVENT_TABLES, QUOTES, TRADES, Column, Table, arrow_schema

__all__ = [
    "BOOK",
    "DELTAS",
    "EVENT_TABLES",
    "QUOTES",
    "TRADES",
    "Batch",
    "Column",
    "Files",
    "Table",
    "TableBuilder",
    "Tables",
    "arrow_schema",
    "collect",
]
