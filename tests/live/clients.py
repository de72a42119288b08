"""A simulated exchange and a live client on it, in virtual time: hours in a moment, the same for the same seed."""

import asyncio
import contextlib
import math

import kalshi_book as kb
from kalshi_book import sim
from kalshi_book.live.auth import KeySigner
from kalshi_book.sim import virtual
from kalshi_book.sim.happenings import BookCleared, LevelChanged
from kalshi_book.sim.keys import Keyring

A, B, C = "KXSIM-26-A", "KXSIM-26-B", "KXSIM-26-C"
BOOK = "orderbook_delta"
SECOND = 1_000_000_000


def play(scenario, *, seed=0, network=None, client=None, serve=None, max_turns=100_000, **exchange):
    """Run ``scenario(live, exchange)`` with a client that is connected, and give what it gives."""

    async def main():
        async with served(serve, **exchange) as server, client_of(server, **(client or {})) as live:
            return await scenario(live, server)

    return run(main(), seed=seed, network=network, max_turns=max_turns)


def run(main, *, seed=0, network=None, **more):
    """Run a coroutine in virtual time."""
    return virtual.run(main, seed=seed, network=network, **more)


@contextlib.asynccontextmanager
async def served(serve=None, **exchange):
    """Serve an exchange of three markets, and some level changes a second."""
    options = {"markets": 3, "seed": 7, "rate": 20, "start_ns": virtual.now_ns(), "keyring": Keyring(), **exchange}
    async with sim.serve(sim.Exchange(**options), key_type="ed25519", **(serve or {})) as server:
        yield server


def client_of(server, **options):
    """Make a client of a server, which wants all of its markets."""
    signer = KeySigner(server.key_id, server.private_key_path.read_bytes())
    given = {"url": server.url, "signer": signer, "market_tickers": server.markets, **options}
    return kb.connect(**given)


class Watch:
    """Every event of a client, in a list, and how many there were of a type."""

    def __init__(self, live):
        self.events = []
        self._stream = live.events()
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self):
        async for event in self._stream:
            self.events.append(event)

    def of(self, *types):
        """Those of some types."""
        return [event for event in self.events if isinstance(event, types)]

    async def next(self, type_, *, timeout_s=600):
        """Wait for the next one of a type."""
        seen = len(self.of(type_))
        async with asyncio.timeout(timeout_s) if hasattr(asyncio, "timeout") else contextlib.nullcontext():
            while len(self.of(type_)) == seen:
                await asyncio.sleep(0.01)
        return self.of(type_)[-1]

    async def stop(self):
        """End watching."""
        self._stream.close()
        await self._task


class Truth:
    """Every state that each book of an exchange ever had, by the market's clock."""

    def __init__(self, exchange):
        self._exchange = exchange
        self._states = {}
        self._newest = {}  # the clock of each market
        self._over = {}  # since when it is no more
        self.checks = 0
        self._note_all()
        exchange.venue.listen(self._happened)
        maintenance = exchange.venue.maintenance

        def clocks_fall():
            maintenance()
            self._note_all()

        exchange.venue.maintenance = clocks_fall

    def _note_all(self):
        for ticker in self._exchange.venue.listings:
            self._note(ticker)

    def _happened(self, happening):
        if isinstance(happening, (LevelChanged, BookCleared)):
            self._note(happening.market_ticker)

    def _note(self, ticker):
        # Copies of the ladders: a book made of each state, and its checksum, would take most of the time of a run.
        listing = self._exchange.venue.listings[ticker]
        state = [ladder.sizes.copy() for ladder in listing.book.ladders]
        self._states.setdefault((ticker, listing.clock), []).append(state)
        before = self._newest.get(ticker)
        if before is not None and before != listing.clock:
            self._over[ticker, before] = asyncio.get_running_loop().time()
        self._newest[ticker] = listing.clock

    def check(self, live, *, max_age_s=math.inf):
        """A book that is LIVE is one that the exchange had at that clock, and within so many seconds."""
        now = asyncio.get_running_loop().time()
        for ticker, book in live.books.items():
            if book.is_live:
                self.checks += 1
                assert levels_of(book) in self._states[ticker, book.clock], (ticker, book)
                if book.clock != self._newest[ticker]:
                    assert now - self._over[ticker, book.clock] <= max_age_s, (ticker, book)


def levels_of(book):
    """Give what is bid in a book: size_e2 by price_e4, YES and NO."""
    return [{level.price_e4: level.size_e2 for level in book.bids(outcome_side=side)} for side in ("yes", "no")]


def is_true(book, server):
    """Tell whether a book is LIVE and the exchange's of this moment."""
    if not book.is_live:
        return False
    true = server.book(book.market_ticker)
    return levels_of(book) == [dict(true.yes), dict(true.no)]


async def settled(live, server, *, timeout_s=600):
    """Wait until every book is LIVE, then compare all of them with the truth of a moment in which nothing is under way."""
    await live.all_live(timeout_s=timeout_s)
    await asyncio.sleep(0)
    for _ in range(2000):
        if all(is_true(book, server) for book in live.books.values()):
            break
        await asyncio.sleep(0.003)
    else:
        raise AssertionError([(t, b, server.book(t).checksum(), b.last_known.checksum()) for t, b in live.books.items()])
    assert {t: book.checksum() for t, book in live.books.items()} == {t: server.book(t).checksum() for t in live.books}
