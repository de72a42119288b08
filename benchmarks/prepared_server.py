"""The exchange of ``prepared.py`` in a process of its own, on sockets: ``python -m benchmarks.prepared_server``.

Its first line of input says what to serve; it answers where, and goes on until the end of its input. Whoever reads asks for
frames itself, so that its clock begins with them: one JSON object a line, on a port beside.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from typing import Any

from kalshi_book.sim.server import serve

from .prepared import PreparedConnection, PreparedExchange, Round


async def paced(connection: PreparedConnection, frames: int, per_second: int) -> None:
    """Send frames one by one, at moments that are as random as those of independent events."""
    rng = random.Random(1)
    due = time.perf_counter()
    for _ in range(frames):
        due += rng.expovariate(per_second)
        if (left := due - time.perf_counter()) > 0:
            time.sleep(left)  # the loop's own timers ring by the millisecond, and there is nothing else to do
        connection.send(1)
        await asyncio.sleep(0)


async def main(*, seed: int, markets: int, deltas: int, tls: list[bool]) -> None:
    """Serve as many exchanges as ``tls`` has members."""
    made = Round.make(seed=seed, markets=markets, deltas=deltas)
    exchanges = [PreparedExchange(made) for _ in tls]

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked = json.loads(line)
            connection = exchanges[asked["exchange"]].connection
            assert connection is not None
            if asked["per_second"]:
                await paced(connection, asked["frames"], asked["per_second"])
            else:
                connection.send(asked["frames"])
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        control = await stack.enter_async_context(await asyncio.start_server(obey, "127.0.0.1", 0))
        places: list[dict[str, Any]] = []
        for number, (exchange, is_secret) in enumerate(zip(exchanges, tls, strict=True)):
            served = await stack.enter_async_context(serve(exchange, tls=is_secret, key_type="ed25519"))
            place = {"url": served.url, "key_id": served.key_id, "private_key": str(served.private_key_path)}
            certificate = None if served.certificate_path is None else str(served.certificate_path)
            port = control.sockets[0].getsockname()[1]
            places.append({**place, "certificate": certificate, "exchange": number, "control": port})
        facts = {"places": places, "truth": made.truth, "frames": len(made.frames), "there": made.there}
        print(json.dumps(facts), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    request = json.loads(sys.stdin.readline())
    asyncio.run(main(**{name: value for name, value in request.items() if name != "do"}))
