"""Faults as values and as text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from kalshi_book import UsageError
from kalshi_book.sim import faults
from kalshi_book.sim.fault_options import OPTIONS
from kalshi_book.sim.faults import FAULT_KINDS, options, parse


def values(name):
    """Values of one option."""
    option = OPTIONS[name]
    if option.type == "seconds":
        low = max(option.least, -1_000)
        return st.integers(max(1, round(low)), 1_000) | st.sampled_from((0.25, 1.5, 0.000001)) | st.just(round(low) or 1)
    if option.type == "whole":
        return st.integers(round(option.least), min(round(option.most), 600))
    if option.type == "flag":
        return st.booleans()
    return st.sampled_from(("KXSIM-26-A", "orderbook_delta", "a text = with: spaces"))


def any_fault(kind):
    """Faults of one kind, some of which contradict themselves."""
    cls = FAULT_KINDS[kind]
    required = {each.name: values(each.name) for each in fields(cls) if each.required}
    optional = {each.name: values(each.name) for each in fields(cls) if not each.required}
    if "code" in optional:
        optional["code"] = (
            st.sampled_from((10, 18, 27)) if "command" in kind or kind == "false_error" else st.integers(1000, 1003)
        )
    return st.fixed_dictionaries(required, optional=optional)


@pytest.mark.parametrize("kind", FAULT_KINDS)
@settings(max_examples=max(20, settings().max_examples // 5))
@given(data=st.data())
def test_a_fault_is_the_text_that_it_writes(kind, data):
    given_options = data.draw(any_fault(kind))
    try:
        fault = FAULT_KINDS[kind](**given_options)
    except UsageError as error:
        assert re.match(rf"{kind}: (a fault begins|nth strikes|it happens once|every_s needs|a sid or)", str(error))
        return
    assert fault.kind == kind
    assert parse(str(fault)) == fault
    assert str(parse(str(fault))) == str(fault)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_kind_says_what_it_does_and_what_it_takes(kind):
    assert re.fullmatch(r"[A-Z].*\.", FAULT_KINDS[kind].__doc__)
    assert list(options(kind))[-4:] == ["at", "after", "every", "times"]
    assert all(option.what for option in options(kind).values())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", faults.Drop()),
        ("drop:every=60s", faults.Drop(every_s=60)),
        (" drop : every = 1m , times = 3 ", faults.Drop(every_s=60, times=3)),
        ("close:code=1006,at=30s", faults.Close(code=1006, at_s=30)),
        ("slow_link:bytes_per_s=50000", faults.SlowLink(bytes_per_s=50_000)),
        ("half_open:after=250ms,for=1.5h", faults.HalfOpen(after_s=0.25, for_s=5_400)),
        ("delay:by=20us,nth=2", faults.Delay(by_s=0.00002, nth=2)),
        ("maintenance:clocks_fall=yes,for=7", faults.Maintenance(clocks_fall=True, for_s=7)),
        ("clock_step:step=-3600s", faults.ClockStep(step_s=-3_600)),
        ("close:reason=going away: so long", faults.Close(reason="going away: so long")),
    ],
)
def test_text_is_read(text, fault):
    assert parse(text) == fault


def test_the_text_of_a_fault_has_its_own_options_first():
    assert str(faults.Close(at_s=30, code=1006)) == "close:code=1006,at=30s"
    assert str(faults.Drop()) == "drop"


KINDS = ", ".join(FAULT_KINDS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", f"expected a fault of {KINDS}, found ''"),
        ("dorp:seq=1", f"expected a fault of {KINDS}, found 'dorp'"),
        ("abort:seq=1", "abort: expected option=value with an option of connection, at, after, every, times, found 'seq=1'"),
        ("abort:at", "abort: expected option=value with an option of connection, at, after, every, times, found 'at'"),
        ("abort:", None),
        ("abort:at=1s,", "abort: expected option=value with an option of connection, at, after, every, times, found ''"),
        ("abort:at=1s,at=2s", "abort: at is given twice"),
        ("abort:at=soon", "abort: expected at to be a time such as 30s, 250ms or 2m, found 'soon'"),
        ("abort:at=1e99s", "abort: at_s lies in 0..1e+09, and is not 1e+99"),
        ("abort:at=-1s", "abort: at_s lies in 0..1e+09, and is not -1"),
        ("abort:every=0", "abort: every_s lies in 1e-09..1e+09, and is not 0"),
        ("abort:at=1s,after=1s", "abort: a fault begins at_s or after_s, not both"),
        ("abort:times=2", "abort: it happens once; times goes with every_s"),
        ("drop:seq=x", "drop: expected seq to be a whole number, found 'x'"),
        ("drop:seq=0", "drop: seq lies in 1..1e+09, and is not 0"),
        ("drop:type=", "drop: expected type to be a text, found ''"),
        ("drop:nth=2,every=1s", "drop: nth strikes one alone; leave out every_s and times"),
        ("slow_link", "slow_link: Missing required argument 'bytes_per_s'"),
        ("maintenance:clocks_fall=true", "maintenance: expected clocks_fall to be yes or no, found 'true'"),
        ("silence:every=1s", "silence: every_s needs for_s, or the first would never end"),
        ("silence:sid=1,market_ticker=A", "silence: a sid or a market_ticker falls silent, not both"),
        ("refuse_command:code=29", "refuse_command: expected an error code of 1..28, found 29"),
        ("false_error:code=99", "false_error: expected an error code of 1..28, found 99"),
        ("refuse_connections:status=200", "refuse_connections: status lies in 400..599, and is not 200"),
        ("close:code=1015", "close: expected a close code of 1000..1003, 1005..1014 or 3000..4999, found 1015"),
        ("maintenance:code=1004", "maintenance: expected a close code of 1000..1003, 1005..1014 or 3000..4999, found 1004"),
        ("close:code=5000", "close: expected a close code of 1000..1003, 1005..1014 or 3000..4999, found 5000"),
    ],
)
def test_text_that_is_no_fault_says_what_was_expected(text, says):
    if says is None:
        assert parse(text) == faults.Abort()
        return
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: faults.Drop(seq="7"), "drop: seq must be int, not str"),
        (lambda: faults.Drop(seq=True), "drop: seq must be int, not bool"),
        (lambda: faults.Drop(at_s="7"), "drop: at_s must be int or float, not str"),
        (lambda: faults.Drop(type=b"ok"), "drop: type must be str, not bytes"),
        (lambda: faults.Delay(by_s=None), "delay: by_s must be given"),
        (lambda: faults.Maintenance(clocks_fall=1), "maintenance: clocks_fall must be bool, not int"),
    ],
)
def test_a_value_of_a_wrong_type_is_a_type_error(make, says):
    with pytest.raises(TypeError, match=f"^{re.escape(says)}$"):
        make()


@pytest.mark.parametrize("reason", ["so, long", " so long", "so long\n"])
def test_a_text_that_could_not_be_read_back_is_refused(reason):
    with pytest.raises(UsageError, match=r"^close: reason is a text without a comma or spaces around it, not "):
        faults.Close(reason=reason)


@pytest.mark.parametrize("at_s", [float("nan"), float("inf"), 1e99])
def test_a_time_is_finite(at_s):
    with pytest.raises(UsageError, match=r"^drop: at_s lies in 0\.\.1e\+09, and is not "):
        faults.Drop(at_s=at_s)


def test_a_close_frame_has_room_for_123_bytes_of_reason():
    """RFC 6455, 5.5: a control frame carries 125 bytes, two of which are the code."""
    assert faults.Close(reason="é" * 61).reason
    with pytest.raises(UsageError, match=r"^close: a close frame has room for 123 bytes of reason, not 124$"):
        faults.Close(reason="é" * 62)


def test_a_kind_that_there_is_not_has_no_options():
    with pytest.raises(KeyError):
        options("dorp")
