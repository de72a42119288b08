"""The tables, by their columns: one description for Arrow, Polars, pandas and the documentation.

A name carries its unit: ``_e4`` is $0.0001, ``_e2`` 0.01 contract, ``_ns`` and ``_ms`` nanoseconds and milliseconds. All are
whole numbers: 64 bits for sizes, numbers and times, 32 for prices, as in the core. Nothing is a float.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from .._version import __version__
from ..kinds import Effect, State
from .needs import needed

Type = Literal["int32", "int64", "bool", "text", "word"]


class Column(NamedTuple):
    """One column.

    Attributes:
        name: with its unit.
        type: ``"word"``: a text of few values, dictionary-encoded; ``"text"``: any text.
        what: what it says, in a line.
        nullable: whether it may be null.
        words: where the vocabulary is closed: all of it, in the order of the dictionary.
    """

    name: str
    type: Type
    what: str
    nullable: bool = False
    words: tuple[str, ...] = ()


class Table(NamedTuple):
    """One table.

    Attributes:
        name: ``"book"``, ``"deltas"``, ``"trades"`` or ``"quotes"``.
        columns: in their order.
    """

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


OUTCOME_SIDES = ("yes", "no")
BOOK_SIDES = ("bid", "ask")

_RECEIVED = Column("received_ns", "int64", "when the frame was received, as it was passed in or recorded", nullable=True)
_EPOCH = Column("epoch", "int32", "which connection, as the caller counts them (`feed.epoch`); 0 throughout a replay")
_SID = Column("sid", "int64", "the subscription, as on the wire", nullable=True)
_SEQ = Column("seq", "int64", "the frame's number in it; it begins anew with each connection", nullable=True)
_TICKER = Column("market_ticker", "word", "the market")
_OUTCOME = Column("outcome_side", "word", "whose bids", words=OUTCOME_SIDES)
_PRICE = Column("price_e4", "int32", "price in $0.0001; a NO bid stands at its NO price")
_SIZE = Column("size_e2", "int64", "what rests at the level, in 0.01 contract")

BOOK = Table(
    "book",
    (
        _TICKER,
        _OUTCOME,
        Column("book_side", "word", "the same in the other vocabulary: yes is bid, no is ask", words=BOOK_SIDES),
        Column("rank", "int32", "1 is the best of its side"),
        _PRICE,
        Column("yes_price_e4", "int32", "the same price on the YES scale: $1 less a NO price, where it is an ask"),
        _SIZE,
        Column("own_size_e2", "int64", "how much of it is your own; null where that cannot be known", nullable=True),
    ),
)
"""The levels of one book at one moment."""

DELTAS = Table(
    "deltas",
    (
        _RECEIVED,
        Column(
            "ts_ms",
            "int64",
            "the exchange's time, unix ms: of the change; of a snapshot, of its sending; null where the frame has none",
            nullable=True,
        ),
        _EPOCH,
        _SID,
        _SEQ,
        Column("clock", "int64", "the exchange's clock for the market", nullable=True),
        _TICKER,
        Column(
            "kind",
            "word",
            "`delta`: the change of one level; `snapshot`: one of the differences that a full replacement made",
            words=("snapshot", "delta"),
        ),
        Column("effect", "word", "what the frame did: applied, healed or staled", words=tuple(map(str, Effect))),
        _OUTCOME,
        _PRICE,
        Column("delta_e2", "int64", "the signed change of the level's size, in 0.01 contract"),
        Column("size_e2", "int64", "what rests at the level afterwards, in 0.01 contract; 0: the level is gone"),
        Column("top_changed", "bool", "whether the frame changed a best level"),
        Column("own", "bool", "whether you caused the change (the frame has a `client_order_id`)"),
        Column("client_order_id", "text", "of the own order that caused it", nullable=True),
    ),
)
"""Every change of a level: the sizes of a level's last rows are the book, the sum of its deltas is its size."""

TRADES = Table(
    "trades",
    (
        _RECEIVED,
        Column("ts_ms", "int64", "the exchange's time of the trade, unix ms", nullable=True),
        _EPOCH,
        _SID,
        _SEQ,
        _TICKER,
        Column("trade_id", "text", "the exchange's name for it", nullable=True),
        Column("yes_price_e4", "int32", "what YES cost, in $0.0001"),
        Column("count_e2", "int64", "how much was traded, in 0.01 contract"),
        Column("taker_outcome_side", "word", "what the taker bought", nullable=True),
        Column("is_block_trade", "bool", "whether it was a block trade", nullable=True),
    ),
)
"""Every trade of the ``trade`` channel, duplicates left out."""

QUOTES = Table(
    "quotes",
    (
        _RECEIVED,
        Column(
            "ts_ms",
            "int64",
            "the exchange's time, unix ms: of the change, or of the sending of another frame; null where it has none",
            nullable=True,
        ),
        _EPOCH,
        _SID,
        _SEQ,
        _TICKER,
        Column("state", "word", "how the book stands from here on: only `live` has prices", words=tuple(map(str, State))),
        Column("stale_reason", "word", "why it is not live", nullable=True),
        Column("yes_bid_e4", "int32", "best YES bid in $0.0001; null: nobody, or not live", nullable=True),
        Column("yes_bid_size_e2", "int64", "its size in 0.01 contract", nullable=True),
        Column("yes_ask_e4", "int32", "best YES ask in $0.0001 ($1 less the best NO bid); null likewise", nullable=True),
        Column("yes_ask_size_e2", "int64", "its size in 0.01 contract", nullable=True),
    ),
)
"""The best prices of YES with their sizes, and whether they can be trusted: a row whenever either changes."""

EVENT_TABLES = (DELTAS, TRADES, QUOTES)
"""What a stream of updates becomes."""


def arrow_schema(table: Table, metadata: dict[str, str] | None = None) -> Any:
    """Give the schema of a table as pyarrow has it: each field with its description, the schema with our version.

    Raises:
        MissingLibrary: pyarrow is not installed.
    """
    pa = needed("pyarrow", what=f"the table {table.name} in Arrow", extra="arrow")
    fields = [
        pa.field(column.name, arrow_type(pa, column), nullable=column.nullable, metadata={"description": column.what})
        for column in table.columns
    ]
    return pa.schema(fields, metadata={"kalshi_book": __version__, "table": table.name, **(metadata or {})})


def arrow_type(pa: Any, column: Column) -> Any:
    """Give the type of a column. A closed vocabulary has an index of 8 bits."""
    if column.type == "word":
        return pa.dictionary(pa.int8() if column.words else pa.int32(), pa.string())
    return {"int32": pa.int32, "int64": pa.int64, "bool": pa.bool_, "text": pa.string}[column.type]()
