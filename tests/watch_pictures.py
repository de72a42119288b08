"""The pictures of docs/watch.md and README.md: a simulated exchange in virtual time, the same ones from the same seed.

To draw them anew: ``make picture``.
"""

import asyncio
import html
import io
import re

from rich.console import Console

import kalshi_book as kb
from kalshi_book.cli.demo import MARKETS, liven
from kalshi_book.cli.watch.picture import picture
from kalshi_book.cli.watch.sources import LiveSource
from kalshi_book.sim import virtual
from pages import ROOT, SEED

PAGES = ("README.md", "docs/watch.md")
DRAWN = ("live", "stale")
_ON_A_PAGE = re.compile(r"<!-- picture: (\w+) -->\n```\n(.*?)(?=```\n)", re.DOTALL)


def scenes():
    """Give the sight of each picture, by its name, and from which side it is seen."""

    async def main():
        source = LiveSource(kb.connect("sim"), "sim", MARKETS, now_ns=virtual.now_ns, settle_in=liven)
        running = asyncio.ensure_future(source.run())
        await asyncio.sleep(1.2)
        found = {"live": picture(source.sight(MARKETS[0])), "no": picture(source.sight(MARKETS[0]), outcome_side="no")}
        source.live.exchange.faults.add("refuse_connections:status=503")
        source.live.exchange.faults.abort()
        await asyncio.sleep(5)
        found["stale"] = picture(source.sight(MARKETS[0]))
        running.cancel()
        await asyncio.wait([running])
        return found

    return virtual.run(main(), seed=SEED)


def svg(lines):
    """Draw lines as a terminal would."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(line, no_wrap=True)
    drawn = console.export_svg(title="kalshi-book watch", unique_id="watch")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # nothing is loaded from elsewhere


def text(lines):
    """Write lines as the pages have them."""
    return "".join(f"{line.plain.rstrip()}\n" for line in lines)


def letters(drawn):
    """Give what is written in a drawing."""
    return html.unescape("".join(re.findall(r">([^<>]+)</text>", drawn)))


def file_of(name):
    """Give where a picture is kept."""
    return ROOT / "docs" / f"watch-{name}.svg"


def shown(page):
    """Give the pictures that stand on a page as text, by their names."""
    return dict(_ON_A_PAGE.findall((ROOT / page).read_text()))


if __name__ == "__main__":
    found = scenes()
    for name in DRAWN:
        file_of(name).write_text(svg(found[name]))
    for page in PAGES:
        path = ROOT / page
        path.write_text(
            _ON_A_PAGE.sub(lambda match: match[0].removesuffix(match[2]) + text(found[match[1]]), path.read_text())
        )
