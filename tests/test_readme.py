"""What README.md shows is what happens."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


@pytest.fixture(scope="module")
def shown():
    screen, names = io.StringIO(), {}
    with contextlib.redirect_stdout(screen):
        for code in blocks("python"):
            exec(compile(code, str(README), "exec"), names)
    return screen.getvalue().splitlines(), names


def test_the_examples_run_and_show_own_changes(shown):
    lines, _ = shown
    assert sum(line.startswith("mine: ") for line in lines) > 10


def test_the_best_bid_is_the_one_in_the_comment(shown):
    lines, names = shown
    comment = re.search(r"best_yes_bid\(\)\)\s+# (Level\(.*?\))", README.read_text())[1]
    assert comment in lines
    assert str(names["tape"].books["KXFLOW15M-26SEP21-00001"].best_yes_bid()) == comment


def test_the_ladder_is_as_printed(shown):
    lines, _ = shown
    ladder = next(block for block in blocks("") if "spread" in block).splitlines()
    at = lines.index(ladder[0])
    assert lines[at : at + len(ladder)] == ladder


def test_the_feed_example_shows_its_two_updates_and_the_next_one_what_to_send(shown):
    assert shown[0][-4:] == [
        "snapshot applied 4100",
        "delta applied 4200",
        """b'{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"""
        """"market_tickers":["KXDEMO-26-A","KXDEMO-26-B"],"use_yes_price":true}}'""",
        "11000000000 None ['command 1 (restore): subscribe orderbook_delta KXDEMO-26-A, KXDEMO-26-B']",
    ]
