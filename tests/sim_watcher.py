"""A witness of everything that a venue publishes, as plain as can be, who checks every claim of it on every happening."""

from collections import Counter, defaultdict

ONE_E4 = 10_000
START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
OTHER = {"yes": "no", "no": "yes"}


class Watcher:
    """Keeps books, orders and positions from what is told, and compares them with what the venue shows."""

    def __init__(self, venue):
        self.venue = venue
        self.told = []
        self.counts = Counter()
        self.books = {
            ticker: {side: dict(listing.levels(side)) for side in ("yes", "no")}
            for ticker, listing in venue.listings.items()
        }
        self.clocks = {ticker: (listing.clock, None) for ticker, listing in venue.listings.items()}
        self.orders = {}
        self.held_e2 = defaultdict(int)
        self.paid_e6 = defaultdict(int)
        self.traded_e2 = Counter()
        self.at_ns = venue.now_ns
        self.last_trade = None
        venue.listen(self.hear)

    def hear(self, happening):
        self.told.append(happening)
        assert happening.at_ns == self.venue.now_ns >= self.at_ns
        self.at_ns = happening.at_ns
        getattr(self, f"hear_{type(happening).__name__}")(happening)

    def listing(self, happening):
        return self.venue.listings[happening.market_ticker]

    def check_clock(self, happening, *, may_stay):
        ticker = happening.market_ticker
        clock, at_ns = self.clocks.get(ticker, (0, None))
        assert happening.clock == self.listing(happening).clock > 0
        # One clock is one action at one moment.
        assert happening.clock > clock or (may_stay and (happening.clock, happening.at_ns) == (clock, at_ns))
        self.clocks[ticker] = happening.clock, happening.at_ns

    def hear_LevelChanged(self, change):
        listing, ticker = self.listing(change), change.market_ticker
        self.check_clock(change, may_stay=True)
        assert change.market_id == listing.market_id and listing.state in ("active", "paused")
        book = self.books.setdefault(ticker, {"yes": {}, "no": {}})
        ladder = book[change.outcome_side]
        was_e2, best_e4 = ladder.get(change.price_e4, 0), max(ladder, default=0)
        now_e2 = was_e2 + change.delta_e2
        assert change.delta_e2 != 0 and now_e2 >= 0 and 1 <= change.price_e4 <= 9_999
        ladder[change.price_e4] = now_e2
        if not now_e2:
            del ladder[change.price_e4]
        shown = listing.book.ladders[change.outcome_side == "no"]  # at the moment when it is true
        assert shown.sizes.get(change.price_e4, 0) == now_e2 and len(shown.sizes) == len(ladder)
        assert max(book["yes"], default=0) + max(book["no"], default=0) < ONE_E4  # neither locked nor crossed
        assert (change.maker is None) == (change.maker_order is None)
        assert (change.taker is None) == (change.taker_order is None)
        self.counts["level"] += 1
        self.counts["added" if not was_e2 else "changed" if now_e2 else "removed"] += 1
        self.counts["at or inside the best"] += change.price_e4 >= best_e4
        self.counts["fractional"] += change.delta_e2 % 100 != 0
        self.counts[change.cause] += 1
        if change.cause == "maker_fill":
            self.last_fill = change

    def hear_Traded(self, trade):
        fill = self.last_fill
        assert fill.market_ticker == trade.market_ticker and trade.size_e2 == -fill.delta_e2 > 0
        assert trade.taker_outcome_side == OTHER[fill.outcome_side]
        yes_e4 = fill.price_e4 if fill.outcome_side == "yes" else ONE_E4 - fill.price_e4
        assert trade.yes_price_e4 == yes_e4
        self.traded_e2[trade.market_ticker] += trade.size_e2
        self.last_trade = trade

    def hear_Filled(self, fill):
        trade = self.last_trade
        assert (fill.trade_id, fill.size_e2, fill.market_ticker) == (trade.trade_id, trade.size_e2, trade.market_ticker)
        assert (fill.outcome_side == trade.taker_outcome_side) == fill.is_taker
        assert fill.price_e4 == (trade.yes_price_e4 if fill.outcome_side == "yes" else ONE_E4 - trade.yes_price_e4)
        key = fill.account, fill.mark.subaccount, fill.market_ticker
        self.held_e2[key] += fill.size_e2 if fill.outcome_side == "yes" else -fill.size_e2
        self.paid_e6[key] += fill.price_e4 * fill.size_e2
        assert fill.post_position_e2 == self.held_e2[key] and fill.fee_e6 > 0 and fill.fee_e6 % 100 == 0
        self.counts["filled"] += 1

    def hear_PositionChanged(self, position):
        key = position.account, position.subaccount, position.market_ticker
        listing = self.listing(position)
        if listing.state == "settled":
            won_e2 = max(self.held_e2[key] if listing.result == "yes" else -self.held_e2[key], 0)
            self.paid_e6[key] -= ONE_E4 * won_e2
            self.held_e2[key] = 0
        assert position.position_e2 == self.held_e2[key] and position.cost_e6 >= 0
        # What was paid is what is held at cost, less what was won, and $1 for every pair that closed.
        pairs_e2 = (position.volume_e2 - abs(position.position_e2)) // 2
        if listing.state != "settled":
            assert self.paid_e6[key] - ONE_E4 * pairs_e2 == position.cost_e6 - position.realized_pnl_e6
        assert self.venue.orders(position.account).position(
            position.market_ticker, subaccount=position.subaccount
        ) == position  # fmt: skip

    def hear_OrderChanged(self, order):
        assert order.filled_e2 + order.remaining_e2 <= order.initial_e2
        assert (order.status == "resting") == (order.remaining_e2 > 0)
        assert order.status != "executed" or order.filled_e2 > 0
        assert order.status == "canceled" or order.reason in ("", "Trade", "Amend", "Decrease")
        before = self.orders.get(order.order_id)
        assert before is None or (before.status == "resting" and before.filled_e2 <= order.filled_e2)
        self.orders[order.order_id] = order

    def hear_Quoted(self, quote):
        listing = self.listing(quote)
        yes, no = listing.levels("yes"), listing.levels("no")
        bid, ask = (yes[-1] if yes else (None, 0)), (no[-1] if no else (None, 0))
        assert (quote.yes_bid_e4, quote.yes_bid_size_e2) == bid
        assert (quote.yes_ask_e4, quote.yes_ask_size_e2) == (ask[0] and ONE_E4 - ask[0], ask[1])
        assert quote == listing.quoted() and quote.volume_e2 == self.traded_e2[quote.market_ticker]
        long_e2 = sum(max(held, 0) for (_, _, ticker), held in self.held_e2.items() if ticker == quote.market_ticker)
        assert long_e2 <= quote.open_interest_e2 or listing.state == "settled"
        self.counts["quoted"] += 1

    def hear_BookCleared(self, cleared):
        self.check_clock(cleared, may_stay=False)
        self.books[cleared.market_ticker] = {"yes": {}, "no": {}}
        assert self.listing(cleared).levels("yes") == self.listing(cleared).levels("no") == []

    def hear_Lived(self, lived):
        assert self.listing(lived).state == {
            "created": "created", "activated": "active", "deactivated": "paused", "determined": "determined",
            "settled": "settled",
        }.get(lived.event_type, self.listing(lived).state)  # fmt: skip
        self.counts[lived.event_type] += 1

    def check(self):
        """Compare everything that is known with what the venue shows."""
        resting = {}
        for ticker, listing in self.venue.listings.items():
            book = self.books.get(ticker, {"yes": {}, "no": {}})
            assert {side: dict(listing.levels(side)) for side in ("yes", "no")} == book
        for account in {order.account for order in self.orders.values()}:
            for order in self.venue.orders(account).resting():
                resting[order.order_id] = order
                key = order.market_ticker, order.outcome_side, order.price_e4
                assert self.books[key[0]][key[1]][key[2]] >= order.remaining_e2
        known = {order_id for order_id, order in self.orders.items() if order.status == "resting"}
        assert known == set(resting)
        for order_id, order in resting.items():
            known = self.orders[order_id]
            assert (known.price_e4, known.remaining_e2, known.filled_e2) == (
                order.price_e4, order.remaining_e2, order.filled_e2,
            )  # fmt: skip

    def kinds(self):
        """Name what was told, in order, and forget it."""
        names = [type(happening).__name__ for happening in self.told]
        self.told.clear()
        return names
