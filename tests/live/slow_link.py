"""A client and an exchange with one large book, on whatever loopback this process has; prints what became of it.

With a fifth of the real deadlines, so that nobody has to wait for megabytes.
"""

import asyncio
import json
import time

import kalshi_book as kb
from clients import Watch, client_of
from kalshi_book import sim
from kalshi_book.live import liveness
from kalshi_book.sim.keys import Keyring


async def main():
    exchange = sim.Exchange(
        markets=1, seed=7, levels=4500, tick="centi_cent", rate=0, start_ns=time.time_ns(), keyring=Keyring()
    )
    async with sim.serve(exchange, key_type="ed25519") as server:
        began = time.monotonic()
        async with client_of(server, max_silence_s=1) as live:
            watch = Watch(live)
            await live.all_live(timeout_s=60)
            found = {
                "took_s": time.monotonic() - began,
                "largest": live.metrics.bytes,
                "disconnects": live.metrics.disconnects,
                "silences": len(watch.of(kb.events.LinkSilent)),
                "snapshots": sum(n for (kind, _), n in live.metrics.counts.items() if kind is kb.Kind.SNAPSHOT),
            }
            await watch.stop()
    print(json.dumps(found))


if __name__ == "__main__":  # whoever looks for doctests imports it, and keeps the real deadlines
    liveness.DEAD_NS //= 5
    liveness.TICK_NS //= 5
    asyncio.run(asyncio.wait_for(main(), 90))
