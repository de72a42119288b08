"""Prices and sizes as exact integers: text in, text and Decimal out, and the one yes/no flip.

Inside the package a price is an ``int`` of $0.0001 (``price_e4``, the exchange's centi-cent) and a size an ``int`` of
0.01 contract (``size_e2``); money that is not a price is an ``int`` of $0.000001 (``money_e6``). Nothing here touches a
float.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

from .errors import UsageError

PRICE_SCALE: Final = 10_000
"""$1 in units of price_e4."""
MONEY_SCALE: Final = 1_000_000
"""$1 in units of money_e6."""
MIN_PRICE_E4: Final = 1
MAX_PRICE_E4: Final = 9_999
MAX_PERPS_PRICE_E4: Final = 2**31 - 1
"""The highest price of a perpetual that a level can hold: $214,748.3647."""
INT64_MAX: Final = 2**63 - 1

_PRICE_TEXT = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,4}))?", re.ASCII)
_SIZE_TEXT = re.compile(r"(-?)([0-9]{1,19})(?:\.([0-9]{1,2}))?", re.ASCII)
_MONEY_TEXT = re.compile(r"(-?)([0-9]{1,19})(?:\.([0-9]{1,6}))?", re.ASCII)
_DECIMAL_TEXT = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_SHOWN = 40
_MOST_DIGITS = 40


def flip_e4(price_e4: int) -> int:
    """Turn a price on one outcome's scale into the other's: a NO bid at p is a YES ask at $1 - p.

    Source: the exchange's "Orderbook responses" page, read 2026-10-26.
    """
    return PRICE_SCALE - price_e4


def outcome_is_no(outcome_side: str) -> bool:
    """Tell ``"no"`` from ``"yes"``.

    Raises:
        TypeError: not a text.
        UsageError: any other text.
    """
    if outcome_side == "yes":
        return False
    if outcome_side == "no":
        return True
    if not isinstance(outcome_side, str):
        raise TypeError(f'outcome_side must be "yes" or "no", not {type(outcome_side).__name__}')
    raise UsageError(f'outcome_side must be "yes" or "no", not {shown(outcome_side)}')


# What stands in a frame: text or whole number, in dollars and contracts or in cents and whole contracts (feed rule F24).


def dollars_e4(value: object) -> int:
    """Read a price of the wire in dollars: ``"0.96"``, ``"0.9600"``, ``"1"`` or a whole number.

    Raises:
        ValueError: anything else, or more than 4 decimals, or beyond 64 bits.
    """
    if isinstance(value, str) and (match := _PRICE_TEXT.fullmatch(value)):
        whole, fraction = match.groups("")
        return _fits(int(whole) * PRICE_SCALE + int(fraction.ljust(4, "0")), value)
    if type(value) is int and value >= 0:
        return _fits(value * PRICE_SCALE, value)
    raise ValueError(f"expected a price in dollars with at most 4 decimals, found {shown(value)}")


def contracts_e2(value: object) -> int:
    """Read a size, or a signed change of one, in contracts: ``"120.00"``, ``"-2.55"``, ``"56"`` or a whole number.

    Raises:
        ValueError: anything else, or more than 2 decimals, or beyond 64 bits.
    """
    if isinstance(value, str) and (match := _SIZE_TEXT.fullmatch(value)):
        sign, whole, fraction = match.groups("")
        size_e2 = int(whole) * 100 + int(fraction.ljust(2, "0"))
        return _fits(-size_e2 if sign else size_e2, value)
    if type(value) is int:
        return _fits(value * 100, value)
    raise ValueError(f"expected a number of contracts with at most 2 decimals, found {shown(value)}")


def cents_e4(value: object) -> int:
    """Read a price of the wire in whole cents.

    Raises:
        ValueError: not a whole number, negative, or beyond 64 bits.
    """
    if type(value) is int and value >= 0:
        return _fits(value * 100, value)
    raise ValueError(f"expected a price in whole cents, found {shown(value)}")


def count_e2(value: object) -> int:
    """Read a size, or a signed change of one, in whole contracts.

    Raises:
        ValueError: not a whole number, or beyond 64 bits.
    """
    if type(value) is int:
        return _fits(value * 100, value)
    raise ValueError(f"expected a whole number of contracts, found {shown(value)}")


def dollars_e6(value: object) -> int:
    """Read money that is not a price (a cost, a fee, a profit) in dollars: ``"0.054600"``, ``"-12.5"``. In $0.000001.

    Raises:
        ValueError: anything but a text, or more than 6 decimals, or beyond 64 bits.
    """
    if isinstance(value, str) and (match := _MONEY_TEXT.fullmatch(value)):
        sign, whole, fraction = match.groups("")
        money_e6 = int(whole) * MONEY_SCALE + int(fraction.ljust(6, "0"))
        return _fits(-money_e6 if sign else money_e6, value)
    raise ValueError(f"expected money in dollars as text with at most 6 decimals, found {shown(value)}")


def centicents_e6(value: object) -> int:
    """Read money that is not a price in whole units of $0.0001. In $0.000001.

    Raises:
        ValueError: not a whole number, or beyond 64 bits.
    """
    if type(value) is int:
        return _fits(value * 100, value)
    raise ValueError(f"expected money in whole units of $0.0001, found {shown(value)}")


def exact_decimal(value: object) -> Decimal:
    """Read any number as the Decimal that its text says.

    Args:
        value: text without an exponent, or the Decimal that a decoder made of a JSON number.

    Raises:
        ValueError: anything else, or no finite number.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and _DECIMAL_TEXT.fullmatch(value):
        return Decimal(value)
    raise ValueError(f"expected a number, found {shown(value)}")


def _fits(scaled: int, value: object) -> int:
    if -INT64_MAX <= scaled <= INT64_MAX:
        return scaled
    raise ValueError(f"expected a number that fits 64 bits, found {shown(value)}")


def shown(value: object) -> str:
    """Show a value that was refused, short."""
    if type(value) is int and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


# What a person passes and sees.


def price_argument(
    price: Decimal | str | None = None,
    *,
    price_e4: int | None = None,
    cents: int | Decimal | None = None,
    max_price_e4: int = MAX_PRICE_E4,
) -> int:
    """Turn the one price that a caller gave, in whichever unit, into price_e4.

    Args:
        price: dollars, as Decimal or text.
        price_e4: units of $0.0001, as int.
        cents: cents, as int or Decimal.
        max_price_e4: the highest that there can be.

    Returns:
        The price, 1 to max_price_e4.

    Raises:
        TypeError: none or several given, or a float, or a bare int where its unit cannot be known.
        UsageError: not a price in steps of $0.0001, or none of $0.0001 to the highest.
    """
    found = _one_price(price, price_e4, cents)
    if MIN_PRICE_E4 <= found <= max_price_e4:
        return found
    highest = f"${price_text(max_price_e4)} (price_e4 1 to {max_price_e4})"
    raise UsageError(f"a price is $0.0001 to {highest}, not price_e4={found}: check its unit")


def distance_argument(
    distance: Decimal | str | None = None, *, price_e4: int | None = None, cents: int | Decimal | None = None
) -> int:
    """Turn how far two prices are apart, in whichever unit, into price_e4. As ``price_argument``, and 0 is one.

    Returns:
        The distance, 0 to 9999.

    Raises:
        TypeError: none or several given, or a float, or a bare int where its unit cannot be known.
        UsageError: not in steps of $0.0001, below 0, or more than two prices can be apart.
    """
    found = _one_price(distance, price_e4, cents)
    if 0 <= found <= MAX_PRICE_E4:
        return found
    raise UsageError(f"two prices are $0.0000 to $0.9999 apart, not price_e4={found}: check its unit")


def size_argument(
    size: Decimal | str | None = None, *, size_e2: int | None = None, least_e2: int = 0, most_e2: int = INT64_MAX
) -> int:
    """Turn the one size that a caller gave, in whichever unit, into size_e2.

    Args:
        size: contracts, as Decimal or text.
        size_e2: units of 0.01 contract, as int.
        least_e2: the smallest that it may be.
        most_e2: the largest.

    Raises:
        TypeError: none or both given, or a number whose unit cannot be known.
        UsageError: not a size in steps of 0.01 contract, or out of its range.
    """
    if (size is None) == (size_e2 is None):
        raise TypeError("pass one size: Decimal or text in contracts, or size_e2=")
    if size is not None:
        if not isinstance(size, (Decimal, str)):
            raise TypeError(
                f'a size in contracts is Decimal("10") or "10", not {type(size).__name__}; '
                "pass size_e2=1000 for units of 0.01 contract"
            )
        found = _scaled(size, 100, "a size has steps of 0.01 contract")
    elif type(size_e2) is int:
        found = size_e2
    else:
        raise TypeError(f"size_e2 must be int, units of 0.01 contract, not {type(size_e2).__name__}")
    if least_e2 <= found <= most_e2:
        return found
    span = f"{size_text(least_e2) if least_e2 else 0} to {size_text(most_e2)} contracts"
    raise UsageError(f"a size is {span}, not size_e2={shown(found)}: check its unit")


def money_argument(money: Decimal | str | None = None, *, money_e6: int | None = None) -> int:
    """Turn the one amount of money that a caller gave, in whichever unit, into money_e6.

    Args:
        money: dollars, as Decimal or text.
        money_e6: units of $0.000001, as int.

    Raises:
        TypeError: none or both given, or a number whose unit cannot be known.
        UsageError: not in steps of $0.000001, below 0, or beyond 64 bits.
    """
    if (money is None) == (money_e6 is None):
        raise TypeError("pass one amount: Decimal or text in dollars, or money_e6=")
    if money is not None:
        if not isinstance(money, (Decimal, str)):
            raise TypeError(
                f'money in dollars is Decimal("25") or "25", not {type(money).__name__}; '
                "pass money_e6=25_000_000 for units of $0.000001"
            )
        found = _scaled(money, MONEY_SCALE, "money has steps of $0.000001")
    elif type(money_e6) is int:
        found = money_e6
    else:
        raise TypeError(f"money_e6 must be int, units of $0.000001, not {type(money_e6).__name__}")
    if 0 <= found <= INT64_MAX:
        return found
    raise UsageError(f"money is $0 to ${money_text(INT64_MAX)}, not money_e6={shown(found)}: check its unit")


def _one_price(price: Decimal | str | None, price_e4: int | None, cents: int | Decimal | None) -> int:
    if (price is not None) + (price_e4 is not None) + (cents is not None) != 1:
        raise TypeError("pass one price: Decimal or text in dollars, price_e4= or cents=")
    if price is not None:
        if not isinstance(price, (Decimal, str)):
            raise TypeError(
                f'a price in dollars is Decimal("0.42") or "0.42", not {type(price).__name__}; '
                "pass price_e4=4200 for units of $0.0001 or cents=42 for cents"
            )
        return _scaled(price, PRICE_SCALE, "a price has steps of $0.0001")
    if price_e4 is not None:
        if type(price_e4) is not int:
            raise TypeError(f"price_e4 must be int, units of $0.0001, not {type(price_e4).__name__}")
        return price_e4
    if type(cents) is not int and not isinstance(cents, Decimal):
        raise TypeError(f"cents must be int or Decimal, not {type(cents).__name__}")
    return _scaled(cents, 100, "a price has steps of $0.0001")


def _scaled(value: Decimal | str | int, scale: int, steps: str) -> int:
    try:
        number = Decimal(value)
        if abs(number.adjusted()) < _MOST_DIGITS:  # else it is none, and as a whole number it might fill the memory
            scaled = Fraction(number) * scale
            if scaled.denominator == 1:
                return scaled.numerator
    except (ArithmeticError, ValueError):
        pass
    raise UsageError(f"{steps}, and {shown(value)} is none")


def count_argument(n: int | None) -> int:
    """Turn "how many levels" into a number, where None means all.

    Raises:
        TypeError: neither int nor None.
        UsageError: negative.
    """
    if n is None:
        return INT64_MAX
    if type(n) is not int:
        raise TypeError(f"n must be int or None, not {type(n).__name__}")
    if n < 0:
        raise UsageError(f"n must be 0 or more levels, or None for all, not {n}")
    return min(n, INT64_MAX)


def price_text(price_e4: int) -> str:
    """Write a price in dollars with its 4 decimals: 4200 is ``"0.4200"``."""
    return f"{'-' if price_e4 < 0 else ''}{abs(price_e4) // PRICE_SCALE}.{abs(price_e4) % PRICE_SCALE:04d}"


def size_text(size_e2: int) -> str:
    """Write a size in contracts with its 2 decimals: -255 is ``"-2.55"``."""
    return f"{'-' if size_e2 < 0 else ''}{abs(size_e2) // 100}.{abs(size_e2) % 100:02d}"


def money_text(money_e6: int) -> str:
    """Write money in dollars with its 6 decimals: -12500000 is ``"-12.500000"``."""
    return f"{'-' if money_e6 < 0 else ''}{abs(money_e6) // MONEY_SCALE}.{abs(money_e6) % MONEY_SCALE:06d}"


def mid_text(bid_e4: int, ask_e4: int) -> str:
    """Write the price half-way between two in dollars, exactly: with 5 decimals where it takes them."""
    whole, half = divmod(bid_e4 + ask_e4, 2)
    return price_text(whole) + "5" * half


def price_decimal(price_e4: int) -> Decimal:
    """Give a price in dollars as an exact Decimal with 4 decimals, whatever the current decimal context."""
    return Decimal(price_text(price_e4))


def cents_decimal(price_e4: int) -> Decimal:
    """Give a price in cents as an exact Decimal with 2 decimals, whatever the current decimal context."""
    return Decimal(size_text(price_e4))


def size_decimal(size_e2: int) -> Decimal:
    """Give a size in contracts as an exact Decimal with 2 decimals, whatever the current decimal context."""
    return Decimal(size_text(size_e2))


def money_decimal(money_e6: int) -> Decimal:
    """Give money in dollars as an exact Decimal with 6 decimals, whatever the current decimal context."""
    return Decimal(money_text(money_e6))
