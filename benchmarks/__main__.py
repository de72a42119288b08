"""Run everything and print one table: ``python -m benchmarks [--quick] [--json FILE] [--seed N] [--tape FILE]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import kalshi_book as kb

from . import book_alone, bytes_to_book, files, frames, process, report, session, simulator


def measured(options: argparse.Namespace) -> Iterator[report.Row]:
    """Give the rows as they are measured."""
    seed, quick = options.seed, options.quick
    if options.tape is not None:
        yield from bytes_to_book.rows(seed=seed, quick=quick, tape=frames.recording(options.tape))
        return
    yield from bytes_to_book.rows(seed=seed, quick=quick, tape=None)
    yield from bytes_to_book.snapshot_rows(quick=quick)
    yield from book_alone.level_rows(seed=seed, quick=quick)
    yield from book_alone.call_rows(seed=seed, quick=quick)
    yield from files.rows(seed=seed, quick=quick)
    yield from session.rows(quick=quick)
    yield from simulator.rows(seed=seed, quick=quick)
    yield from process.memory_rows(quick=quick)
    yield from process.import_rows(quick=quick)


def main() -> int:
    """Measure and report.

    Returns:
        0; 1 where the books are wrong, or the compiled core is not there to be measured. A slow row is a verdict in the
        table, not a failure.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure kalshi_book beside the bare decode.")
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it works; its times mean nothing")
    parser.add_argument("--json", metavar="FILE", help="write the rows and the circumstances there too")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the frames (default: 1)")
    parser.add_argument("--tape", type=Path, metavar="FILE", help="measure the book frames of a recording instead")
    options = parser.parse_args()
    if kb.IMPLEMENTATION != "compiled":
        print("benchmarks: the compiled core is not installed, and only that is measured", file=sys.stderr)
        return 1
    facts = report.circumstances(options.seed)
    try:
        rows = list(measured(options))
    except frames.WrongBooks as error:
        print(f"benchmarks: {error}; nothing is reported", file=sys.stderr)
        return 1
    report.show(facts, rows)
    if options.json:
        report.write_json(options.json, facts, rows)
    return 0


sys.exit(main())
