"""Record batches of a stream of updates, and what DuckDB, Polars and pandas make of them."""

import asyncio
import sys

import pytest

import frames
import kalshi_book as installed
from clients import play
from frames import A, B, delta, levels, snapshot
from implementations import part
from kalshi_book.sim.flow import Flow
from libraries import library

pa, pl, pd, duckdb = (library(name) for name in ("pyarrow", "polars", "pandas", "duckdb"))

FLOW = list(Flow(seed=11, frames=2_500, markets=3, own_per_mille=20, close=False))
TRADES = [frames.trade(seq=seq) for seq in (1, 2)]


def updates_of(feed, frames_):
    for each in frames_:
        yield feed.receive(each)


@pytest.fixture(scope="module")
def flow(kb):
    """A flow as tables, and the feed that took it."""
    feed = kb.Feed()
    return feed, kb.tables.collect(updates_of(feed, [*FLOW[:1_000], *TRADES, *FLOW[1_000:]]))


def expected_levels(feed):
    return sorted(
        (ticker, side, price_e4, size_e2)
        for ticker, book in feed.books.items()
        for side, ladder in levels(book).items()
        for price_e4, size_e2 in ladder.items()
    )


def expected_quotes(feed):
    found = []
    for ticker, book in feed.books.items():
        bid, ask = book.bbo()
        found.append((ticker, bid.price_e4, bid.size_e2, ask.price_e4, ask.size_e2))
    return sorted(found)


def numbered(table):
    """With the number of each row: SQL keeps no order by itself."""
    return table.append_column("n", pa.array(range(table.num_rows)))


QUOTE = ["market_ticker", "yes_bid_e4", "yes_bid_size_e2", "yes_ask_e4", "yes_ask_size_e2"]
LEVEL = ["market_ticker", "outcome_side", "price_e4"]


class TestTheFinalBookAndTheBestPricesRecomputed:
    def test_by_duckdb(self, flow):
        feed, tables = flow
        deltas = numbered(tables.deltas)  # noqa: F841
        quotes = numbered(tables.quotes)  # noqa: F841
        last = f"select {', '.join(LEVEL)}, arg_max(size_e2, n) as size_e2, sum(delta_e2) as total from deltas group by all"
        found = duckdb.sql(f"select * from ({last}) where size_e2 > 0").fetchall()
        assert sorted(row[:4] for row in found) == expected_levels(feed)
        assert all(size_e2 == total for *_, size_e2, total in found)
        last = ", ".join(f"arg_max({name}, n)" for name in QUOTE[1:])
        found = duckdb.sql(f"select market_ticker, {last} from quotes group by all").fetchall()
        assert sorted(found) == expected_quotes(feed)

    def test_by_polars(self, flow):
        feed, (deltas, _, quotes) = flow
        last = pl.from_arrow(deltas).group_by(LEVEL).agg(pl.col("size_e2").last(), pl.col("delta_e2").sum())
        assert last.filter(pl.col("size_e2") != pl.col("delta_e2")).height == 0
        found = last.filter(pl.col("size_e2") > 0).select(pl.col(LEVEL[:2]).cast(pl.String), "price_e4", "size_e2").rows()
        assert sorted(found) == expected_levels(feed)
        last = pl.from_arrow(quotes).group_by("market_ticker").last().select(QUOTE)
        assert sorted(last.with_columns(pl.col("market_ticker").cast(pl.String)).rows()) == expected_quotes(feed)

    def test_by_pandas(self, flow):
        feed, (deltas, _, quotes) = flow
        last = deltas.to_pandas().groupby(LEVEL, observed=True).agg({"size_e2": "last", "delta_e2": "sum"}).reset_index()
        assert (last["size_e2"] == last["delta_e2"]).all()
        found = last[last["size_e2"] > 0][[*LEVEL, "size_e2"]]
        assert sorted(found.itertuples(index=False, name=None)) == expected_levels(feed)
        last = quotes.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}.get)
        last = last.groupby("market_ticker", observed=True).last().reset_index()[QUOTE]
        assert sorted(last.itertuples(index=False, name=None)) == expected_quotes(feed)


def test_tables_hold_every_row_in_order_with_every_value(kb, flow):
    _, tables = flow
    rows, feed = part(kb, "tables.rows").Rows(), kb.Feed()
    for update in updates_of(feed, [*FLOW[:1_000], *TRADES, *FLOW[1_000:]]):
        rows.take(update)
    assert tables._fields == ("deltas", "trades", "quotes")
    for name, table in tables._asdict().items():
        assert [tuple(row.values()) for row in table.to_pylist()] == getattr(rows, name)
        assert table.num_rows > 0
        assert table.schema == kb.tables.arrow_schema(getattr(kb.tables, name.upper()))


def test_tables_of_nothing_have_their_columns(kb):
    for table in kb.tables.collect([]):
        assert (table.num_rows, table.num_columns > 8) == (0, True)


class TestBatches:
    def test_come_when_there_are_so_many_rows_and_the_rest_at_the_end(self, kb, feed):
        builder = kb.tables.TableBuilder(rows=5)
        found = [
            [(batch.table, batch.data.num_rows) for batch in builder.take(feed.receive(each))]
            for each in (snapshot(), delta(seq=2), *(delta(seq=seq, price="0.4000") for seq in range(3, 8)))
        ]
        assert found == [[], [("deltas", 5)], [], [], [], [], [("deltas", 5)]]
        assert [(batch.table, batch.data.num_rows) for batch in builder.flush()] == [("quotes", 2)]
        assert builder.flush() == []

    def test_of_trades_and_quotes_come_likewise_and_a_snapshot_is_not_divided(self, kb, feed):
        builder = kb.tables.TableBuilder(rows=2)
        found = [
            [(batch.table, batch.data.num_rows) for batch in builder.take(feed.receive(each))]
            for each in (frames.trade(seq=1), frames.trade(seq=2), snapshot(), delta(seq=2))
        ]
        assert found == [[], [("trades", 2)], [("deltas", 4)], [("quotes", 2)]]

    def test_each_dictionary_is_the_beginning_of_the_next_one(self, kb, feed):
        builder = kb.tables.TableBuilder(rows=1)
        batches = [*builder.take(feed.receive(snapshot(B))), *builder.take(feed.receive(snapshot(seq=2)))]
        words = [each.data.column("market_ticker").dictionary.to_pylist() for each in batches if each.table == "deltas"]
        assert words == [[B], [B, A]]
        assert batches[0].data.column("outcome_side").dictionary.to_pylist() == ["yes", "no"]

    def test_looking_and_missing_give_rows_too_and_the_epoch_is_told(self, kb, feed):
        builder = kb.tables.TableBuilder(rows=1)
        builder.take(feed.receive(snapshot()))
        feed.opened()
        builder.epoch = feed.epoch
        (batch,) = builder.look(received_ns=5)
        assert batch.data.select(["received_ns", "epoch", "state", "stale_reason"]).to_pylist() == [
            {"received_ns": 5, "epoch": 1, "state": "stale", "stale_reason": "disconnected"}
        ]
        builder.take(feed.receive(snapshot()))
        (batch,) = builder.missed(received_ns=6)
        assert batch.data.select(["received_ns", "stale_reason"]).to_pylist() == [
            {"received_ns": 6, "stale_reason": "missed"}
        ]
        assert builder.epoch == 1

    @pytest.mark.parametrize("rows", [0, -1, 1.5, True, "5"])
    def test_want_a_number_of_rows(self, kb, rows):
        with pytest.raises(kb.UsageError, match=r"^rows must be a number of rows, 1 or more, not "):
            kb.tables.TableBuilder(rows=rows)

    def test_need_pyarrow(self, kb, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(kb.MissingLibrary, match=r"^TableBuilder needs pyarrow, .* 'kalshi-book\[arrow\]'$"):
            kb.tables.TableBuilder()


def test_a_stale_book_has_no_price_that_could_be_taken_for_live(kb, feed):
    tables = kb.tables.collect(updates_of(feed, [snapshot(), snapshot(B, seq=2), delta(seq=5), snapshot(seq=6)]))
    quotes = tables.quotes  # noqa: F841
    found = duckdb.sql("select market_ticker, state, stale_reason, yes_bid_e4, yes_ask_size_e2 from quotes").fetchall()
    assert found == [
        (A, "live", None, 4200, 31000),
        (B, "live", None, 4200, 31000),
        (A, "stale", "gap", None, None),
        (B, "stale", "gap", None, None),
        (A, "live", None, 4200, 31000),
    ]


def test_a_live_client_fills_them_as_a_replay_does_also_where_its_consumer_is_late():
    """On virtual time: a consumer that sleeps now and then, and ends when it has seen everything."""

    async def scenario(live, _):
        builder, batches, taken = installed.tables.TableBuilder(rows=100), [], 0
        async for update in live.updates(policy="all"):
            batches += builder.take(update)
            taken += 1
            if taken % 40 == 0:
                await asyncio.sleep(1.5)
            if taken > 600 and update.seq == max(book.seq for book in live.books.values()):
                return [*batches, *builder.flush()], expected_levels(live), expected_quotes(live)
        raise AssertionError

    batches, end_levels, end_quotes = play(scenario)
    deltas, quotes = (
        pa.Table.from_batches([batch.data for batch in batches if batch.table == name]) for name in ("deltas", "quotes")
    )
    last = {tuple(row[name] for name in LEVEL): row["size_e2"] for row in deltas.to_pylist()}
    assert sorted((*level, size_e2) for level, size_e2 in last.items() if size_e2) == end_levels
    last = {row["market_ticker"]: row for row in quotes.to_pylist()}
    assert sorted(tuple(row[name] for name in QUOTE) for row in last.values()) == end_quotes
    assert deltas.column("kind").to_pylist().count("delta") > 500
    assert None not in deltas.column("received_ns").to_pylist()
