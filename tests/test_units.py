"""Prices and sizes as exact integers: what is read, what is refused, and what is shown."""

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from implementations import part

TOP = 2**63 - 1


@pytest.fixture(scope="session")
def units(kb):
    return part(kb, "units")


@pytest.mark.parametrize(
    ("text", "price_e4"),
    [
        ("0.96", 9600), ("0.960", 9600), ("0.9600", 9600), ("0.0001", 1), ("1", 10_000), ("0", 0), ("56", 560_000),
        ("00.5", 5000), (1, 10_000), (0, 0), ("922337203685477.5807", TOP),
    ],
)  # fmt: skip
def test_a_price_of_the_wire_in_dollars_is_read_exactly(units, text, price_e4):
    assert units.dollars_e4(text) == price_e4


NO_NUMBERS = [
    "", ".", ".5", "5.", "-1", "+1", " 1", "1 ", "1_000", "1e3", "0x1", "1.2.3", "\u0661", "²",
    "nan", "inf", "None", "\n1", "1\n",
    None, 1.0, 0.42, True, False, Decimal(1), [], {}, b"1",
]  # fmt: skip


@pytest.mark.parametrize("wrong", [*NO_NUMBERS, "0.12345", "0.00000", "1" * 20, -1])
def test_no_price_in_dollars_is_refused_and_shown(units, wrong):
    with pytest.raises(ValueError) as raised:
        units.dollars_e4(wrong)
    assert str(raised.value) == f"expected a price in dollars with at most 4 decimals, found {wrong!r}"


@pytest.mark.parametrize(
    ("text", "size_e2"),
    [
        ("120.00", 12000), ("-2.55", -255), ("56", 5600), ("0.01", 1), ("-0.01", -1), ("-0", 0), ("0", 0),
        ("1407154.86", 140715486),
        ("1.5", 150), (7, 700), (-7, -700), ("92233720368547758.07", TOP), ("-92233720368547758.07", -TOP),
    ],
)  # fmt: skip
def test_a_size_of_the_wire_is_read_exactly(units, text, size_e2):
    assert units.contracts_e2(text) == size_e2


@pytest.mark.parametrize(
    "wrong", [*(each for each in NO_NUMBERS if each != "-1"), "0.123", "0.000", "--1", "- 1", "-", "1" * 20]
)
def test_no_size_is_refused_and_shown(units, wrong):
    with pytest.raises(ValueError) as raised:
        units.contracts_e2(wrong)
    assert str(raised.value) == f"expected a number of contracts with at most 2 decimals, found {wrong!r}"


@pytest.mark.parametrize(("cents", "price_e4"), [(42, 4200), (0, 0), (1, 100), (99, 9900), (100, 10_000)])
def test_a_price_of_the_wire_in_cents_is_whole(units, cents, price_e4):
    assert units.cents_e4(cents) == price_e4


@pytest.mark.parametrize("wrong", [-1, "42", 42.0, 42.5, True, None, Decimal(42)])
def test_no_price_in_cents_is_refused(units, wrong):
    with pytest.raises(ValueError) as raised:
        units.cents_e4(wrong)
    assert str(raised.value) == f"expected a price in whole cents, found {wrong!r}"


@pytest.mark.parametrize(("count", "size_e2"), [(5, 500), (0, 0), (-5, -500)])
def test_a_count_of_the_wire_is_whole(units, count, size_e2):
    assert units.count_e2(count) == size_e2


@pytest.mark.parametrize("wrong", ["5", 5.0, True, None])
def test_no_count_is_refused(units, wrong):
    with pytest.raises(ValueError) as raised:
        units.count_e2(wrong)
    assert str(raised.value) == f"expected a whole number of contracts, found {wrong!r}"


@pytest.mark.parametrize(
    ("reader", "value", "shown"),
    [
        ("dollars_e4", "9" * 19, "'9999999999999999999'"),
        ("dollars_e4", 10**15, "1000000000000000"),
        ("contracts_e2", "-" + "9" * 19, "'-9999999999999999999'"),
        ("cents_e4", 2**63, str(2**63)),
        ("count_e2", -(2**63), str(-(2**63))),
        ("count_e2", 2**200, "a whole number of 201 bits"),
    ],
)
def test_a_number_beyond_64_bits_is_refused(units, reader, value, shown):
    with pytest.raises(ValueError) as raised:
        getattr(units, reader)(value)
    assert str(raised.value) == f"expected a number that fits 64 bits, found {shown}"


def test_a_long_text_is_shown_cut_short(units):
    with pytest.raises(ValueError) as raised:
        units.dollars_e4("x" * 1_000)
    assert str(raised.value).endswith("found '" + "x" * 39 + "...")


@given(price_e4=st.integers(0, TOP))
def test_every_price_text_is_read_back(units, price_e4):
    assert units.dollars_e4(units.price_text(price_e4)) == price_e4
    assert Fraction(units.price_decimal(price_e4)) == Fraction(price_e4, 10_000)


@given(size_e2=st.integers(-TOP, TOP))
def test_every_size_text_is_read_back(units, size_e2):
    assert units.contracts_e2(units.size_text(size_e2)) == size_e2
    assert Fraction(units.size_decimal(size_e2)) == Fraction(size_e2, 100)


@given(price_e4=st.integers(1, 9_999))
def test_the_flip_is_its_own_mirror(units, price_e4):
    assert units.flip_e4(units.flip_e4(price_e4)) == price_e4
    assert units.flip_e4(price_e4) + price_e4 == 10_000


@pytest.mark.parametrize(("side", "is_no"), [("yes", False), ("no", True), ("".join(["n", "o"]), True)])
def test_an_outcome_side_is_yes_or_no(units, side, is_no):
    assert units.outcome_is_no(side) is is_no


@pytest.mark.parametrize("wrong", ["YES", "", "bid", "y", "x" * 100])
def test_another_word_is_no_outcome_side(kb, units, wrong):
    with pytest.raises(kb.UsageError) as raised:
        units.outcome_is_no(wrong)
    shown = repr(wrong) if len(wrong) < 38 else "'" + "x" * 39 + "..."
    assert str(raised.value) == f'outcome_side must be "yes" or "no", not {shown}'


@pytest.mark.parametrize("wrong", [None, 1, b"yes", True])
def test_another_type_is_no_outcome_side(units, wrong):
    with pytest.raises(TypeError) as raised:
        units.outcome_is_no(wrong)
    assert str(raised.value) == f'outcome_side must be "yes" or "no", not {type(wrong).__name__}'


@pytest.mark.parametrize(
    "argument",
    [
        {"price": "0.42"}, {"price": "0.4200"}, {"price": "0.420000"}, {"price": Decimal("0.42")},
        {"price": Decimal("4.2E-1")},
        {"price_e4": 4200}, {"cents": 42}, {"cents": Decimal("42")}, {"cents": Decimal("42.00")},
    ],
)  # fmt: skip
def test_a_price_is_given_in_any_unit_by_name(units, argument):
    assert units.price_argument(**argument) == 4200


def test_half_a_cent_is_a_price(units):
    assert units.price_argument(cents=Decimal("42.5")) == 4250
    assert units.price_argument(cents=Decimal("42.55")) == 4255


@pytest.mark.parametrize(
    "argument", [{}, {"price": "0.42", "cents": 42}, {"price": "0.42", "price_e4": 4200}, {"price_e4": 1, "cents": 1}]
)
def test_exactly_one_price_is_needed(units, argument):
    with pytest.raises(TypeError) as raised:
        units.price_argument(**argument)
    assert str(raised.value) == "pass one price: Decimal or text in dollars, price_e4= or cents="


@pytest.mark.parametrize("wrong", [42, 0.42, True, Fraction(1, 2), b"0.42"])
def test_a_bare_int_or_a_float_is_refused_with_what_to_pass(units, wrong):
    with pytest.raises(TypeError) as raised:
        units.price_argument(wrong)
    assert str(raised.value) == (
        f'a price in dollars is Decimal("0.42") or "0.42", not {type(wrong).__name__}; '
        "pass price_e4=4200 for units of $0.0001 or cents=42 for cents"
    )


@pytest.mark.parametrize(("name", "kinds"), [("price_e4", "int, units of $0.0001"), ("cents", "int or Decimal")])
@pytest.mark.parametrize("wrong", [42.0, "42", True])
def test_a_price_of_the_wrong_type_is_refused(units, name, kinds, wrong):
    with pytest.raises(TypeError) as raised:
        units.price_argument(**{name: wrong})
    assert str(raised.value) == f"{name} must be {kinds}, not {type(wrong).__name__}"


@pytest.mark.parametrize(
    ("argument", "price_e4"),
    [({"price": "0"}, 0), ({"price": "1"}, 10_000), ({"price": "-0.42"}, -4200), ({"price_e4": 10_000}, 10_000),
     ({"cents": 100}, 10_000), ({"cents": Decimal(0)}, 0), ({"price": Decimal("42")}, 420_000)],
)  # fmt: skip
def test_a_price_off_the_range_is_refused(kb, units, argument, price_e4):
    with pytest.raises(kb.UsageError) as raised:
        units.price_argument(**argument)
    assert (
        str(raised.value) == f"a price is $0.0001 to $0.9999 (price_e4 1 to 9999), not price_e4={price_e4}: check its unit"
    )


@pytest.mark.parametrize(
    "argument",
    [
        {"price": "0.42001"}, {"price": "forty"}, {"price": ""}, {"price": Decimal("NaN")}, {"price": Decimal("sNaN")},
        {"price": Decimal("Infinity")}, {"price": "1E+999999999"}, {"price": Decimal("1E-999")},
        {"cents": Decimal("42.001")},
    ],
)  # fmt: skip
def test_what_is_no_price_at_all_is_refused(kb, units, argument):
    (value,) = argument.values()
    with pytest.raises(kb.UsageError) as raised:
        units.price_argument(**argument)
    assert str(raised.value) == f"a price has steps of $0.0001, and {value!r} is none"


@pytest.mark.parametrize(("n", "count"), [(None, TOP), (0, 0), (3, 3), (2**80, TOP)])
def test_a_number_of_levels(units, n, count):
    assert units.count_argument(n) == count


def test_a_number_of_levels_is_a_count(kb, units):
    with pytest.raises(TypeError, match=r"^n must be int or None, not float$"):
        units.count_argument(3.0)
    with pytest.raises(TypeError, match=r"^n must be int or None, not bool$"):
        units.count_argument(True)
    with pytest.raises(kb.UsageError, match=r"^n must be 0 or more levels, or None for all, not -1$"):
        units.count_argument(-1)


@pytest.mark.parametrize(
    ("price_e4", "text"),
    [(4200, "0.4200"), (1, "0.0001"), (0, "0.0000"), (10_000, "1.0000"), (-50, "-0.0050"), (123_456, "12.3456")],
)
def test_a_price_is_shown_with_its_four_decimals(units, price_e4, text):
    assert units.price_text(price_e4) == text
    assert str(units.price_decimal(price_e4)) == text


@pytest.mark.parametrize(("size_e2", "text"), [(12000, "120.00"), (-255, "-2.55"), (-5, "-0.05"), (0, "0.00"), (1, "0.01")])
def test_a_size_is_shown_with_its_two_decimals(units, size_e2, text):
    assert units.size_text(size_e2) == text
    assert str(units.size_decimal(size_e2)) == text


def test_cents_are_shown_with_two_decimals(units):
    assert str(units.cents_decimal(4255)) == "42.55"


def test_no_decimal_context_of_the_caller_changes_a_number(units):
    with decimal.localcontext() as context:
        context.prec = 1
        context.traps[decimal.Inexact] = True
        assert units.price_decimal(4255) == Decimal("0.4255")
        assert str(units.size_decimal(140715486)) == "1407154.86"
        assert units.price_argument("0.4255") == 4255


@pytest.mark.parametrize(
    ("text", "money_e6"),
    [
        ("0.054600", 54600),
        ("12", 12_000_000),
        ("-0.000001", -1),
        ("7.25", 7_250_000),
        ("0", 0),
        ("-0.0", 0),
        ("0007.5", 7500000),
    ],
)
def test_money_in_dollars_is_exact_to_a_millionth(units, text, money_e6):
    assert units.dollars_e6(text) == money_e6
    assert units.money_decimal(money_e6) == Decimal(text)


@pytest.mark.parametrize(
    "wrong", ["0.0000001", "", "1.", ".5", "+1", "1e3", "-", "$1", "\uff11", 1, 1.5, None, True, Decimal(1)]
)
def test_no_money_is_refused_and_shown(units, wrong):
    with pytest.raises(ValueError, match=r"^expected money in dollars as text with at most 6 decimals, found "):
        units.dollars_e6(wrong)


@pytest.mark.parametrize("text", ["9223372036854.775808", "-9999999999999999999"])
def test_money_beyond_64_bits_is_refused(units, text):
    with pytest.raises(ValueError, match="expected a number that fits 64 bits"):
        units.dollars_e6(text)
    assert units.dollars_e6("9223372036854.775807") == 2**63 - 1


@pytest.mark.parametrize("money_e6", [0, 1, -1, 999_999, -1_000_000, 2**63 - 1])
def test_money_is_shown_with_six_decimals_whatever_the_context(units, money_e6):
    with decimal.localcontext() as context:
        context.prec = 2
        shown = units.money_decimal(money_e6)
    assert shown.as_tuple().exponent == -6
    assert shown.scaleb(6) == money_e6
    assert units.dollars_e6(str(shown)) == money_e6


@pytest.mark.parametrize(("value", "money_e6"), [(72500, 7_250_000), (-1, -100), (0, 0)])
def test_money_in_whole_centicents(units, value, money_e6):
    assert units.centicents_e6(value) == money_e6


@pytest.mark.parametrize("wrong", ["1", 1.0, None, True])
def test_no_whole_centicents_are_refused(units, wrong):
    with pytest.raises(ValueError, match=r"^expected money in whole units of \$0.0001, found "):
        units.centicents_e6(wrong)


@pytest.mark.parametrize("value", ["68000.12000000", "-0.5", "7", Decimal("1E+5"), Decimal("-0.0001")])
def test_any_number_keeps_every_digit_of_its_text(units, value):
    found = units.exact_decimal(value)
    assert (type(found), str(found)) == (Decimal, str(value))


@pytest.mark.parametrize(
    "wrong", ["", "NaN", "1e5", "x", "1.", 1, 1.5, None, Decimal("NaN"), Decimal("Infinity"), Decimal("sNaN")]
)
def test_what_is_no_number_is_refused(units, wrong):
    with pytest.raises(ValueError, match=r"^expected a number, found "):
        units.exact_decimal(wrong)


def test_a_price_may_have_another_upper_end(units):
    assert units.price_argument("6.41", max_price_e4=units.MAX_PERPS_PRICE_E4) == 64100
    assert units.price_argument(price_e4=2**31 - 1, max_price_e4=units.MAX_PERPS_PRICE_E4) == 2**31 - 1
