"""A book as a frame: its levels, exactly, in Arrow, Polars and pandas; and what a book that cannot know says."""

import sys

import pytest

from frames import A, B, delta, snapshot
from implementations import part
from libraries import library

pa, pl, pd, duckdb = (library(name) for name in ("pyarrow", "polars", "pandas", "duckdb"))

COLUMNS = ["market_ticker", "outcome_side", "book_side", "rank", "price_e4", "yes_price_e4", "size_e2", "own_size_e2"]
ROWS = [
    (A, "yes", "bid", 1, 4200, 4200, 700, None),
    (A, "yes", "bid", 2, 4100, 4100, 12000, None),
    (A, "no", "ask", 1, 5600, 4400, 31000, None),
    (A, "no", "ask", 2, 5500, 4500, 4000, None),
]
FORMS = ["to_arrow", "to_polars", "to_pandas"]


@pytest.fixture
def book(feed):
    feed.receive(snapshot())
    return feed.books[A]


def rows_of(frame):
    """The rows of any of the three, as plain tuples."""
    if isinstance(frame, pl.DataFrame):
        return frame.rows()
    if isinstance(frame, pd.DataFrame):
        frame = frame.astype(object).where(frame.notna(), None)
        return [tuple(row) for row in frame.itertuples(index=False)]
    return [tuple(row.values()) for row in frame.to_pylist()]


@pytest.mark.parametrize("form", FORMS)
class TestEveryForm:
    def test_has_one_row_a_level_yes_bids_then_no_bids_best_first(self, book, form):
        frame = getattr(book, form)()
        assert list(frame.schema.names if form == "to_arrow" else frame.columns) == COLUMNS
        assert rows_of(frame) == ROWS

    def test_of_an_empty_book_has_its_columns_and_no_row(self, feed, book, form):
        types = {name: str(type_) for name, type_ in column_types(getattr(book, form)()).items()}
        feed.receive(snapshot(seq=2, yes=[], no=[]))
        frame = getattr(book, form)()
        assert len(frame) == 0
        assert {name: str(type_) for name, type_ in column_types(frame).items()} == types

    def test_has_no_float(self, book, form):
        assert not [name for name, type_ in column_types(getattr(book, form)()).items() if "float" in str(type_).lower()]

    def test_shows_own_size_where_it_is_known(self, kb, book, form):
        book._own = part(kb, "orders").OwnReading(A, None, (), {}, {5500: 1500})
        assert [row[-1] for row in rows_of(getattr(book, form)())] == [0, 0, 0, 1500]

    def test_of_a_book_that_is_not_live_raises_and_last_known_answers(self, kb, feed, book, form):
        feed.receive(delta(seq=9))
        with pytest.raises(kb.BookNotLive, match=r"^KXDEMO-26-A is STALE \(gap\) after seq 1, not LIVE: "):
            getattr(book, form)()
        assert rows_of(getattr(book.last_known, form)()) == ROWS

    def test_of_a_copy_is_of_the_moment_of_the_copy(self, feed, book, form):
        copy = book.snapshot()
        feed.receive(delta())
        assert rows_of(getattr(copy, form)()) == ROWS
        assert rows_of(getattr(book, form)())[0][6] == 800

    def test_says_what_is_missing_and_how_to_get_it(self, kb, book, form, monkeypatch):
        name = {"to_arrow": "pyarrow", "to_polars": "polars", "to_pandas": "pandas"}[form]
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(kb.MissingLibrary) as caught:
            getattr(book, form)()
        extra = {"pyarrow": "arrow"}.get(name, name)
        assert str(caught.value) == f"{form} needs {name}, which is not installed: pip install 'kalshi-book[{extra}]'"
        assert (caught.value.library, caught.value.what, caught.value.extra) == (name, form, extra)
        assert isinstance(caught.value, ImportError)


def column_types(frame):
    if isinstance(frame, pa.Table):
        return dict(zip(frame.schema.names, frame.schema.types, strict=True))
    return dict(frame.schema if isinstance(frame, pl.DataFrame) else frame.dtypes)


def test_a_library_that_is_there_and_lacks_something_itself_says_what(kb, book, tmp_path, monkeypatch):
    (tmp_path / "polars.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "polars")
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all") as caught:
        book.to_polars()
    assert not isinstance(caught.value, kb.MissingLibrary)


def test_arrow_has_what_is_true_of_the_whole_book_in_its_metadata(kb, feed, book):
    feed.receive(delta(), received_ns=77)
    assert book.to_arrow().schema.metadata == {
        b"kalshi_book": kb.__version__.encode(), b"table": b"book", b"market_ticker": A.encode(), b"state": b"live",
        b"seq": b"2", b"clock": b"4182002", b"ts_ms": b"1793000000402", b"received_ns": b"77",
        b"own_size_unknown": b"not_subscribed",
    }  # fmt: skip
    feed.closed()
    assert book.last_known.to_arrow().schema.metadata[b"stale_reason"] == b"disconnected"


def test_pandas_has_it_as_attrs(feed, book):
    assert book.to_pandas().attrs == {
        "market_ticker": A, "state": "live", "seq": "1", "clock": "4182001", "own_size_unknown": "not_subscribed"
    }  # fmt: skip


def test_polars_needs_no_pyarrow(book, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert book.to_polars().height == 4


@pytest.mark.parametrize("form", FORMS)
def test_frames_of_several_books_can_be_put_together(feed, book, form):
    feed.receive(snapshot(B, seq=2))
    together = {"to_arrow": pa.concat_tables, "to_polars": pl.concat, "to_pandas": pd.concat}[form]
    whole = together([getattr(each, form)() for each in feed.books.values()])
    assert {name: str(type_) for name, type_ in column_types(whole).items()} == {
        name: str(type_) for name, type_ in column_types(getattr(book, form)()).items()
    }
    assert len(whole) == 8


def test_duckdb_reads_it(book):
    rungs = book.to_arrow()  # noqa: F841
    total = duckdb.sql("select sum(price_e4 * size_e2) from rungs where outcome_side = 'yes'").fetchall()
    assert total == [(4200 * 700 + 4100 * 12000,)]


def test_a_book_of_all_prices_comes_out_as_it_is(kb):
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(yes=[], no=[])))
    for price_e4 in range(1, 5000):
        book.change(outcome_side="yes", price_e4=price_e4, delta_e2=2**40 + price_e4)
        book.change(outcome_side="no", price_e4=price_e4, delta_e2=price_e4)
    table = book.to_arrow()
    prices = [*range(4999, 0, -1)]
    assert table.column("price_e4").to_pylist() == prices * 2
    assert table.column("size_e2").to_pylist() == [2**40 + each for each in prices] + prices
    assert table.column("rank").to_pylist() == [*range(1, 5000)] * 2
