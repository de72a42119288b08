"""One channel: what is desired outlives connections; what is held is what the exchange said; the difference is a command."""

import pytest

from frames import A, B, C
from implementations import part

BOOK = "orderbook_delta"


class Channel:
    """An interest, and a subscription that holds something."""

    def __init__(self, kb, name, **subscribe):
        self.kb, self.module = kb, part(kb, "interest")
        self.interest = self.module.Interest(name)
        if subscribe:
            self.desire(**subscribe)

    def desire(self, **given):
        name = self.interest.channel
        command = self.kb.Subscribe(channels=[name], **given)
        self.interest.check(command)
        m = self.module
        self.interest.desire(m.items_of(command, name), m.kind_of(name, command), m.flags_of(command))

    def open(self, *held, sid=1, use_yes_price=True):
        state = part(self.kb, "_backend").SidState(sid, use_yes_price=use_yes_price)
        subscription = self.module.Subscription(state, self.kb.Pace())
        subscription.held.update(dict.fromkeys(held))
        self.interest.subscription = subscription
        return self

    def next(self, now_ns=None):
        """The next command, as (cmd or action, what it names), or None."""
        command = self.interest.next_command(4, now_ns)
        if command is None:
            return None
        assert command.epoch == 4
        named = next(
            (
                v
                for k in ("market_tickers", "market_ids", "index_ids", "underlying_tickers")
                if (v := getattr(command, k, ()))
            ),
            (),
        )
        return (getattr(command, "action", type(command).__name__), *named)


@pytest.fixture
def book(kb):
    """The channel of books, of which A and B are desired."""
    return Channel(kb, BOOK, market_tickers=[A, B])


class TestDesired:
    def test_nothing_is_wanted_of_a_new_channel(self, kb):
        channel = Channel(kb, BOOK)
        assert (channel.next(), channel.interest.is_all, channel.interest.price_scale) == (None, False, None)

    def test_it_adds_up_in_order_and_each_once(self, book):
        book.desire(market_tickers=[C, A])
        assert list(book.interest.desired) == [A, B, C]

    @pytest.mark.parametrize(
        ("first", "second", "text"),
        [
            (
                {},
                {"market_tickers": [A]},
                "ticker is subscribed for all markets: unsubscribe it first to limit it otherwise",
            ),
            (
                {"market_tickers": [A, B]},
                {},
                "ticker is subscribed for 2 markets: unsubscribe it first to limit it otherwise",
            ),
            (
                {"market_tickers": [A]},
                {"market_ids": ["m1"]},
                "ticker is subscribed by market_tickers: name its markets so, or unsubscribe it first",
            ),
        ],
    )
    def test_all_some_and_ids_do_not_mix(self, kb, first, second, text):
        channel = Channel(kb, "ticker")
        channel.desire(**first)
        before = dict(channel.interest.desired), channel.interest.kind
        with pytest.raises(kb.UsageError) as raised:
            channel.desire(**second)
        assert str(raised.value) == text
        assert (dict(channel.interest.desired), channel.interest.kind) == before

    def test_indices_may_begin_with_none_and_be_added(self, kb):
        channel = Channel(kb, "cfbenchmarks_value", skip_ticker_ack=False)
        assert (channel.interest.is_all, channel.next()) == (False, ("Subscribe",))
        channel.open()
        channel.desire(index_ids=["BRTI"])
        assert channel.next() == ("subscribe_indices", "BRTI")

    def test_after_it_was_released_kind_and_flags_are_free(self, kb):
        channel = Channel(kb, "ticker", market_tickers=[A])
        channel.interest.release(None)
        channel.desire(market_ids=["m1"])
        assert (channel.interest.kind, list(channel.interest.desired)) == ("market_ids", ["m1"])


class TestDifference:
    @pytest.mark.parametrize(
        ("name", "given", "add", "remove"),
        [
            (BOOK, {"market_tickers": [A, B]}, "add_markets", "delete_markets"),
            ("ticker", {"market_ids": ["m1", "m2"]}, "add_markets", "delete_markets"),
            ("cfbenchmarks_value_5hz", {"index_ids": ["X", "Y"]}, "subscribe_indices", "unsubscribe_indices"),
            ("pyth_value", {"underlying_tickers": ["X", "Y"]}, "subscribe_underlyings", "unsubscribe_underlyings"),
        ],
    )
    def test_a_channel_is_opened_added_to_and_taken_from(self, kb, name, given, add, remove):
        channel = Channel(kb, name, **given)
        first, second = next(iter(given.values()))
        assert channel.next() == ("Subscribe", first, second)
        channel.open(first)
        assert channel.next() == (add, second)
        channel.interest.release([first])
        channel.open(first, second)
        assert channel.next() == (remove, first)
        channel.open(second)
        assert channel.next() is None

    def test_all_markets_need_no_names(self, kb):
        channel = Channel(kb, "trade", market_tickers=[])
        assert (channel.interest.is_all, channel.next()) == (True, ("Subscribe",))
        channel.open()
        assert channel.next() is None

    def test_more_than_500_are_opened_with_the_first_and_added_by_500(self, kb):
        channel = Channel(kb, BOOK)
        tickers = [f"T{number}" for number in range(1_100)]
        for at in (0, 500, 1_000):
            channel.desire(market_tickers=tickers[at : at + 500])
        assert channel.next() == ("Subscribe", *tickers[:500])
        channel.open(*tickers[:500])
        assert channel.next() == ("add_markets", *tickers[500:1_000])
        channel.open(*tickers[:1_000])
        assert channel.next() == ("add_markets", *tickers[1_000:])

    def test_one_change_is_under_way_at_a_time(self, book):
        book.interest.in_flight[7] = frozenset([A])
        assert book.next() is None
        book.interest.in_flight.clear()
        assert book.next() == ("Subscribe", A, B)

    def test_all_stands_for_every_index(self, kb):
        channel = Channel(kb, "cfbenchmarks_value", index_ids=["all"]).open("all")
        channel.desire(index_ids=["BRTI"])
        assert channel.next() is None
        channel.interest.release(["all"])
        assert channel.next() == ("unsubscribe_indices", "all")
        channel.open()
        assert channel.next() == ("subscribe_indices", "BRTI")

    def test_what_a_ticker_is_added_with_is_shown_at_once_where_that_was_asked(self, kb):
        channel = Channel(kb, "ticker", market_tickers=[A, B], send_initial_snapshot=True).open(A)
        command = channel.interest.next_command(4, None)
        assert (command.action, command.market_tickers, command.send_initial_snapshot) == ("add_markets", (B,), True)

    def test_wanted_again_before_it_was_taken_out_it_stays(self, book):
        book.open(A, B)
        assert book.interest.release([A]) == [A]
        book.desire(market_tickers=[A])
        assert book.next() is None

    def test_what_was_held_when_the_channel_is_first_directed_is_desired_too(self, kb):
        channel = Channel(kb, BOOK).open(A, B, use_yes_price=False)
        assert channel.next() is None
        channel.desire(market_tickers=[C], use_yes_price=False)
        assert (list(channel.interest.desired), channel.next()) == ([A, B, C], ("add_markets", C))

    def test_what_the_exchange_holds_beside_it_is_taken_out(self, book):
        book.open(A, B, C)
        assert book.next() == ("delete_markets", C)

    def test_what_is_perhaps_held_is_asked_for_or_taken_out_again(self, book):
        book.open(A, B)
        book.interest.unsure = {B: None, C: None}
        assert book.next() == ("add_markets", B)
        book.interest.unsure = {C: None}
        assert book.next() == ("delete_markets", C)

    def test_with_the_last_market_the_channel_is_closed(self, book):
        """Whether an empty list means none or all, the published text does not say."""
        book.open(A, B)
        book.interest.release([A, B])
        assert (book.interest.is_wanted, book.next()) == (False, ("Unsubscribe",))

    def test_released_as_a_whole_it_is_closed_and_tells_what_was_desired(self, book):
        book.open(A, C)
        assert book.interest.release(None) == [A, B]
        assert book.next() == ("Unsubscribe",)

    @pytest.mark.parametrize("items", [[], [A]])
    def test_nothing_taken_from_all_leaves_all(self, kb, items):
        channel = Channel(kb, "trade", market_tickers=[]).open()
        channel.interest.release(items)
        assert (channel.interest.is_all, channel.next()) == (True, None)


class TestPriceScale:
    def test_it_is_that_of_the_subscription_else_what_is_desired_else_free(self, kb):
        channel = Channel(kb, BOOK)
        assert channel.interest.price_scale is None
        channel.desire(market_tickers=[A], use_yes_price=False)
        assert channel.interest.price_scale is False
        channel.open(A, use_yes_price=False)
        channel.interest.release(None)
        assert channel.interest.price_scale is False
        channel.interest.ended(channel.interest.subscription, [])
        assert channel.interest.price_scale is None


class TestTrouble:
    def test_what_is_asked_again_after_trouble_is_a_recovery_until_all_is_held(self, book):
        assert book.interest.next_command(4, None).purpose == "restore"
        book.interest.trouble()
        assert book.interest.next_command(4, None).purpose == "recovery"
        book.open(A, B)
        assert book.next() is None
        book.desire(market_tickers=[C])
        assert book.interest.next_command(4, None).purpose == "restore"

    def test_what_was_refused_waits_and_is_asked_for_again_then(self, book):
        book.open(A)
        book.interest.refuse([B], 100)
        assert (book.next(99), book.interest.next_deadline_ns()) == (None, 100)
        assert book.next(100) == ("add_markets", B)
        assert book.interest.next_deadline_ns() is None

    def test_what_was_refused_and_is_desired_again_does_not_wait(self, book):
        book.open(A)
        book.interest.refuse([B], 100)
        book.desire(market_tickers=[B])
        assert book.next(1) == ("add_markets", B)

    def test_after_an_unclear_answer_it_waits(self, book):
        book.interest.not_before_ns = 100
        assert (book.next(), book.next(99), book.interest.next_deadline_ns()) == (None, None, 100)
        assert book.next(100) == ("Subscribe", A, B)

    def test_while_something_is_under_way_there_is_nothing_to_wait_for(self, book):
        book.interest.not_before_ns = 100
        book.interest.in_flight[7] = frozenset()
        assert book.interest.next_deadline_ns() is None

    def test_a_channel_that_was_refused_is_not_asked_for_until_it_is_desired_again_or_the_connection_is_another(self, book):
        book.interest.refusal = 9
        assert book.next() is None
        book.desire(market_tickers=[A])
        assert book.next() == ("Subscribe", A, B)
        book.interest.refusal = 9
        book.interest.lost()
        assert book.next() == ("Subscribe", A, B)

    def test_what_an_ended_subscription_held_is_wanted_again_on_its_scale(self, kb):
        """Also what nobody desired by a command: whoever subscribed to it wanted it."""
        channel = Channel(kb, BOOK).open(A, B, use_yes_price=False)
        channel.interest.ended(channel.interest.subscription, [A, B])
        command = channel.interest.next_command(4, None)
        assert (command.market_tickers, command.use_yes_price) == ((A, B), False)
        channel.open(A, B)
        assert channel.next() is None

    def test_and_not_what_was_leaving(self, book):
        book.open(A, B)
        book.interest.release([A])
        book.interest.ended(book.interest.subscription, [A, B])
        assert book.next() == ("Subscribe", B)


def test_the_status_tells_what_is_desired_asked_held_missing_and_refused(kb):
    channel = Channel(kb, BOOK, market_tickers=[A, B, C, "D"]).open(A, "E", sid=3)
    channel.interest.in_flight[7] = frozenset([B])
    channel.interest.refuse(["D"], 100)
    assert channel.interest.status() == kb.ChannelStatus(
        channel=BOOK,
        sid=3,
        is_all=False,
        desired=frozenset([A, B, C, "D"]),
        asked=frozenset([B]),
        held=frozenset([A, "E"]),
        missing=frozenset([C, "D"]),
        refused=frozenset(["D"]),
        refusal=None,
    )
