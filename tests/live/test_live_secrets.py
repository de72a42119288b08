"""No key and no signature is ever in a log at DEBUG, a repr, an exception or a traceback with all its variables."""

import asyncio
import base64
import gc
import logging
import random
import traceback

import pytest

import kalshi_book as kb
from clients import client_of, run, served, settled
from kalshi_book.live.auth import KeySigner
from kalshi_book.live.hub import World
from kalshi_book.sim import virtual


class Noting:
    """Signs with a real key, and remembers what must not be seen."""

    def __init__(self, server):
        self._pem = server.private_key_path.read_bytes()
        self._signer = KeySigner(server.key_id, self._pem)
        self.key_id = server.key_id
        self.signatures = []

    def sign(self, text):
        signature = self._signer.sign(text)
        self.signatures.append(signature)
        return signature

    def secrets(self):
        """What must not be seen, as texts."""
        body = "".join(self._pem.decode().splitlines()[1:-1])
        seed = base64.b64decode(body)[-32:]
        secrets = [body, seed.hex(), repr(seed)[2:-1], str(list(seed))]
        for signature in self.signatures:
            secrets += [base64.b64encode(signature).decode(), signature.hex(), repr(signature)[2:-1]]
        return secrets


def caught(error):
    """An exception as a tool would print it that shows every variable."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


async def everything(server, signer, seen):
    """Connect, be refused, lose connections, time out, and keep what can be printed of it."""
    async with client_of(server, signer=signer) as live:
        await settled(live, server)
        stream = live.events()
        seen += [repr(live), repr(live._hub.settings.signer), str(live.metrics), repr(live._lanes[0].session._wire)]
        request = live._lanes[0].session._wire.request
        seen.append(f"{request!r} {dict(request.headers.raw_items())}")
        hold = server.faults.hold_commands()
        server.faults.abort(after_s=1)
        for asked in (live.list_subscriptions(), live.subscribe("trade", timeout_s=0.1)):
            with pytest.raises(kb.KalshiBookError) as raised:
                await asked
            seen.append(caught(raised.value))
        hold.cancel()
        server.faults.refuse_connections(status=401, for_s=100)
        server.faults.abort(after_s=5)
        server.faults.truncate(times=5)
        await asyncio.sleep(1000)
        await settled(live, server)
        stream.close()
        seen += [f"{event!r} {event}" async for event in stream]
    for options in (
        {"signer": Elsewhere(signer)},
        {"signer": signer, "world": World(lambda: virtual.now_ns() + 10**14, random.Random(1), {})},
    ):
        with pytest.raises(kb.NotAuthorized) as raised:
            async with client_of(server, **options):
                pass
        seen.append(caught(raised.value))
    failing = Failing(signer)
    entering = asyncio.ensure_future(client_of(server, signer=failing).__aenter__())
    await asyncio.sleep(20)
    entering.cancel()
    await asyncio.wait([entering])
    assert failing.calls > 2
    for each in gc.get_objects():
        if str(type(each).__module__).startswith("kalshi_book.live"):  # a class may have a descriptor of that name
            seen.append(repr(each))


class Elsewhere:
    """Another key id with the same key."""

    def __init__(self, signer):
        self.key_id = "unknown"
        self.sign = signer.sign


class Failing:
    """A signer whose exception quotes the signature."""

    key_id = "x"

    def __init__(self, signer):
        self._signer = signer
        self.calls = 0

    def sign(self, text):
        self.calls += 1
        raise RuntimeError(base64.b64encode(self._signer.sign(text)).decode())


@pytest.mark.long
def test_no_secret_is_ever_shown(caplog):
    seen = []

    async def main():
        async with served() as server:
            signer = Noting(server)
            await everything(server, signer, seen)
            return signer.secrets()

    with caplog.at_level(logging.DEBUG):
        secrets = run(main())
    logged = "".join(f"{each.name} {each.getMessage()} {each.exc_text or ''}\n" for each in caplog.records)
    shown = logged + "\n".join(seen)
    assert len(secrets) > 20
    assert "connection 1 is open" in shown
    assert [secret for secret in secrets if secret in shown] == []
