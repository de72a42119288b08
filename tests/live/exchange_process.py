"""A simulated exchange in a process of its own: ``python exchange_process.py '{"markets": 1000, ...}'``.

It prints one JSON line when it is there. A line on its standard input ends every fault and lets the crowd rest; it then
prints the checksums of its books as one JSON line, and ends at the end of its input.
"""

import asyncio
import json
import sys
import time

from kalshi_book import sim


async def main(options):
    faults, serve = options.pop("faults", []), options.pop("serve", {})
    exchange = sim.Exchange(start_ns=time.time_ns(), keyring=sim.keys.Keyring(), **options)
    async with sim.serve(exchange, **serve) as server:
        planted = [server.faults.add(sim.parse(each)) for each in faults]
        where = {"url": server.url, "key_id": server.key_id, "private_key_path": str(server.private_key_path)}
        print(json.dumps({**where, "certificate_path": str(server.certificate_path)}), flush=True)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            for each in planted:
                each.cancel()
            server.exchange.rate = 0
            await asyncio.sleep(0.3)
            books = {ticker: server.book(ticker).checksum() for ticker in server.markets}
            struck = {each.fault.kind: each.happened for each in planted}
            print(json.dumps({"books": books, "struck": struck}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
