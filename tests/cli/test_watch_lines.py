"""What a pipe gets: one line for each change of a best price, each trade, and each change of how a book stands."""

import pytest

import kalshi_book as kb
from frames import A, B, delta, error, ok, snapshot, subscribed, trade, unsubscribed
from kalshi_book.cli.watch import lines as lines_
from kalshi_book.cli.watch.lines import Lines


def told(*frames, tickers=()):
    feed, lines = kb.Feed(), Lines(tickers)
    for each in frames:
        lines.take(feed.receive(each), feed.books.values())
    return lines.taken().splitlines()


def test_a_book_is_told_of_when_it_is_live_and_whenever_its_best_prices_change():
    assert told(snapshot(seq=1), delta(seq=2), delta(seq=3, price="0.4100"), delta(seq=4, side="no", price="0.5700")) == [
        f"07:33:20.001 {A} LIVE",
        f"07:33:20.001 {A} yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
        f"07:33:20.002 {A} yes bid $0.4200 x 8.00, ask $0.4400 x 310.00, spread $0.0200",
        f"07:33:20.004 {A} yes bid $0.4200 x 8.00, ask $0.4300 x 1.00, spread $0.0100",
    ]


def test_a_side_without_anybody_is_told_as_such():
    assert told(snapshot(no=[]))[1].endswith(f"{A} yes bid $0.4200 x 7.00, ask nobody")


def test_a_gap_is_told_of_every_book_that_it_made_stale_and_so_is_their_return():
    frames = [snapshot(seq=1), snapshot(B, seq=2), delta(seq=5), snapshot(seq=6), snapshot(B, seq=9)]
    assert [line.split(" ", 1)[1] for line in told(*frames)[4:]] == [
        f"{A} STALE (gap): frames are missing",
        f"{B} STALE (gap): frames are missing",
        f"{A} LIVE",
        f"{A} yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
        f"{A} STALE (gap): frames are missing",
        f"{B} LIVE",
        f"{B} yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
    ]


@pytest.mark.parametrize(
    ("end", "words"),
    [(unsubscribed(), "STALE (unsubscribed): it is no longer subscribed"),
     (error(25, sid=1), "STALE (terminal_error): the exchange ended the subscription")],
)  # fmt: skip
def test_a_book_that_leaves_is_told_of_as_stale_and_told_of_again_when_it_comes_back(end, words):
    said = told(snapshot(), end, trade(), subscribed(3), snapshot(sid=3))
    assert [line.split(A)[1].strip() for line in said] == [
        "LIVE",
        "yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
        words,
        "trade yes $0.4200 x 3.00",
        "LIVE",
        "yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
    ]


def test_a_book_that_is_announced_is_told_of():
    assert told(subscribed(), ok([A]))[0].split()[-2:] == [A, "NEW"]


def test_a_trade_is_told_with_its_price_and_its_taker():
    dealt = trade().replace(b'"count_fp"', b'"taker_outcome_side":"no","count_fp"')
    assert [line.strip() for line in told(trade(), dealt.replace(b'"seq":1', b'"seq":2'))] == [
        f"{A} trade yes $0.4200 x 3.00",
        f"{A} trade yes $0.4200 x 3.00, the taker bought no",
    ]


def test_only_the_markets_that_were_named_are_told_of():
    frames = [snapshot(seq=1), snapshot(B, seq=2), trade(), trade(ticker=B, seq=2), delta(B, seq=3)]
    assert {line.split()[-1 - line.split()[::-1].index(B)] for line in told(*frames, tickers=[B])} == {B}
    assert len(told(*frames, tickers=[B])) == 4


def test_whether_a_market_trades_is_told_when_that_changes():
    feed, lines = kb.Feed(), Lines()
    lines.take(feed.receive(snapshot()))
    for state in (kb.MarketState.ACTIVE, kb.MarketState.ACTIVE, kb.MarketState.PAUSED):
        feed.set_market(kb.Market(market_ticker=A, state=state))
        lines.look(feed.books.values(), None)
    assert lines.taken().splitlines()[2:] == [f"{'':12} {A} market active", f"{'':12} {A} market paused"]


def test_lines_that_nobody_takes_are_given_up_and_counted(monkeypatch):
    monkeypatch.setattr(lines_, "MAX_WAITING", 3)
    feed, lines = kb.Feed(), Lines()
    for each in (snapshot(seq=1), *(delta(seq=seq) for seq in range(2, 6))):
        lines.take(feed.receive(each))
    text = lines.taken().splitlines()
    assert text[0] == "3 lines are lost: they are read too slowly"
    assert [line[:12] for line in text[1:]] == ["07:33:20.003", "07:33:20.004", "07:33:20.005"]
    assert lines.taken() == ""


@pytest.mark.parametrize("reason", [None, "lunch"])
def test_how_a_book_stands_is_said_in_words_that_may_be_anybodys(reason):
    said = lines_.standing_text(kb.State.STALE, reason)
    assert said == ("STALE" if reason is None else "STALE (lunch): lunch")
