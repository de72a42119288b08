"""A simulated exchange in a process of its own: ``python exchange_process.py '{"markets": 1000, ...}'``.

It prints one JSON line when it is there. Each line on its standard input is a request that it answers with one JSON line:

- ``struck``: how often each fault struck.
- ``rest``: ends every fault and lets the crowd rest; then the checksums of its books.
- ``vanish``: every connection's socket is closed and nobody is told, neither by FIN nor by RST (Linux, as root).

It ends at the end of its input, or when the exchange fails: whoever waits for a line reads the end then.
"""

import asyncio
import json
import socket
import sys
import time

from kalshi_book import sim

TCP_REPAIR = 19  # of Linux; the socket module has no name for it


async def lines():
    """Read standard input, without a thread that would keep a process that failed from ending."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line.decode().strip()


def vanish(server):
    for each in server._listener._sockets:
        each.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        each.transport.abort()


async def answer(request, server, planted):
    if request == "struck":
        struck = {}
        for each in planted:
            struck[each.fault.kind] = struck.get(each.fault.kind, 0) + each.happened
        return struck
    if request == "vanish":
        vanish(server)
        return None
    assert request == "rest", request
    server.faults.clear()
    server.exchange.rate = 0
    await asyncio.sleep(0.3)
    return {ticker: server.book(ticker).checksum() for ticker in server.markets}


async def main(options):
    faults, serve = options.pop("faults", []), options.pop("serve", {})
    exchange = sim.Exchange(start_ns=time.time_ns(), keyring=sim.keys.Keyring(), **options)
    async with sim.serve(exchange, **serve) as server:
        planted = [server.faults.add(sim.parse(each)) for each in faults]
        where = {"url": server.url, "key_id": server.key_id, "private_key_path": str(server.private_key_path)}
        print(json.dumps({**where, "certificate_path": str(server.certificate_path)}), flush=True)

        async def answer_all():
            async for request in lines():
                print(json.dumps(await answer(request, server, planted)), flush=True)

        both = [asyncio.ensure_future(each) for each in (answer_all(), server.serve_forever())]
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in both:
            each.cancel()
        await asyncio.gather(*(each for each in both if each not in done), return_exceptions=True)
        for each in done:
            each.result()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
