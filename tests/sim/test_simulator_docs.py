"""What docs/simulator.md shows is what happens, and its tables are those of the code."""

import contextlib
import io
import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from kalshi_book.sim.fault_families import Fault
from kalshi_book.sim.fault_options import OPTIONS, written
from kalshi_book.sim.faults import FAULT_KINDS, options
from kalshi_book.sim.rules import Rules

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
COMMON = [written(name) for name in Fault.__struct_fields__]


def table(name):
    """The rows of a table that is made from the code, without its head."""
    block = re.search(rf"<!-- {name}: .*? -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)[1]
    return block.splitlines()[2:]


def fault_rows():
    for kind, cls in FAULT_KINDS.items():
        own = ", ".join(f"`{name}`" for name in options(kind) if name not in COMMON)
        yield f"| `{kind}` | {cls.__doc__} | {own} |"


def option_rows():
    for name, option in OPTIONS.items():
        yield f"| `{written(name)}` | {option.what} |"


def rule_rows():
    for each in fields(Rules):
        shown = repr(each.default)
        if isinstance(each.default, frozenset):
            shown = f"{{{', '.join(map(repr, sorted(each.default)))}}}"
        yield f"| `{each.name}` | `{shown}` |"


@pytest.mark.parametrize(("name", "rows"), [("faults", fault_rows), ("options", option_rows), ("rules", rule_rows)])
def test_a_table_is_that_of_the_code(name, rows):
    """To write it anew: python tests/sim/test_simulator_docs.py"""
    assert table(name) == list(rows())


def test_what_the_page_shows_is_what_happens():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    screen, names = io.StringIO(), {}
    with contextlib.redirect_stdout(screen):
        for code in blocks:
            exec(compile(code, str(PAGE), "exec"), names)
    assert len(blocks) == 4
    assert screen.getvalue().splitlines()[:2] == [
        re.search(r"asyncio\.run\(main\(\)\)  # (.*)", PAGE.read_text())[1],
        re.search(r"print\(order\.status, order\.remaining_e2\)  # (.*)", PAGE.read_text())[1],
    ]


def test_every_text_of_a_fault_on_the_page_is_one():
    from kalshi_book.sim import parse

    texts = re.findall(r'--fault (\S+)|faults\.add\("(.*?)"\)', PAGE.read_text())
    assert len(texts) == 3
    for found in texts:
        parse("".join(found))


if __name__ == "__main__":
    text = PAGE.read_text()
    for name, rows in (("faults", fault_rows), ("options", option_rows), ("rules", rule_rows)):
        head = re.search(rf"(<!-- {name}: .*? -->\n.*\n\|---.*\n)(?:.*\n)*?<!-- end -->", text)
        text = text.replace(head[0], head[1] + "".join(f"{row}\n" for row in rows()) + "<!-- end -->")
    PAGE.write_text(text)
