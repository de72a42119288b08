"""``kalshi-book drift``: every kind of drift, planted in a small specification of our own making that has none."""

import copy
import gzip
import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from kalshi_book import TapeError, UsageError
from kalshi_book.cli import drift
from kalshi_book.cli.main import main
from kalshi_book.cli.published import Published
from kalshi_book.messages.vocabulary import ACTIONS, CHANNELS, COMMANDS, ERROR_CODES, PERPS_ACTIONS, PERPS_CHANNELS

SPEC = os.environ.get("KALSHI_BOOK_SPEC")
NO_SPEC = "KALSHI_BOOK_SPEC names no folder with asyncapi.yaml.gz and perps_asyncapi.yaml.gz"

TYPE_OF_CHANNEL = {"orderbook_delta": "orderbook_delta", "trade": "trade", "corporate_actions": "corporate_actions_delta"}


def schema_of(known):
    """Write the schema of a message from the fields that we read: all there, all required, as we read them."""
    root = {"type": "object", "properties": {}, "required": []}
    for path, read in known.items():
        *above, name = path.split(".")
        place = root
        for step in above:
            if step.endswith("[]"):
                place = place["properties"][step.removesuffix("[]")].setdefault("items", _object())
            else:
                place = place["properties"].setdefault(step, _object())
        if name not in place["properties"]:
            place["properties"][name] = _object() if "object" in read.types else {"type": sorted(read.types)[0]}
        place["required"].append(name)
    return root


def _object():
    return {"type": "object", "properties": {}, "required": []}


def command(name, params):
    required = sorted(COMMANDS[name])
    properties = {"cmd": {"type": "string", "const": name}, "params": {"properties": params, "required": required}}
    return {"type": "object", "properties": properties, "required": ["cmd"]}


@pytest.fixture(params=["events", "perps"])
def venue(request):
    return request.param


@pytest.fixture
def spec(venue):
    """A specification that says exactly what we read."""
    channels, actions = (PERPS_CHANNELS, PERPS_ACTIONS) if venue == "perps" else (CHANNELS, ACTIONS)
    schemas = {}
    for type_, known in drift.known_types(venue).items():
        if type_ not in drift.OLDER_TYPES:
            known = {path: read for path, read in known.items() if (type_, path) not in drift.OLDER_FIELDS}
            if type_ == "ok":
                known = {path: read for path, read in known.items() if "[]" not in path}
            schemas[type_] = schema_of(known)
            schemas[type_]["properties"]["type"] = {"type": "string", "const": type_}
    listed = {"type": "array", "items": _object()}
    listed["items"]["properties"] = {"channel": {"type": "string"}, "sid": {"type": "integer"}}
    schemas["list"] = {"properties": {"type": {"const": "ok"}, "msg": listed}}
    missing = drift.MISSING_CODES[venue]
    codes = [code for code, error in ERROR_CODES.items() if not error.is_retired and code not in missing]
    schemas["error"]["properties"]["msg"]["properties"]["code"]["enum"] = codes
    names = {"type": "array", "items": {"type": "string", "enum": list(channels)}}
    schemas["subscribe"] = command("subscribe", {"channels": names})
    schemas["update"] = command("update_subscription", {"action": {"type": "string", "enum": sorted(actions)}})
    schemas["unsubscribe"] = command("unsubscribe", {})
    schemas["list_subscriptions"] = command("list_subscriptions", {})
    messages = {name: {"payload": {"$ref": f"#/components/schemas/{name}"}} for name in schemas}
    messages["ping"] = {"payload": {"type": "string", "const": ""}}
    used = {}
    for name, channel in channels.items():
        of_type = "orderbook_delta" if channel.is_sequenced else "ticker"
        used[name] = {"address": name, "messages": {"m": {"$ref": f"#/components/messages/{of_type}"}}}
    used["root"] = {"address": "/", "messages": {}}
    return {"asyncapi": "3.0.0", "channels": used, "components": {"messages": messages, "schemas": schemas}}


@pytest.fixture
def found(tmp_path, venue):
    """Compare a specification: every finding as its line."""

    def found(content):
        path = tmp_path / "spec.yaml"
        path.write_text(yaml.safe_dump(content))
        return [f"{each.where}: {each.what}" for each in drift.findings(Published(path), venue)]

    return found


def body(spec, type_):
    return spec["components"]["schemas"][type_]["properties"]["msg"]


def test_what_says_what_we_read_has_no_drift(found, spec):
    assert found(spec) == []


def test_a_removed_field_is_gone(found, spec):
    del body(spec, "trade")["properties"]["market_ticker"]
    assert found(spec) == ["trade msg.market_ticker: the field is gone from the file"]


def test_a_renamed_field_is_gone_with_what_is_new_beside_it(found, spec):
    fields = body(spec, "fill")["properties"]
    fields["fee"] = fields.pop("fee_cost")
    assert found(spec) == ["fill msg.fee_cost: the field is gone from the file; new beside it: msg.fee"]


def test_a_retyped_field(found, spec):
    body(spec, "fill")["properties"]["fee_cost"] = {"type": "number"}
    body(spec, "fill")["properties"]["ts_ms"] = {"oneOf": [{"type": "integer"}, {"type": "string"}]}
    assert set(found(spec)) == {
        "fill msg.fee_cost: is number in the file, and is read as string",
        "fill msg.ts_ms: is string in the file, and is read as integer",
    }


@pytest.mark.parametrize("null", [{"type": ["string", "null"]}, {"type": "string", "nullable": True},
                                  {"anyOf": [{"type": "string"}, {"type": "null"}]}])  # fmt: skip
def test_a_needed_field_that_may_be_null_now(found, spec, null):
    body(spec, "fill")["properties"]["order_id"] = null
    body(spec, "fill")["properties"]["trade_id"] = null  # not needed
    assert found(spec) == ["fill msg.order_id: is needed, and may be null in the file"]


def test_a_needed_field_that_may_be_absent_now(found, spec):
    body(spec, "fill")["required"].remove("order_id")
    body(spec, "fill")["required"].remove("trade_id")  # not needed
    assert found(spec) == ["fill msg.order_id: is needed, and may be absent in the file"]


def test_a_needed_field_that_only_one_of_two_messages_of_a_type_has(found, spec):
    other = copy.deepcopy(spec["components"]["schemas"]["fill"])
    del other["properties"]["msg"]["properties"]["order_id"]
    spec["components"]["messages"]["another"] = {"payload": other}
    assert found(spec) == ["fill msg.order_id: is needed, and may be absent in the file"]


def test_a_new_type_and_one_that_is_gone(found, spec):
    spec["components"]["messages"]["new"] = {"payload": {"properties": {"type": {"const": "fill_v3"}}}}
    del spec["components"]["messages"]["fill"]
    assert found(spec) == [
        "fill_v3: a type that we do not know: it comes as Unknown",
        "fill: the type is gone from the file",
    ]


@pytest.mark.parametrize("type_", ["orderbook_snapshot", "orderbook_delta"])
def test_a_new_field_of_the_order_book_is_a_finding_and_one_of_another_type_is_none(found, spec, type_):
    body(spec, type_)["properties"]["mid_dollars_fp"] = {"type": "array", "items": {"type": "string"}}
    body(spec, "fill")["properties"]["new"] = {"type": "string"}
    assert found(spec) == [f"{type_} msg.mid_dollars_fp: a field of the order book that we do not know"]


def test_a_renamed_side_of_the_order_book(found, spec, venue):
    old = "bid" if venue == "perps" else "yes_dollars_fp"
    fields = body(spec, "orderbook_snapshot")["properties"]
    fields["side_v3"] = fields.pop(old)
    assert found(spec) == [
        f"orderbook_snapshot msg.{old}: the field is gone from the file; new beside it: msg.side_v3",
        "orderbook_snapshot msg.side_v3: a field of the order book that we do not know",
    ]


def test_a_new_channel_and_one_that_is_gone(found, spec):
    spec["channels"]["fills"] = spec["channels"].pop("fill")
    assert found(spec) == ["channel fills: is not known here", "channel fill: is gone from the file"]


def test_a_new_name_of_a_channel_in_the_command(found, spec):
    offered = spec["components"]["schemas"]["subscribe"]["properties"]["params"]["properties"]["channels"]["items"]["enum"]
    offered[offered.index("fill")] = "fills"
    assert found(spec) == [
        "channel that subscribe takes fills: is not known here",
        "channel that subscribe takes fill: is gone from the file",
    ]


def test_a_channel_that_counts_now_and_one_that_does_not_any_more(found, spec):
    messages = spec["channels"]
    messages["fill"]["messages"], messages["trade"]["messages"] = messages["trade"]["messages"], messages["fill"]["messages"]
    assert found(spec) == [
        "channel fill: its messages carry seq in the file, unlike what is known here",
        "channel trade: its messages carry no seq in the file, unlike what is known here",
    ]


def test_a_new_action_and_one_that_is_gone(found, spec):
    actions = spec["components"]["schemas"]["update"]["properties"]["params"]["properties"]["action"]["enum"]
    actions[actions.index("get_snapshot")] = "get_snapshots"
    assert found(spec) == ["action get_snapshots: is not known here", "action get_snapshot: is gone from the file"]


def test_a_new_command_one_that_is_gone_and_a_new_required_param(found, spec):
    schemas = spec["components"]["schemas"]
    schemas["unsubscribe"]["properties"]["cmd"]["const"] = "leave"
    schemas["subscribe"]["properties"]["params"]["required"].append("use_yes_price")
    assert found(spec) == [
        "command leave: is not known here",
        "command unsubscribe: is gone from the file",
        "command subscribe: the file requires the param use_yes_price, which is not known here",
    ]


def test_a_new_error_code_one_that_is_gone_and_one_that_came_back(found, spec):
    codes = body(spec, "error")["properties"]["code"]["enum"]
    codes.remove(25)
    codes += [29, 17]
    assert found(spec) == [
        "error 29: is not known here",
        "error 17: is in the file, and is retired here",
        "error 25: is gone from the file",
    ]


def test_a_field_that_goes_round_in_circles_has_no_type(found, spec):
    spec["components"]["schemas"]["round"] = {"oneOf": [{"$ref": "#/components/schemas/round"}]}
    body(spec, "fill")["properties"]["trade_id"] = {"$ref": "#/components/schemas/round"}
    assert found(spec) == []


def test_references_and_parts_are_followed(found, spec):
    """A field that points elsewhere, with more beside the pointer, or that is put together of parts."""
    schemas, fields = spec["components"]["schemas"], body(spec, "fill")["properties"]
    schemas["id"], schemas["alias"] = {"type": "string"}, {"$ref": "#/components/schemas/id"}
    fields["order_id"] = {"$ref": "#/components/schemas/alias", "description": "which"}
    fields["trade_id"] = {"allOf": [{"$ref": "#/components/schemas/id"}], "description": "which"}
    schemas["fill"]["properties"]["msg"] = {"oneOf": [schemas["fill"]["properties"]["msg"]]}
    schemas["fill"]["properties"]["msg"]["type"] = "object"
    assert found(spec) == []
    schemas["id"]["type"] = "integer"
    assert found(spec) == [
        f"fill msg.{name}: is integer in the file, and is read as string" for name in ("order_id", "trade_id")
    ]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "x",
        {"$ref": "#/nowhere"},
        {"$ref": "#/components/messages/fill/payload"},
        {"allOf": [{"$ref": "#/components/schemas/fill"}]},
    ],
)
def test_a_file_that_is_odd_or_goes_round_in_circles_gives_findings_and_never_fails(found, spec, odd):
    spec["components"]["schemas"]["fill"] = odd
    assert any(line.startswith("fill: the type is gone") for line in found(spec))
    spec["components"]["messages"] = odd
    spec["channels"] = odd
    assert "trade: the type is gone from the file" in found(spec)


class TestCommand:
    def test_prints_findings_one_a_line_and_exits_1(self, capsys, tmp_path, spec, venue):
        path, option = tmp_path / "spec.yaml", ["--perps"] if venue == "perps" else []
        path.write_text(yaml.safe_dump(spec))
        assert (main(["drift", str(path), *option]), capsys.readouterr().out) == (0, "")
        body(spec, "fill")["properties"]["fee_cost"] = {"type": "number"}
        path = tmp_path / "spec.yaml.gz"
        path.write_bytes(gzip.compress(yaml.safe_dump(spec).encode()))
        assert main(["drift", str(path), *option]) == 1
        assert capsys.readouterr() == ("fill msg.fee_cost: is number in the file, and is read as string\n", "")

    def test_prints_json(self, capsys, tmp_path, spec, venue):
        path, option = tmp_path / "spec.yaml", ["--perps"] if venue == "perps" else []
        path.write_text(yaml.safe_dump(spec))
        assert (main(["drift", "--json", str(path), *option]), json.loads(capsys.readouterr().out)) == (0, [])
        del body(spec, "fill")["properties"]["order_id"]
        path.write_text(yaml.safe_dump(spec))
        assert main(["drift", "--json", str(path), *option]) == 1
        assert json.loads(capsys.readouterr().out) == [
            {"where": "fill msg.order_id", "what": "the field is gone from the file"}
        ]

    @pytest.mark.parametrize(
        ("name", "content", "code", "says"),
        [
            ("none.yaml", None, 3, "none.yaml: cannot be opened: No such file or directory"),
            ("bad.yaml", b"{", 3, "bad.yaml: cannot be read: ParserError; expected YAML, or YAML in gzip"),
            ("bad.yaml", b"\xff\xfe\xff", 3, "bad.yaml: cannot be read: ReaderError"),
            ("bad.yaml.gz", b"nothing", 3, "bad.yaml.gz: cannot be opened: Not a gzipped file"),
            ("cut.yaml.gz", gzip.compress(b"a: 1", mtime=0)[:-4], 3, "cut.yaml.gz: cannot be read: EOFError"),
            ("list.yaml", b"[1]", 2, "list.yaml is no AsyncAPI file: expected a mapping with the key asyncapi"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, capsys, tmp_path, name, content, code, says):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        assert main(["drift", str(path)]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert says in err

    def test_says_which_extra_is_missing(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setitem(sys.modules, "yaml", None)
        assert main(["drift", str(tmp_path / "spec.yaml")]) == 2
        assert capsys.readouterr().err == "kalshi-book: the drift check needs PyYAML: pip install 'kalshi-book[drift]'\n"

    def test_errors_are_those_of_the_package(self, tmp_path):
        with pytest.raises(TapeError):
            Published(tmp_path / "none.yaml")
        (tmp_path / "x.yaml").write_text("x: 1")
        with pytest.raises(UsageError):
            Published(tmp_path / "x.yaml")


@pytest.mark.skipif(SPEC is None, reason=NO_SPEC)
class TestPublished:
    FILES = ("events", "asyncapi.yaml.gz"), ("perps", "perps_asyncapi.yaml.gz")

    @pytest.mark.parametrize(("venue", "name"), FILES)
    def test_the_published_file_has_no_drift(self, venue, name):
        assert drift.findings(Published(Path(SPEC, name)), venue) == []

    @pytest.mark.parametrize(("venue", "name"), FILES)
    def test_every_field_that_we_read_would_be_missed(self, venue, name):
        """Take each field of each message away, one at a time: the check says so."""
        published = Published(Path(SPEC, name))
        messages, known = published.messages, drift.known_types(venue)
        for type_ in known.keys() & messages.keys():
            for path in known[type_]:
                if any(path in variant for variant in messages[type_]):
                    without = [{at: field for at, field in variant.items() if at != path} for variant in messages[type_]]
                    assert [each.where for each in drift._fields(type_, without, known[type_])][:1] == (
                        [f"{type_} {path}"] if (type_, path) not in drift.OLDER_FIELDS else []
                    )
