"""The columns of the tables: one description, of which everything else is made."""

import pytest

from implementations import part
from libraries import library

pa = library("pyarrow")

UNITS = {"_e4": "$0.0001", "_e2": "0.01 contract"}


@pytest.fixture
def tables(kb):
    return kb.tables


def test_the_rows_have_the_columns_of_their_tables(kb, tables):
    rows = part(kb, "tables.rows")
    found = {"deltas": rows.DeltaRow, "trades": rows.TradeRow, "quotes": rows.QuoteRow}
    assert {name: row._fields for name, row in found.items()} == {each.name: each.names for each in tables.EVENT_TABLES}


@pytest.mark.parametrize("name", ["BOOK", "DELTAS", "TRADES", "QUOTES"])
def test_a_schema_says_what_each_column_is_and_of_which_version(kb, tables, name):
    table = getattr(tables, name)
    schema = tables.arrow_schema(table, {"more": "yes"})
    assert schema.names == list(table.names)
    assert schema.metadata == {b"kalshi_book": kb.__version__.encode(), b"table": table.name.encode(), b"more": b"yes"}
    for field, column in zip(schema, table.columns, strict=True):
        assert (field.nullable, field.metadata) == (column.nullable, {b"description": column.what.encode()})
        assert not pa.types.is_floating(field.type)


def test_names_carry_the_unit_and_types_its_width(tables):
    for table in (tables.BOOK, *tables.EVENT_TABLES):
        for column in table.columns:
            unit = column.name[-3:]
            if unit in UNITS:
                assert column.type == ("int32" if unit == "_e4" else "int64")
                assert unit != "_e4" or "price" in column.name or column.name.startswith("yes_")


def test_a_closed_vocabulary_is_the_whole_of_it(kb, tables):
    words = {column.name: column.words for column in (*tables.DELTAS.columns, *tables.QUOTES.columns) if column.words}
    assert words == {
        "kind": ("snapshot", "delta"),
        "effect": tuple(effect.value for effect in kb.Effect),
        "outcome_side": ("yes", "no"),
        "state": tuple(state.value for state in kb.State),
    }
