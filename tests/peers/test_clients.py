"""Clients that nobody here wrote connect, sign, subscribe, and end in the books of the simulated exchange.

They are installed from the package index into environments of their own, in a cache: `make peers`. Where that cannot be
done, the tests say so and are skipped.
"""

import asyncio
import contextlib
import json
import random
from decimal import Decimal
from pathlib import Path

import pytest

from kalshi_book.sim.server import serve
from peer_environments import environment
from scripted_exchange import run

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent
PINNED = {"pykalshi": "2.0.0", "synpath": "0.11.0"}


class Follower:
    """A client in a process of its own, which prints its books after each message."""

    def __init__(self, process):
        self._process = process
        self.books = {}

    async def reaches(self, exchange):
        """Read until its books are those of the exchange."""
        while not all(self.books.get(ticker) == truth(exchange, ticker) for ticker in exchange.markets):
            line = await self._process.stdout.readline()
            assert line, (await self._process.stderr.read()).decode()
            self.books = {ticker: as_integers(book) for ticker, book in json.loads(line).items()}


def truth(exchange, ticker):
    book = exchange.book(ticker)
    return {"yes": dict(book.yes), "no": dict(book.no)}


def as_integers(book):
    if book is None:
        return None
    return {
        side: {int(Decimal(price) * 10_000): int(Decimal(size) * 100) for price, size in levels.items()}
        for side, levels in book.items()
    }


@contextlib.asynccontextmanager
async def following(name, python, exchange):
    ready = json.dumps({"url": exchange.url, "key_id": exchange.key_id, "private_key_path": str(exchange.private_key_path)})
    process = await asyncio.create_subprocess_exec(
        python, HERE / f"follow_{name}.py", ready, *exchange.markets,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    try:
        yield Follower(process)
    finally:
        process.kill()
        await process.wait()


def trade(exchange, *, seed, changes=200):
    """Let the books change, own orders among the rest."""
    rng = random.Random(seed)
    for n in range(changes):
        ticker = rng.choice(exchange.markets)
        exchange.crowd.change(ticker, outcome_side=rng.choice(["yes", "no"]), price_e4=100, delta_e2=rng.randrange(1, 900))
        if n % 20 == 0:
            exchange.orders.place(ticker, outcome_side="yes", price="0.0200", size="1.5", client_order_id=f"mine-{n}")


def follow(name, *, key_type, between):
    python, why_not = environment(name, PINNED[name])
    if python is None:
        pytest.skip(f"{name} {PINNED[name]} cannot be installed: {why_not}")

    async def main():
        serving = serve(markets=3, seed=7, rate=0, key_type=key_type)
        async with serving as exchange, following(name, python, exchange) as follower:
            await follower.reaches(exchange)
            trade(exchange, seed=1)
            await follower.reaches(exchange)
            between(exchange)
            trade(exchange, seed=2)
            await follower.reaches(exchange)

    run(main, timeout_s=60)


def nothing(_):
    """Go on."""


def disconnect(exchange):
    exchange.faults.abort()


def lose_a_frame(exchange):
    exchange.faults.drop(type="orderbook_delta")


@pytest.mark.parametrize("between", [nothing, disconnect])
def test_pykalshi_ends_in_the_books_of_the_exchange(between):
    """It loads RSA keys only, and does not look at the numbers of frames, so one that is lost is not for it."""
    follow("pykalshi", key_type="rsa", between=between)


@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
@pytest.mark.parametrize("between", [nothing, disconnect, lose_a_frame])
def test_synpath_ends_in_the_books_of_the_exchange(key_type, between):
    """It sees the gap, and asks for snapshots."""
    follow("synpath", key_type=key_type, between=between)
