"""What README.md shows is what happens.

To write its table of other packages anew after ``make bench-docs``: ``python tests/test_readme.py``.
"""

import re

import pytest

from kalshi_book.sim import FAULT_KINDS
from pages import ROOT, Page

BENCHMARKS = ROOT / "docs" / "benchmarks.md"
PACKAGES = ("kalshi_book", "synpath, its Rust call", "synpath", "pykalshi", "kalshi-sdk")
COLUMNS = ("Bytes to book: busy cent market", "Bytes to book: sub-penny market of 1,000 levels")
WORDS = {26: "twenty-six"}


def measured(section):
    """The rows of a section of docs/benchmarks.md, by contender."""
    text = BENCHMARKS.read_text()
    body = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("| ")]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def peer_rows():
    busy, large = (measured(section) for section in COLUMNS)
    for name in PACKAGES:
        times = [float(table[name]["x ours"].replace(",", "")) for table in (busy, large)]
        shown = " | ".join(f"{each:,.0f}" if each >= 20 else f"{each:.1f}" for each in times)
        versions = busy[name]["versions"].split(",")[0].rpartition(" ")[2]
        how = (
            busy[name]["how"] or f"{int(busy[name]['ns'].replace(',', ''))} ns and {large[name]['ns']} ns, sequence checked"
        )
        assert all(table[name]["top of book"].startswith("right") for table in (busy, large))
        yield f"| {name} {versions} | {shown} | {how} |"


@pytest.fixture(scope="module")
def shown():
    page = Page("README.md")
    return page.run().splitlines()


def test_the_examples_run_and_show_own_changes(shown):
    assert sum(line.startswith("mine: ") for line in shown) > 10


def test_the_live_example_shows_the_best_prices_of_its_book(shown):
    assert sum(line.startswith("(Level($") for line in shown) > 100


def test_the_ladder_is_as_printed(shown):
    ladder = next(code for _, code in Page("README.md").blocks("") if "spread" in code and "KXFLOW" in code).splitlines()
    at = shown.index(ladder[0])
    assert shown[at : at + len(ladder)] == ladder


def test_the_table_of_other_packages_is_that_of_the_benchmarks():
    assert Page("README.md").table("peers") == list(peer_rows())


def test_as_many_kinds_of_fault_are_named_as_there_are():
    text = Page("README.md").path.read_text()
    assert f"{len(FAULT_KINDS)} kinds of fault" in text
    assert f"{WORDS[len(FAULT_KINDS) - 1]} other ways to go wrong" in text


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_a_page_links_to_is_there(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


if __name__ == "__main__":
    Page("README.md").rewrite({"peers": peer_rows})
