"""Run everything, or the parts named: ``python -m benchmarks [PART ...] [--quick] [--json FILE] [--tape FILE]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

import kalshi_book as kb

from . import field, flows, page, peers, report, timing
from .parts import OF_TAPES, PARTS, Options


def arguments() -> argparse.Namespace:
    """Read the command line."""
    listed = "\n".join(f"  {name:<10}{text}" for name, (text, _) in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure kalshi_book beside other ways to keep the same book, from wire bytes to top of book.",
        epilog=f"parts:\n{listed}\n\n`make bench-peers` installs the other packages; without them they are reported absent.",
    )  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these; default: all")
    parser.add_argument("--quick", action="store_true", help="a smoke run, to see that it works; its times mean nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and circumstances there too")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the frames (default: 1)")
    parser.add_argument("--tape", type=Path, metavar="FILE", help="measure the book frames of a recording instead")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="write benchmarks.json, .md and .svg there")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.tape is not None and (outside := set(options.parts) - set(OF_TAPES)):
        parser.error(f"{', '.join(sorted(outside))} cannot run on a recording; {', '.join(OF_TAPES)} can")
    return options


def measure(options: argparse.Namespace) -> tuple[list[report.Row], list[report.Table]]:
    """Run the parts and gather what they find."""
    chosen = options.parts or (PARTS if options.tape is None else OF_TAPES)
    told = Options(options.seed, options.quick, None if options.tape is None else flows.recording(options.tape))
    rows, tables = list[report.Row](), list[report.Table]()
    console = Console(stderr=True)
    with console.status("starting") as status:
        began = time.monotonic()

        def tell(text: str) -> None:
            status.update(f"{time.monotonic() - began:4.0f} s  part {number} of {len(chosen)}, {name}: {text}")

        def log(text: str) -> None:
            print(f"benchmarks: {time.monotonic() - began:4.0f} s  {text}", file=sys.stderr, flush=True)

        timing.listener = tell if console.is_terminal else log
        for number, name in enumerate((name for name in PARTS if name in chosen), 1):  # noqa: B007
            for found in PARTS[name][1](told):
                (rows if isinstance(found, report.Row) else tables).append(found)  # type: ignore[arg-type]
        log(f"{len(rows)} goals and {len(tables)} tables measured")
    return rows, tables


def main() -> int:
    """Measure and report.

    Returns:
        0; 1 where our books are wrong, or the compiled core is not there to be measured. A slow row is a verdict in the
        table, not a failure.
    """
    options = arguments()
    if kb.IMPLEMENTATION != "compiled":
        print("benchmarks: the compiled core is not installed, and only that is measured", file=sys.stderr)
        return 1
    if fault := peers.refresh_ours():
        print(f"benchmarks: kalshi_book could not be installed beside the other packages: {fault}", file=sys.stderr)
        return 1
    facts = report.circumstances(options.seed)
    began = time.monotonic()
    try:
        rows, tables = measure(options)
    except flows.WrongBooks as error:
        print(f"benchmarks: {error}; nothing is reported", file=sys.stderr)
        return 1
    facts["took"] = f"{time.monotonic() - began:,.0f} s"
    losses = field.losses(tables)
    report.show(facts, rows, tables, losses)
    content = report.content(facts, rows, tables, losses)
    if options.json:
        report.write_json(options.json, content)
    if options.docs:
        page.write(options.docs, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
