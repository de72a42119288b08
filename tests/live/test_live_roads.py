"""The way to the exchange: proxies, signers that fail, answers that are written by others; and what comes of a bad spell."""

import asyncio
import contextlib

import pytest

import kalshi_book as kb
from clients import A, B, C, Watch, client_of, play, run, served
from kalshi_book import sim
from kalshi_book.live import wire
from kalshi_book.live.auth import KeySigner


class Anybody:
    key_id = "anybody"

    def sign(self, text):
        return b"any"


@contextlib.asynccontextmanager
async def proxy(asked, answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
    """An HTTP proxy on loopback, to which every name is this machine."""

    async def serve_one(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode())
        port = int(head.split()[1].rpartition(b":")[2])
        writer.write(answer)
        if b"200" in answer:
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(reader, back), pump(there, writer))
        writer.close()

    async def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 16):
                sink.write(data)
        sink.close()

    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def environment(monkeypatch):
    """Without the proxies of this machine's environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy", "ws_proxy", "wss_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


class TestAProxy:
    def test_of_the_environment_is_used_and_sees_no_signature(self, environment):
        asked = []

        async def main():
            async with proxy(asked) as port, sim.serve(sim.Exchange(markets=1, seed=1), key_type="ed25519") as exchange:
                environment.setenv("http_proxy", f"http://127.0.0.1:{port}")
                signer = KeySigner(exchange.key_id, exchange.private_key_path.read_bytes())
                url = exchange.url.replace("127.0.0.1", "exchange.test")
                async with kb.connect(url=url, signer=signer, market_tickers=exchange.markets) as live:
                    await live.book(A)

        asyncio.run(main())
        (head,) = asked
        assert head.startswith("CONNECT exchange.test:")
        assert "KALSHI" not in head.upper().replace("KALSHI-BOOK", "")

    def test_is_not_asked_the_way_to_this_machine(self, environment):
        """``kb.connect("sim")`` went by the proxy of the office."""
        environment.setenv("http_proxy", "http://proxy.test:1")

        async def main():
            async with kb.connect("sim", market_tickers=[A]) as live:
                return (await live.book(A, timeout_s=10)).is_live

        assert asyncio.run(main())

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ("http://me:SENTINEL@proxy.test/path", "path is meaningless"),
            ("gopher://me:SENTINEL@proxy.test", "scheme gopher isn't supported"),
        ],
    )
    def test_that_cannot_be_used_is_said_without_its_password(self, environment, value, found):
        environment.setenv("http_proxy", value)

        async def main():
            async with kb.connect(url="ws://exchange.test", signer=Anybody()):
                pass

        with pytest.raises(kb.HandshakeRefused) as raised:
            asyncio.run(main())
        assert str(raised.value).endswith(f"the proxy of the environment cannot be used: {found}")
        assert "SENTINEL" not in str(raised.value)

    def test_that_needs_another_package_is_said(self, environment, monkeypatch):
        """It was tried for ever, with the name of an exception for a reason."""
        environment.setenv("http_proxy", "socks5h://127.0.0.1:1")

        async def missing(self):
            raise ImportError("python-socks is required to use a SOCKS proxy")

        monkeypatch.setattr(wire._Connect, "__await__", lambda self: missing(self).__await__())

        async def main():
            async with kb.connect(url="ws://exchange.test", signer=Anybody()):
                pass

        with pytest.raises(kb.HandshakeRefused, match=r"cannot be used: python-socks is required to use a SOCKS proxy$"):
            asyncio.run(main())

    def test_that_refuses_is_tried_again(self, environment):
        asked = []

        async def main():
            async with proxy(asked, b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as port:
                environment.setenv("http_proxy", f"http://127.0.0.1:{port}")
                live = kb.connect(url="ws://exchange.test:80", signer=Anybody())
                events = live.events()
                entering = asyncio.ensure_future(live.__aenter__())
                event = await events.__anext__()
                entering.cancel()
                await asyncio.wait([entering])
                return event

        event = asyncio.run(main())
        assert (event.is_permanent, event.reason) == (False, "proxy rejected connection: HTTP 502")


class TestASigner:
    @pytest.mark.parametrize("error", [OSError, TimeoutError, ValueError])
    def test_that_raises_is_named_and_not_quoted(self, error):
        class Broken:
            key_id = "key"

            def sign(self, text):
                raise error("SENTINEL")

        async def main():
            async with served() as exchange:
                live = client_of(exchange, signer=Broken())
                watch = Watch(live)
                entering = asyncio.ensure_future(live.__aenter__())
                failed = await watch.next(kb.events.ConnectFailed)
                entering.cancel()
                await asyncio.wait([entering])
                await watch.stop()
                return failed

        failed = run(main())
        assert failed.reason == f"the signer raised {error.__name__}"
        assert not failed.is_permanent

    def test_and_a_key_are_one_too_many(self):
        for named in ({"key_id": "id"}, {"private_key": "key.pem"}, {"passphrase": "word"}):
            with pytest.raises(
                kb.UsageError, match=r"^pass a signer= or a key \(key_id=, private_key=, passphrase=\), not bot"
            ):
                kb.connect("demo", signer=Anybody(), **named)


def test_tls_for_a_url_without_it_is_refused_at_once():
    """It was tried for ever: "the handshake failed: ValueError"."""
    with pytest.raises(kb.UsageError, match=r"^tls= is for wss:// urls, and ws://exchange\.test/trade-api/ws/v2 is none$"):
        kb.connect(url="ws://exchange.test", signer=Anybody(), tls=object())


def test_what_others_write_is_one_line_of_the_log():
    async def main():
        async def handle(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            body = b"<html>\r\n  no\x1b[31m entry\n</html>"
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await reader.read()
            writer.close()

        async with await asyncio.start_server(handle, "exchange.test", 80):
            with pytest.raises(kb.NotAuthorized) as raised:
                await kb.connect(url="ws://exchange.test", signer=Anybody()).__aenter__()
        return str(raised.value)

    assert "HTTP status 403 (<html> no [31m entry </html>): look at" in run(main())


class TestABadSpell:
    def test_is_forgotten_also_with_a_market_that_is_never_live(self):
        """A settled or mistyped market kept the delays at their cap for ever."""

        async def scenario(live, exchange):
            for _ in range(6):
                exchange.faults.abort()
                await asyncio.sleep(40)
            await asyncio.sleep(300)
            assert live.books["TYPO"].state == "unavailable"
            return live._lanes[0].backoff.failures

        assert play(scenario, client={"market_tickers": [A, "TYPO"]}) == 0


class TestAnAudit:
    def test_counts_as_unanswered_what_never_came_alone(self):
        """One answer that was missing made all of them count as missing."""

        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.no_snapshots(market_ticker=B)
            await asyncio.sleep(75)
            return live.metrics.audits, live.metrics.audits_unanswered

        assert play(scenario, client={"market_tickers": [A, B, C]}) == (2, 1)


class TestTheEndOfALink:
    def test_is_told_with_its_cause(self):
        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            transport = live._lanes[0].session._wire.transport
            transport._end(ConnectionResetError("by peer"))
            ended = await watch.next(kb.events.Disconnected)
            await watch.stop()
            return ended.reason

        assert play(scenario) == "it broke off: ConnectionResetError: by peer"
