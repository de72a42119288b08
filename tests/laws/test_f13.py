"""F13: inside, every NO level is on the NO scale, whatever scale the subscription asked for.

The scale belongs to the subscription: the registered subscribe sets it; where there is none, the constructor does.
"""

import pytest

from frames import ERAS, NO, START, YES, A, B, delta, error, levels, receive_all, snapshot, subscribed, unsubscribed

FLIPPED = [("0.4500", "40.00"), ("0.4400", "310.00")]


@pytest.fixture
def yes_scale(kb):
    """A feed whose NO side arrives on the YES scale."""
    return kb.Feed(use_yes_price=True)


@pytest.mark.parametrize("era", ERAS)
def test_the_same_book_comes_of_both_scales(kb, era):
    plain, flipped = kb.Feed(), kb.Feed(use_yes_price=True)
    receive_all(plain, snapshot(A, YES, NO, era=era), delta(A, "no", "0.5600", "-10.00", era=era))
    receive_all(flipped, snapshot(A, YES, FLIPPED, era=era), delta(A, "no", "0.4400", "-10.00", era=era))
    assert plain.books[A].checksum() == flipped.books[A].checksum()
    assert levels(flipped.books[A])["no"] == {5500: 4000, 5600: 30000}


def test_yes_prices_are_never_flipped(yes_scale):
    receive_all(yes_scale, snapshot(A, YES, FLIPPED), delta(A, "yes", "0.4300", "1.00"))
    assert levels(yes_scale.books[A])["yes"] == {**START["yes"], 4300: 100}


def test_the_update_tells_a_no_price_on_the_no_scale(yes_scale):
    yes_scale.receive(snapshot(A, YES, FLIPPED))
    update = yes_scale.receive(delta(A, "no", "0.4400", "1.00"))
    assert (update.outcome_side, update.price_e4, update.size_e2, update.top_changed) == ("no", 5600, 31100, True)
    assert update.message.price_e4 == 4400


@pytest.mark.parametrize(("wire", "inside"), [("0.0001", 9999), ("0.9999", 1), ("0.5000", 5000)])
def test_the_flip_is_exact_at_both_ends(yes_scale, wire, inside):
    receive_all(yes_scale, snapshot(A, [], []), delta(A, "no", wire, "1.00"))
    assert levels(yes_scale.books[A])["no"] == {inside: 100}


def test_levels_on_the_yes_scale_may_come_in_any_order_and_not_twice(kb, yes_scale):
    assert receive_all(yes_scale, snapshot(A, [], FLIPPED[::-1])) == ["applied"]
    assert levels(yes_scale.books[A])["no"] == START["no"]
    twice = yes_scale.receive(snapshot(A, [], [("0.44", "1.00"), ("0.4400", "1.00")], seq=2))
    assert twice.error.reason == "no level 1: expected each price once, found price_e4=4400 again"


def test_a_misread_scale_crosses_or_not_and_is_no_guard(kb):
    """Read with the wrong flag, a real book did not cross: the flag has to be remembered, not guessed."""
    feed = kb.Feed()
    assert receive_all(feed, snapshot(A, [("0.2000", "1.00")], [("0.3000", "1.00")])) == ["applied"]
    assert feed.books[A].best_yes_ask_e4() == 7000


def test_a_message_by_hand_takes_the_flag_itself(kb):
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, YES, FLIPPED)), use_yes_price=True)
    book.apply(kb.decode(delta(A, "no", "0.4400", "5.00")), use_yes_price=True)
    assert levels(book)["no"] == {5500: 4000, 5600: 31500}


class TestRegisteredSubscribe:
    @pytest.mark.parametrize("scale", [True, False])
    @pytest.mark.parametrize("of_the_feed", [True, False])
    def test_its_scale_holds_and_not_the_constructors(self, kb, scale, of_the_feed):
        feed = kb.Feed(use_yes_price=of_the_feed)
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A], use_yes_price=scale))
        receive_all(feed, subscribed(), snapshot(A, YES, FLIPPED if scale else NO))
        assert levels(feed.books[A]) == START

    def test_it_holds_for_data_that_come_before_subscribed(self, kb, feed):
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A]))
        receive_all(feed, snapshot(A, YES, FLIPPED, seq=1), subscribed(), delta(A, "no", "0.4400", "1.00", seq=2))
        assert levels(feed.books[A])["no"] == {5500: 4000, 5600: 31100}

    @pytest.mark.parametrize("scale", [True, False])
    @pytest.mark.parametrize("is_answered", [True, False])
    def test_another_value_is_refused_before_anything_changes(self, kb, feed, scale, is_answered):
        """Nothing in a frame says which scale it is on."""
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A], use_yes_price=scale))
        if is_answered:
            feed.receive(subscribed())
        before = feed.subscriptions, feed.pending, list(feed.books)
        other = kb.Subscribe(channels=["trade", "orderbook_delta"], market_tickers=[B], use_yes_price=not scale)
        for call in (
            lambda: feed.send(other),
            lambda: feed.subscribe("orderbook_delta", market_tickers=[B], use_yes_price=not scale),
        ):
            with pytest.raises(kb.UsageError) as raised:
                call()
            assert str(raised.value) == (
                f"orderbook_delta is subscribed with use_yes_price={scale}, and nothing in a frame says which scale it is "
                f"on: pass use_yes_price={scale}, or unsubscribe first"
            )
        assert (feed.subscriptions, feed.pending, list(feed.books)) == before
        assert feed.next_command_id == 2

    def test_the_same_value_is_merged(self, kb, feed):
        for ticker in (A, B):
            feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[ticker], use_yes_price=False))
        assert feed.subscriptions["orderbook_delta"].desired == {A, B}

    def test_a_subscription_that_no_command_made_has_the_scale_of_the_constructor(self, kb, feed):
        receive_all(feed, subscribed(command_id=0), snapshot(A, YES, NO))
        with pytest.raises(kb.UsageError, match="is subscribed with use_yes_price=False"):
            feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[B]))
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[B], use_yes_price=False))

    def test_after_unsubscribed_the_scale_is_free_again(self, kb, feed):
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A], use_yes_price=False))
        receive_all(feed, subscribed(), snapshot(A, YES, NO, seq=1))
        feed.send(kb.Unsubscribe(sids=[1]))
        feed.receive(unsubscribed(1, seq=2, command_id=2))
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A]))
        receive_all(feed, subscribed(2, command_id=3), snapshot(A, YES, FLIPPED, sid=2))
        assert levels(feed.books[A]) == START

    def test_until_unsubscribed_it_is_not(self, kb, feed):
        """The merge would be into the subscription that is still there, on its own scale."""
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A], use_yes_price=False))
        feed.receive(subscribed())
        feed.send(kb.Unsubscribe(sids=[1]))
        with pytest.raises(kb.UsageError, match="is subscribed with use_yes_price=False"):
            feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A]))

    def test_a_desired_scale_outlives_the_connection_and_a_terminal_error(self, kb, feed):
        feed.subscribe("orderbook_delta", market_tickers=[A], use_yes_price=False)
        for _connection in range(2):
            for sid in (1, 2):
                (command,) = feed.wanted()
                assert command.use_yes_price is False
                feed.send(command)
                receive_all(feed, subscribed(sid, command_id=sid), snapshot(A, YES, NO, sid=sid), error(25, sid=sid, seq=2))
                assert levels(feed.books[A]) == START
            feed.opened()


def test_data_that_came_before_a_subscribed_of_another_scale_is_not_believed(kb, feed):
    """A late answer to a command that was given up: what was read on the scale of a newer one was misread."""
    feed.advance(0)
    feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A], use_yes_price=False))
    feed.unsubscribe("orderbook_delta")
    feed.advance(12_000_000_000)
    feed.send(*feed.wanted())  # which channels are open?
    feed.receive(b'{"id":2,"type":"ok","msg":[]}')
    feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A], use_yes_price=True))
    feed.receive(snapshot(A))
    assert feed.receive(subscribed(1, command_id=1)).effect is kb.Effect.BACKWARDS
    assert feed.books[A].stale_reason == "backwards"
    feed.receive(snapshot(A, seq=1))
    assert levels(feed.books[A]) == START
