"""What a client says is read as the published text has it, and what is wrong in it gets the code of its kind."""

import pytest

from frames import A, B
from kalshi_book.messages.vocabulary import ACTIONS, CHANNELS
from kalshi_book.sim.commands import AVAILABLE, BOOK, LISTS, Refused, only_sid, parse, read_subscribe, read_update

ID = "6b1f0c52-0000-4000-8000-000000000001"


def code_of(read, *given):
    with pytest.raises(Refused) as caught:
        read(*given)
    return caught.value.code


class TestEnvelope:
    def test_a_command_has_an_id_a_name_and_params(self):
        for data in ('{"id":7,"cmd":"x","params":{"sids":[1]}}', b' {"params":{"sids":[1]},"cmd":"x","id":7} '):
            command = parse(data)
            assert (command.id, command.cmd, command.params) == (7, "x", {"sids": [1]})

    @pytest.mark.parametrize("id_", ["0", "-1", "null", '"7"', "7.0", "true", "[]", "9223372036854775808"])
    def test_what_is_no_id_is_none(self, id_):
        """AsyncAPI text: 0 is treated as no id."""
        assert parse(f'{{"id":{id_},"cmd":"list_subscriptions"}}').id is None
        assert parse('{"cmd":"list_subscriptions"}').id is None
        assert parse('{"id":9223372036854775807}').id == 2**63 - 1

    @pytest.mark.parametrize(
        "data",
        ["", b"", "{", "[]", "7", "null", b"\xff", '"\\ud800"', '{"id":1,"cmd":"\\ud800"}', "\ud800", "[" * 100_000, "NaN"],
    )
    def test_what_is_no_command_gets_error_1(self, data):
        """AsyncAPI text: 1, unable to process message."""
        assert code_of(parse, data) == 1


class TestSubscribe:
    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({}, 3),
            ({"channels": []}, 3),
            ({"channels": None}, 3),
            ({"channels": [7]}, 11),
            ({"channels": [""]}, 11),
            ({"channels": 7}, 11),
            ({"channels": BOOK}, 11),
            ({"channels": {BOOK: 1}}, 11),
            ({"channels": [BOOK]}, 14),
            ({"channels": [BOOK, "trade"]}, 14),
            ({"channels": [BOOK], "market_tickers": []}, 14),
            ({"channels": [BOOK], "market_ids": [ID]}, 14),
            ({"channels": ["trade"], "market_id": ID}, 14),
            ({"channels": ["ticker", "fill"], "market_ids": [ID]}, 14),
            ({"channels": ["trade"], "market_tickers": []}, 11),
            ({"channels": ["ticker"], "market_ids": []}, 11),
            ({"channels": ["pyth_value"], "underlying_tickers": []}, 11),
            ({"channels": ["cfbenchmarks_value"], "index_ids": []}, 11),
            ({"channels": [BOOK], "market_tickers": A}, 11),
            ({"channels": [BOOK], "market_tickers": [7]}, 11),
            ({"channels": [BOOK], "market_tickers": [""]}, 11),
            ({"channels": [BOOK], "market_ticker": [A]}, 11),
            ({"channels": [BOOK], "market_ticker": A, "market_tickers": [A]}, 11),
            ({"channels": ["ticker"], "market_ticker": A, "market_id": ID}, 11),
            ({"channels": ["trade"], "market_tickers": [A], "index_ids": 7}, 11),
            ({"channels": [BOOK], "market_ticker": A, "use_yes_price": 1}, 11),
            ({"channels": [BOOK], "market_ticker": A, "skip_ticker_ack": None}, 11),
            ({"channels": ["ticker"], "send_initial_snapshot": "true"}, 11),
            ({"channels": ["communications"], "user_filter": "all"}, 11),
            ({"channels": ["communications"], "user_filter": ["self"]}, 11),
            ({"channels": ["communications"], "shard_factor": 0, "shard_key": 0}, 19),
            ({"channels": ["communications"], "shard_key": 0}, 20),
            ({"channels": ["communications"], "shard_factor": 4, "shard_key": 4}, 21),
            ({"channels": ["communications"], "shard_factor": 4, "shard_key": -1}, 21),
            ({"channels": ["communications"], "shard_factor": 101}, 22),
            ({"channels": ["communications"], "shard_factor": "4"}, 11),
            ({"channels": ["communications"], "shard_factor": 4, "shard_key": "1"}, 11),
            ({"channels": ["communications"], "shard_factor": True}, 11),
        ],
    )
    def test_what_cannot_be_is_refused(self, params, code):
        """AsyncAPI text: error codes 3, 11, 14 and 19 to 22, and what each param may be."""
        assert code_of(read_subscribe, params) == code

    def test_names_come_once_and_in_order(self):
        given = read_subscribe({"channels": [BOOK, "trade", BOOK], "market_tickers": [B, A, B]})
        assert (given.channels, given.names) == ([BOOK, "trade"], {"market_tickers": [B, A]})

    @pytest.mark.parametrize(
        ("single", "several"), [({"market_ticker": A}, {"market_tickers": [A]}), ({"market_id": ID}, {"market_ids": [ID]})]
    )
    def test_one_market_may_stand_in_a_field_of_its_own(self, single, several):
        """AsyncAPI text: market_ticker and market_id, for one."""
        assert read_subscribe({"channels": ["ticker"], **single}) == read_subscribe({"channels": ["ticker"], **several})

    def test_what_is_not_said_is_none(self):
        given = read_subscribe({"channels": ["communications"]})
        assert (given.names, given.use_yes_price, given.skip_ticker_ack) == ({}, None, None)
        assert (given.send_initial_snapshot, given.only_own, given.shard) == (False, False, None)

    @pytest.mark.parametrize(
        ("share", "shard"),
        [
            ({"shard_factor": 1, "shard_key": 0}, (1, 0)),
            ({"shard_factor": 100, "shard_key": 99}, (100, 99)),
            ({"shard_factor": 4}, (4, 0)),
        ],
    )
    def test_a_share_of_the_communications(self, share, shard):
        """AsyncAPI text: shard_factor 1 to 100, shard_key from 0 and below it. Silent: a factor alone; the first share."""
        assert read_subscribe({"channels": ["communications"], "user_filter": "self", **share}).shard == shard

    def test_a_share_of_another_channel_is_not_looked_at(self):
        """AsyncAPI text: shards are of the communications channel."""
        assert read_subscribe({"channels": ["trade"], "shard_factor": 0}).shard is None

    def test_markets_named_for_a_channel_of_no_markets_are_not_looked_at(self):
        """AsyncAPI text: its own example subscribes to market_lifecycle_v2 with a ticker, which it does not filter by."""
        given = read_subscribe({"channels": ["market_lifecycle_v2", "communications"], "market_ids": [ID]})
        assert given.names == {"market_ids": [ID]}

    def test_an_unknown_channel_is_left_for_its_own_answer(self):
        assert read_subscribe({"channels": ["nonsense"], "market_ids": [ID]}).channels == ["nonsense"]


class TestUpdate:
    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({}, 12),
            ({"sids": []}, 12),
            ({"sids": [1, 2]}, 12),
            ({"sid": 1, "sids": [1]}, 12),
            ({"sids": 1}, 11),
            ({"sids": None}, 11),
        ],
    )
    def test_exactly_one_sid_is_needed(self, params, code):
        """AsyncAPI text: 12; either sid, or sids with one."""
        assert code_of(only_sid, params) == code
        assert only_sid({"sid": 7}) == only_sid({"sids": [7]}) == 7

    @pytest.mark.parametrize(
        ("channel", "params", "code"),
        [
            (BOOK, {}, 15),
            (BOOK, {"action": ""}, 15),
            (BOOK, {"action": ["add_markets"]}, 13),
            (BOOK, {"action": "resync", "market_ticker": A}, 13),
            (BOOK, {"action": "subscribe_indices", "index_ids": ["BRTI"]}, 13),
            ("trade", {"action": "get_snapshot", "market_tickers": [A]}, 13),
            ("market_lifecycle_v2", {"action": "add_markets", "market_tickers": [A]}, 13),
            (BOOK, {"action": "add_markets"}, 14),
            (BOOK, {"action": "add_markets", "market_tickers": []}, 14),
            (BOOK, {"action": "add_markets", "market_ids": [ID]}, 14),
            (BOOK, {"action": "get_snapshot"}, 14),
            (BOOK, {"action": "get_snapshot", "market_ticker": A}, 14),
            (BOOK, {"action": "get_snapshot", "market_tickers": []}, 14),
            (BOOK, {"action": "get_snapshot", "market_tickers": [""]}, 11),
            (BOOK, {"action": "delete_markets", "market_tickers": [A, 7]}, 11),
            ("ticker", {"action": "add_markets", "market_ticker": A, "market_id": ID}, 11),
            ("ticker", {"action": "add_markets", "market_ticker": A, "send_initial_snapshot": 1}, 11),
            ("cfbenchmarks_value", {"action": "subscribe_indices"}, 24),
            ("cfbenchmarks_value_5hz", {"action": "unsubscribe_indices", "index_ids": []}, 24),
            ("pyth_value", {"action": "unsubscribe_underlyings"}, 28),
            ("pyth_value", {"action": "indexlist"}, 13),
        ],
    )
    def test_what_cannot_be_is_refused(self, channel, params, code):
        """AsyncAPI text: error codes 11, 13, 14, 15, 24 and 28."""
        assert code_of(read_update, params, channel) == code

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_each_action_belongs_to_the_channels_that_know_it(self, channel):
        """AsyncAPI text: the actions that each channel supports."""
        every = {"market_tickers": [A], "index_ids": ["BRTI"], "underlying_tickers": ["FX.EUR/USD"]}
        known = {action for action in ACTIONS if not _is_refused(channel, {"action": action, **every})}
        noun = {"cfbenchmarks_value": "ind", "cfbenchmarks_value_5hz": "ind", "pyth_value": "underlying"}.get(
            channel, "markets"
        )
        wanted = {action for action in ACTIONS if noun in action} if LISTS[channel] else set()
        assert known == wanted | ({"get_snapshot"} if channel == BOOK else set())

    def test_what_there_is_to_be_had_is_told(self):
        assert read_update({"action": "indexlist"}, "cfbenchmarks_value_5hz").names == list(
            AVAILABLE["cfbenchmarks_value_5hz"]
        )

    def test_an_update_says_what_it_does_with_which_names(self):
        update = read_update({"action": "add_markets", "market_id": ID, "send_initial_snapshot": True}, "ticker")
        assert (update.what, update.kind, update.names, update.send_initial_snapshot) == ("add", "market_ids", [ID], True)
        update = read_update({"action": "delete_markets", "market_tickers": [A, B, A]}, BOOK)
        assert (update.what, update.kind, update.names, update.send_initial_snapshot) == (
            "remove",
            "market_tickers",
            [A, B],
            False,
        )


def _is_refused(channel, params):
    try:
        read_update(params, channel)
    except Refused as refused:
        assert refused.code == 13
        return True
    return False
