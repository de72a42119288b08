"""What a client may say, byte for byte, and everything that the exchange would refuse (AsyncAPI text, read 2026-10-26)."""

import copy
import json
import pickle

import pytest

from exchange import Exchange
from frames import A, B
from implementations import part
from kalshi_book.messages.vocabulary import ACTIONS, CHANNELS

BOOK = "orderbook_delta"
SUBSCRIBE, UNSUBSCRIBE, UPDATE = "subscribe", "unsubscribe", "update_subscription"


def commands(kb):
    return {
        "subscribe": kb.Subscribe,
        "unsubscribe": kb.Unsubscribe,
        "update_subscription": kb.UpdateSubscription,
        "list_subscriptions": kb.ListSubscriptions,
    }


WRITTEN = [
    (
        SUBSCRIBE,
        {"channels": [BOOK], "market_tickers": [A, B]},
        f'{{"channels":["{BOOK}"],"market_tickers":["{A}","{B}"],"use_yes_price":true}}',
    ),
    (
        SUBSCRIBE,
        {"channels": [BOOK], "market_tickers": [A], "use_yes_price": False, "skip_ticker_ack": True},
        f'{{"channels":["{BOOK}"],"market_tickers":["{A}"],"use_yes_price":false,"skip_ticker_ack":true}}',
    ),
    (
        SUBSCRIBE,
        {"channels": ["trade", BOOK], "market_tickers": [A]},
        f'{{"channels":["trade","{BOOK}"],"market_tickers":["{A}"],"use_yes_price":true}}',
    ),
    (SUBSCRIBE, {"channels": ["fill", "user_orders"]}, '{"channels":["fill","user_orders"]}'),
    (SUBSCRIBE, {"channels": ["trade"], "use_yes_price": False}, '{"channels":["trade"]}'),
    (
        SUBSCRIBE,
        {"channels": ["ticker"], "market_ids": ["m1"], "send_initial_snapshot": True},
        '{"channels":["ticker"],"market_ids":["m1"],"send_initial_snapshot":true}',
    ),
    (
        SUBSCRIBE,
        {"channels": ["communications"], "user_filter": "self", "shard_factor": 100, "shard_key": 0},
        '{"channels":["communications"],"user_filter":"self","shard_factor":100,"shard_key":0}',
    ),
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": 1}, '{"channels":["communications"],"shard_factor":1}'),
    (
        SUBSCRIBE,
        {"channels": ["cfbenchmarks_value", "cfbenchmarks_value_5hz"], "index_ids": ["BRTI"]},
        '{"channels":["cfbenchmarks_value","cfbenchmarks_value_5hz"],"index_ids":["BRTI"]}',
    ),
    (SUBSCRIBE, {"channels": ["cfbenchmarks_value"]}, '{"channels":["cfbenchmarks_value"]}'),
    (
        SUBSCRIBE,
        {"channels": ["pyth_value"], "underlying_tickers": ["all"]},
        '{"channels":["pyth_value"],"underlying_tickers":["all"]}',
    ),
    (UNSUBSCRIBE, {"sids": [3, 1, 3]}, '{"sids":[3,1]}'),
    (
        UPDATE,
        {"action": "add_markets", "sid": 2, "market_tickers": [A]},
        f'{{"action":"add_markets","sid":2,"market_tickers":["{A}"]}}',
    ),
    (
        UPDATE,
        {"action": "add_markets", "sids": [2], "market_ids": ["m1"], "send_initial_snapshot": True},
        '{"action":"add_markets","sid":2,"market_ids":["m1"],"send_initial_snapshot":true}',
    ),
    (
        UPDATE,
        {"action": "delete_markets", "sid": 2, "market_ids": ["m1"]},
        '{"action":"delete_markets","sid":2,"market_ids":["m1"]}',
    ),
    (
        UPDATE,
        {"action": "get_snapshot", "sid": 2, "market_tickers": [A]},
        f'{{"action":"get_snapshot","sid":2,"market_tickers":["{A}"]}}',
    ),
    (
        UPDATE,
        {"action": "subscribe_indices", "sid": 2, "index_ids": ["BRTI"]},
        '{"action":"subscribe_indices","sid":2,"index_ids":["BRTI"]}',
    ),
    (
        UPDATE,
        {"action": "unsubscribe_indices", "sid": 2, "index_ids": ["BRTI"]},
        '{"action":"unsubscribe_indices","sid":2,"index_ids":["BRTI"]}',
    ),
    (UPDATE, {"action": "indexlist", "sid": 2}, '{"action":"indexlist","sid":2}'),
    (
        UPDATE,
        {"action": "subscribe_underlyings", "sid": 2, "underlying_tickers": ["Metal.XAU/USD"]},
        '{"action":"subscribe_underlyings","sid":2,"underlying_tickers":["Metal.XAU/USD"]}',
    ),
    (
        UPDATE,
        {"action": "unsubscribe_underlyings", "sid": 2, "underlying_tickers": ["all"]},
        '{"action":"unsubscribe_underlyings","sid":2,"underlying_tickers":["all"]}',
    ),
    (UPDATE, {"action": "underlying_list", "sid": 2}, '{"action":"underlying_list","sid":2}'),
]


@pytest.mark.parametrize(("cmd", "given", "params"), WRITTEN)
def test_a_command_is_written_as_the_exchange_reads_it(kb, cmd, given, params):
    data = commands(kb)[cmd](**given).encode(7)
    assert data.decode() == f'{{"id":7,"cmd":"{cmd}","params":{params}}}'


def test_list_subscriptions_has_no_params(kb):
    assert kb.ListSubscriptions().encode(9) == b'{"id":9,"cmd":"list_subscriptions"}'


def test_every_action_is_written_here():
    assert {given["action"] for _, given, _ in WRITTEN if "action" in given} == ACTIONS


@pytest.mark.parametrize(("cmd", "given", "params"), WRITTEN)
def test_the_exchange_takes_what_can_be_made(kb, cmd, given, params):
    """An update is for a sid that is there and of a channel that knows the action."""
    action = given.get("action", "")
    by_action = {"indices": "cfbenchmarks_value", "indexlist": "cfbenchmarks_value", "underlying": "pyth_value"}
    second = next((channel for word, channel in by_action.items() if word in action), None)
    second = second or ("ticker" if "market_ids" in given else BOOK)
    exchange = Exchange(A, B)
    exchange.connect()
    for channel in ("market_lifecycle_v2", second, "user_orders"):
        named = {"market_tickers": [B]} if channel == BOOK else {"market_ids": ["m2"]} if channel == "ticker" else {}
        exchange.command(json.dumps({"id": 1, "cmd": SUBSCRIBE, "params": {"channels": [channel], **named}}))
    exchange.outbox.clear()
    exchange.command(commands(kb)[cmd](**given).encode(7))
    assert {json.loads(frame)["type"] for frame in exchange.outbox}.isdisjoint({"error"})


@pytest.mark.parametrize("use_yes_price", [True, False])
def test_the_price_scale_is_always_said_with_the_book_and_never_without(kb, use_yes_price):
    """The default false will flip to true one day: what is not said cannot be known (F13)."""
    for channels in ([BOOK], ["trade", BOOK], ["trade"]):
        made = kb.Subscribe(channels=channels, market_tickers=[A], use_yes_price=use_yes_price)
        params = json.loads(made.encode(1))["params"]
        assert params.get("use_yes_price", "unsaid") is (use_yes_price if BOOK in channels else "unsaid")


CHANNEL_NAMES = ", ".join(CHANNELS)

ONE_SID = "an update names exactly one subscription: sid=, or sids= with one"
NO_BOOK_OF_ALL = f"{BOOK} needs market_tickers: there is no book of all markets"

REFUSED = [
    # A subscribe: its channels.
    (SUBSCRIBE, {"channels": []}, 3, "a subscribe names at least one channel"),
    (SUBSCRIBE, {"channels": ["ticker_v2"]}, 8, "the channel ticker_v2 is gone: subscribe to ticker"),
    (
        SUBSCRIBE,
        {"channels": ["market_lifecycle"]},
        8,
        "the channel market_lifecycle is gone: subscribe to market_lifecycle_v2",
    ),
    (SUBSCRIBE, {"channels": ["market_position"]}, 8, "the channel market_position is gone: subscribe to market_positions"),
    (SUBSCRIBE, {"channels": ["multivariate"]}, 8, "the channel multivariate is gone, and no other took its place"),
    (SUBSCRIBE, {"channels": ["trade", "zz"]}, 8, f"there is no channel 'zz'; the channels are {CHANNEL_NAMES}"),
    # Its markets.
    (SUBSCRIBE, {"channels": [BOOK]}, 14, NO_BOOK_OF_ALL),
    (SUBSCRIBE, {"channels": ["trade", BOOK]}, 14, NO_BOOK_OF_ALL),
    (SUBSCRIBE, {"channels": [BOOK], "market_tickers": []}, 14, NO_BOOK_OF_ALL),
    (
        SUBSCRIBE,
        {"channels": [BOOK], "market_ids": ["m1"]},
        14,
        f"{BOOK} takes no market_ids: name its markets by market_tickers",
    ),
    (
        SUBSCRIBE,
        {"channels": ["ticker"], "market_tickers": [A], "market_ids": ["m1"]},
        11,
        "a subscribe names markets by market_tickers or by market_ids, not both",
    ),
    (SUBSCRIBE, {"channels": ["trade"], "market_tickers": [""]}, 11, "market_tickers has an empty name in it"),
    # Its shard.
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": 0}, 19, "shard_factor is 1 to 100, not 0"),
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": 101}, 22, "shard_factor is 1 to 100, not 101"),
    (SUBSCRIBE, {"channels": ["communications"], "shard_key": 0}, 20, "shard_key needs shard_factor"),
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": 4, "shard_key": 4}, 21, "shard_key is 0 to 3, not 4"),
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": 4, "shard_key": -1}, 21, "shard_key is 0 to 3, not -1"),
    # An unsubscribe.
    (UNSUBSCRIBE, {"sids": []}, 4, "an unsubscribe names at least one sid"),
    (UNSUBSCRIBE, {"sids": [0]}, 7, "sids is 1 to 9223372036854775807, not 0"),
    # An update: its sid.
    (UPDATE, {"action": "indexlist"}, 12, ONE_SID),
    (UPDATE, {"action": "indexlist", "sids": []}, 12, ONE_SID),
    (UPDATE, {"action": "indexlist", "sids": [1, 2]}, 12, ONE_SID),
    (UPDATE, {"action": "indexlist", "sid": 1, "sids": [1]}, 12, ONE_SID),
    (UPDATE, {"action": "indexlist", "sid": 0}, 7, "sid is 1 to 9223372036854775807, not 0"),
    # Its action.
    (UPDATE, {"action": "", "sid": 1}, 15, "'' is no action of update_subscription"),
    (UPDATE, {"action": None, "sid": 1}, 15, "None is no action of update_subscription"),
    (UPDATE, {"action": "resync", "sid": 1}, 13, "'resync' is no action of update_subscription"),
    (UPDATE, {"action": 5, "sid": 1}, 13, "5 is no action of update_subscription"),
    # What it names.
    *(
        (UPDATE, {"action": action, "sid": 1}, 14, f"{action} needs market_tickers")
        for action in ("add_markets", "delete_markets", "get_snapshot")
    ),
    (UPDATE, {"action": "get_snapshot", "sid": 1, "market_ids": ["m1"]}, 14, "get_snapshot needs market_tickers"),
    (
        UPDATE,
        {"action": "add_markets", "sid": 2, "market_tickers": [A], "market_ids": ["m1"]},
        11,
        "add_markets names markets by market_tickers or by market_ids, not both",
    ),
    (UPDATE, {"action": "subscribe_indices", "sid": 3}, 24, "subscribe_indices needs index_ids"),
    (UPDATE, {"action": "unsubscribe_indices", "sid": 3}, 24, "unsubscribe_indices needs index_ids"),
    (UPDATE, {"action": "subscribe_underlyings", "sid": 4}, 28, "subscribe_underlyings needs underlying_tickers"),
    (UPDATE, {"action": "unsubscribe_underlyings", "sid": 4}, 28, "unsubscribe_underlyings needs underlying_tickers"),
]


@pytest.mark.parametrize(("cmd", "given", "code", "text"), REFUSED)
def test_what_the_exchange_would_refuse_cannot_be_made(kb, cmd, given, code, text):
    with pytest.raises(kb.UsageError) as raised:
        commands(kb)[cmd](**given)
    assert str(raised.value) == f"{text} (the exchange would answer with error {code})"


@pytest.mark.parametrize(("cmd", "given", "code", "text"), REFUSED)
def test_and_the_exchange_does_refuse_it_with_that_code(cmd, given, code, text):
    exchange = Exchange(A)
    exchange.connect()
    for channel in (BOOK, "ticker", "cfbenchmarks_value", "pyth_value"):
        named = {"market_tickers": [A]} if channel in (BOOK, "ticker") else {}
        exchange.command(json.dumps({"id": 1, "cmd": SUBSCRIBE, "params": {"channels": [channel], **named}}))
    exchange.outbox.clear()
    exchange.command(json.dumps({"id": 7, "cmd": cmd, "params": given}))
    assert [frame["msg"]["code"] for frame in map(json.loads, exchange.outbox) if frame["type"] == "error"] == [code]


SENSELESS = [
    (
        SUBSCRIBE,
        {"channels": ["trade"], "market_tickers": [f"T{n}" for n in range(501)]},
        "a command names at most 500 of market_tickers, not 501: send several",
    ),
    (
        SUBSCRIBE,
        {"channels": ["market_lifecycle_v2"], "market_tickers": [A]},
        "market_lifecycle_v2 cannot be limited to markets: leave market_tickers out",
    ),
    (
        SUBSCRIBE,
        {"channels": ["trade", "communications"], "market_tickers": [A]},
        "communications cannot be limited to markets: leave market_tickers out",
    ),
    (
        SUBSCRIBE,
        {"channels": ["ticker", "trade"], "send_initial_snapshot": True},
        "send_initial_snapshot is for ticker alone: subscribe to trade apart",
    ),
    (
        SUBSCRIBE,
        {"channels": ["trade", "fill"], "user_filter": "self"},
        "user_filter is for communications alone: subscribe to trade, fill apart",
    ),
    (SUBSCRIBE, {"channels": ["communications"], "user_filter": "me"}, 'user_filter is "" or "self", not \'me\''),
    (
        SUBSCRIBE,
        {"channels": ["trade"], "shard_factor": 2},
        "shard_factor is for communications alone: subscribe to trade apart",
    ),
    (SUBSCRIBE, {"channels": ["trade"], "shard_key": 0}, "shard_key is for communications alone: subscribe to trade apart"),
    (
        SUBSCRIBE,
        {"channels": ["cfbenchmarks_value", "trade"], "index_ids": ["BRTI"]},
        "index_ids is for cfbenchmarks_value and cfbenchmarks_value_5hz alone: subscribe to trade apart",
    ),
    (
        SUBSCRIBE,
        {"channels": ["trade"], "underlying_tickers": ["all"]},
        "underlying_tickers is for pyth_value alone: subscribe to trade apart",
    ),
    (UPDATE, {"action": "indexlist", "sid": 1, "market_tickers": [A]}, "indexlist takes no market_tickers and market_ids"),
    (
        UPDATE,
        {"action": "subscribe_indices", "sid": 1, "index_ids": ["BRTI"], "market_ids": ["m1"]},
        "subscribe_indices takes no market_tickers and market_ids",
    ),
    (
        UPDATE,
        {"action": "delete_markets", "sid": 1, "market_tickers": [A], "send_initial_snapshot": True},
        "delete_markets takes no send_initial_snapshot",
    ),
    (UPDATE, {"action": "indexlist", "sid": 1, "index_ids": ["BRTI"]}, "indexlist takes no index_ids"),
    (
        UPDATE,
        {"action": "underlying_list", "sid": 1, "underlying_tickers": ["all"]},
        "underlying_list takes no underlying_tickers",
    ),
    (
        UPDATE,
        {"action": "get_snapshot", "sid": 1, "market_tickers": [f"T{n}" for n in range(501)]},
        "a command names at most 500 of market_tickers, not 501: send several",
    ),
]


@pytest.mark.parametrize(("cmd", "given", "text"), SENSELESS)
def test_what_makes_no_sense_together_is_an_invalid_parameter(kb, cmd, given, text):
    """Which of these the exchange lets pass without a word, its text does not say."""
    with pytest.raises(kb.UsageError) as raised:
        commands(kb)[cmd](**given)
    assert str(raised.value) == f"{text} (the exchange would answer with error 11)"


WRONG_TYPES = [
    (SUBSCRIBE, {"channels": BOOK}, 'channels must be a list of names, such as ["channels"], not one text'),
    (SUBSCRIBE, {"channels": b"trade"}, 'channels must be a list of names, such as ["channels"], not one text'),
    (
        SUBSCRIBE,
        {"channels": ["trade"], "market_tickers": A},
        'market_tickers must be a list of names, such as ["market_tickers"], not one text',
    ),
    (
        SUBSCRIBE,
        {"channels": ["trade"], "market_tickers": [A, 5]},
        "market_tickers must be a list of texts, and has int in it",
    ),
    (SUBSCRIBE, {"channels": ["trade"], "market_tickers": None}, "market_tickers must be a list of texts, not NoneType"),
    (
        SUBSCRIBE,
        {"channels": ["trade"], "market_tickers": [[A]]},
        "market_tickers must be a list of texts, and has list in it",
    ),
    (SUBSCRIBE, {"channels": [BOOK], "market_tickers": [A], "use_yes_price": 1}, "use_yes_price must be bool, not int"),
    (
        SUBSCRIBE,
        {"channels": [BOOK], "market_tickers": [A], "use_yes_price": "false"},
        "use_yes_price must be bool, not str",
    ),
    (SUBSCRIBE, {"channels": ["trade"], "skip_ticker_ack": None}, "skip_ticker_ack must be bool, not NoneType"),
    (SUBSCRIBE, {"channels": ["ticker"], "send_initial_snapshot": "yes"}, "send_initial_snapshot must be bool, not str"),
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": "4"}, "shard_factor must be int, not str"),
    (SUBSCRIBE, {"channels": ["communications"], "shard_factor": 4, "shard_key": True}, "shard_key must be int, not bool"),
    (UNSUBSCRIBE, {"sids": 1}, "sids must be a list of subscription ids, not int"),
    (UNSUBSCRIBE, {"sids": "1"}, "sids must be a list of subscription ids, not str"),
    (UNSUBSCRIBE, {"sids": None}, "sids must be a list of subscription ids, not NoneType"),
    (UNSUBSCRIBE, {"sids": ["1"]}, "sids must be int, not str"),
    (UNSUBSCRIBE, {"sids": [True]}, "sids must be int, not bool"),
    (UNSUBSCRIBE, {"sids": [None]}, "sids must be int, not NoneType"),
    (UPDATE, {"action": "indexlist", "sid": "1"}, "sid must be int, not str"),
    (UPDATE, {"action": "indexlist", "sid": 1.0}, "sid must be int, not float"),
    (
        UPDATE,
        {"action": "add_markets", "sid": 1, "market_ids": ["m1"], "send_initial_snapshot": 1},
        "send_initial_snapshot must be bool, not int",
    ),
    ("list_subscriptions", {"id": "1"}, "id must be int, not str"),
    ("list_subscriptions", {"id": True}, "id must be int, not bool"),
]


@pytest.mark.parametrize(("cmd", "given", "text"), WRONG_TYPES)
def test_a_wrong_type_is_a_type_error_that_says_which_is_right(kb, cmd, given, text):
    with pytest.raises(TypeError) as raised:
        commands(kb)[cmd](**given)
    assert str(raised.value) == text


def test_a_command_of_500_markets_can_be_made_and_duplicates_do_not_count(kb):
    """500 in one command were observed to work."""
    tickers = [f"T{number}" for number in range(500)]
    made = kb.Subscribe(channels=["trade", "trade"], market_tickers=tickers * 2)
    assert (made.channels, made.market_tickers) == (("trade",), tuple(tickers))


@pytest.mark.parametrize("make", [list, tuple, dict.fromkeys, iter])
def test_names_are_taken_from_anything_that_gives_them_in_order(kb, make):
    assert kb.Subscribe(channels=["trade"], market_tickers=make([A, B])).market_tickers == (A, B)


class TestId:
    def test_a_command_has_none_of_its_own_and_takes_the_one_that_is_passed(self, kb):
        made = kb.ListSubscriptions()
        assert (made.id, made.purpose, made.epoch) == (None, "asked", None)
        assert json.loads(made.encode(3))["id"] == 3
        assert made.id is None

    def test_its_own_wins(self, kb):
        assert json.loads(kb.ListSubscriptions(id=5).encode(3))["id"] == 5

    @pytest.mark.parametrize("number", [1, 2**63 - 1])
    def test_it_is_a_whole_number_from_1(self, kb, number):
        assert kb.ListSubscriptions(id=number).id == number

    @pytest.mark.parametrize("number", [0, -1, 2**63])
    def test_0_means_none_on_the_wire_and_is_refused(self, kb, number):
        text = f"id is 1 to 9223372036854775807, not {number} (the exchange would answer with error 1)"
        with pytest.raises(kb.UsageError) as raised:
            kb.ListSubscriptions(id=number)
        assert str(raised.value) == text
        with pytest.raises(kb.UsageError) as raised:
            kb.ListSubscriptions().encode(number)
        assert str(raised.value) == text

    def test_a_command_without_one_cannot_be_written(self, kb):
        with pytest.raises(kb.UsageError) as raised:
            kb.Unsubscribe(sids=[1]).encode()
        assert str(raised.value) == "a command needs an id to be answered by: pass id=, or let Feed.send give it one"


class TestValue:
    @pytest.mark.parametrize(("cmd", "given", "params"), WRITTEN)
    def test_a_command_never_changes(self, kb, cmd, given, params):
        made = commands(kb)[cmd](**given)
        for name in made.__struct_fields__:
            with pytest.raises(AttributeError):
                setattr(made, name, getattr(made, name))

    def test_a_list_that_changes_afterwards_does_not_change_it(self, kb):
        tickers = [A]
        made = kb.Subscribe(channels=[BOOK], market_tickers=tickers)
        tickers.append(B)
        assert made.market_tickers == (A,)

    @pytest.mark.parametrize(("cmd", "given", "params"), WRITTEN)
    def test_equal_commands_are_equal_and_survive_a_copy(self, kb, cmd, given, params):
        made = commands(kb)[cmd](**given)
        for other in (commands(kb)[cmd](**given), copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert other == made
            assert hash(other) == hash(made)

    def test_the_one_sid_of_a_list_is_the_sid(self, kb):
        made = kb.UpdateSubscription(action="indexlist", sids=[4])
        assert (made.sid, made.sids) == (4, ())
        assert made == kb.UpdateSubscription(action="indexlist", sid=4)

    def test_arguments_are_passed_by_name(self, kb):
        with pytest.raises(TypeError):
            kb.Subscribe([BOOK], [A])
        with pytest.raises(TypeError):
            kb.Unsubscribe([1])

    def test_the_purpose_and_the_connection_are_not_on_the_wire(self, kb):
        plain = kb.Unsubscribe(sids=[1])
        assert kb.Unsubscribe(sids=[1], purpose="recovery", epoch=4).encode(1) == plain.encode(1)


def test_a_channel_that_can_be_subscribed_to_passes(kb):
    check = part(kb, "messages.commands").check_channel
    assert [check(name) for name in CHANNELS] == [None] * len(CHANNELS)
