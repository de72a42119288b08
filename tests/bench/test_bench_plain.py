"""What reading from another thread costs: both forms read the same, and books that are wrong make the run worthless."""

from types import SimpleNamespace

import pytest

from benchmarks import plain
from benchmarks.flows import WrongBooks


def test_both_forms_read_and_every_goal_is_judged():
    *rows, table = plain.rows(seed=1, quick=True)
    assert [(row["form"], row["read"]) for row in table.rows] == [
        ("asyncio", "bbo()"), ("asyncio", "depth(5)"), ("plain loop", "bbo()"), ("plain loop", "depth(5)"),
    ]  # fmt: skip
    assert all(0 < row["p50"] <= row["p99"] <= row["max"] and row["n"] > 0 for row in table.rows)
    assert [row.name for row in rows] == [
        "bbo() from another thread, over the same in asyncio", "depth(5) from another thread, over the same in asyncio",
    ]  # fmt: skip


def test_a_book_that_is_not_the_exchanges_makes_the_run_worthless():
    place = plain.Place({"url": "", "key_id": "", "private_key": "", "exchange": 0, "control": 0}, ({}, {"A": "x"}), 1)
    with pytest.raises(WrongBooks, match=r"^asyncio: 1 books are not the exchange's, such as that of A$"):
        place.check("asyncio", {"A": SimpleNamespace(checksum=lambda: "y")})
