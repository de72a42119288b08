"""Virtual time: asyncio programs over an in-memory network, an hour in a moment, the same to the bit each time.

The unmodified client and server of ``websockets`` run on it, and whatever else is written on asyncio's streams, transports
and timers. Nothing waits: where no callback is ready, the clock jumps to the next timer.

>>> import asyncio
>>> from websockets.asyncio.client import connect
>>> from websockets.asyncio.server import serve
>>> from kalshi_book.sim import virtual
>>>
>>> async def echo(connection):
...     async for message in connection:
...         await connection.send(message)
>>>
>>> async def main():
...     loop = asyncio.get_running_loop()
...     async with serve(echo, "exchange.test", 80), connect("ws://exchange.test") as client:
...         asked = loop.time()
...         await client.send("book?")
...         print(await client.recv(), f"{loop.time() - asked:.3f} s")
...         virtual.network().links[0].black_hole()  # the cable is pulled; nobody is told
...         try:
...             await client.recv()
...         except Exception as error:
...             print(f"{loop.time():.3f} s", error)
>>>
>>> virtual.run(main(), seed=7, network=virtual.Network(latency_s=0.020))
book? 0.040 s
50.080 s sent 1011 (internal error) keepalive ping timeout; no close frame received

What can be done to the network while it runs: ``virtual.network()`` has the conditions of new links (latency, jitter,
bandwidth, window) and what a new client finds (`Network.answer`); each live `Link` can be stalled and resumed, turned into a
black hole in one direction or both, or reset. A program that can never go on raises `Deadlock` instead of hanging, one that
spins raises `Livelock`, and what is left behind at the end is reported as `LeftBehind`.
"""

from .errors import Deadlock, LeftBehind, Livelock, VirtualTimeError
from .link import Link
from .loop import VirtualLoop
from .network import Network, Passage, Transcript
from .runner import START_NS, network, now_ns, run

__all__ = [
    "START_NS",
    "Deadlock",
    "LeftBehind",
    "Link",
    "Livelock",
    "Network",
    "Passage",
    "Transcript",
    "VirtualLoop",
    "VirtualTimeError",
    "network",
    "now_ns",
    "run",
]
