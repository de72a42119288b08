"""What docs/data.md shows is what happens, and its tables are those of the code."""

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

import kalshi_book as kb
from kalshi_book.cli.main import main
from libraries import library

for needed in ("pyarrow", "polars", "pandas", "duckdb", "matplotlib"):
    library(needed)

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$(?:\n^```\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def rows_of(table):
    for column in table.columns:
        type_ = {"word": "dictionary of string", "text": "string"}.get(column.type, column.type)
        yield f"| `{column.name}` | {type_}{', null' if column.nullable else ''} | {column.what} |"


@pytest.mark.parametrize("table", [kb.tables.BOOK, *kb.tables.EVENT_TABLES], ids=lambda table: table.name)
def test_a_table_is_that_of_the_code(table):
    """To write it anew: python tests/test_data_docs.py"""
    block = re.search(rf"<!-- {table.name}: .*? -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)[1]
    assert block.splitlines()[2:] == list(rows_of(table))


def test_what_the_page_shows_is_what_happens(tmp_path, monkeypatch):
    """To write what is shown anew: python tests/test_data_docs.py"""
    monkeypatch.chdir(tmp_path)
    for shown, happens in played():
        assert happens == shown
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".png") == ["sample.png"]


def test_the_last_example_is_one_that_runs(tmp_path, monkeypatch):
    names = {"kb": kb}
    exec(BLOCK.findall(PAGE.read_text())[-2][1], names)
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), kb.replay(kb.SAMPLE_TAPE) as tape:
        for number, update in enumerate(tape):
            names["on_frame"](update.frame, number)
        names["on_end"]()
    assert screen.getvalue().splitlines() == ["deltas 10000", "deltas 2393", "quotes 2577"]


def test_the_picture_is_small_and_there():
    picture = (PAGE.parent / "data.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) < 150_000


def played():
    """Run each block in this folder; give what the page shows, and what happens."""
    shutil.copy(kb.SAMPLE_TAPE, "sample.ndjson.gz")
    names = {}
    for language, code, output in BLOCK.findall(PAGE.read_text()):
        screen = io.StringIO()
        with contextlib.redirect_stdout(screen):
            if language == "python":
                exec(compile(code, str(PAGE), "exec"), names)
            else:
                command, output = code.split("\n", 1)
                words = shlex.split(command.removeprefix("$ kalshi-book ").partition(" | ")[0])
                assert main(words) == 0
        happens = screen.getvalue()
        if "| tail -3" in code:
            happens = "".join(happens.splitlines(keepends=True)[-3:])
        yield output, happens


def write_anew():
    """Put in what the code says."""
    import os
    import tempfile

    text = PAGE.read_text()
    for table in (kb.tables.BOOK, *kb.tables.EVENT_TABLES):
        head = re.search(rf"(<!-- {table.name}: .*? -->\n)(.*?)<!-- end -->", text, re.DOTALL)
        rows = "".join(f"{row}\n" for row in ("| column | type | what |", "|---|---|---|", *rows_of(table)))
        text = text.replace(head[0], f"{head[1]}{rows}<!-- end -->")
    PAGE.write_text(text)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        found = list(played())
    blocks = list(BLOCK.finditer(text))
    for block, (shown, happens) in reversed(list(zip(blocks, found, strict=True))):
        if shown != happens:
            start, end = block.span(3)
            assert start >= 0, block[0]
            text = text[:start] + happens + text[end:]
    PAGE.write_text(text)


if __name__ == "__main__":
    write_anew()
