"""An exchange behind one ``async with``: signed, on this machine alone, its truth at hand."""

import asyncio
import json
import logging
import os
import ssl
import stat

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import kalshi_book as kb
from kalshi_book.sim.keys import KEY, SIGNATURE, Keyring, PrivateKey
from kalshi_book.sim.server import serve
from scripted_exchange import TEXT, RawClient, ScriptedExchange, run, tls_on_any_python, until

A, B = "KXSIM-26-A", "KXSIM-26-B"


def subscribe(*tickers, command_id=1):
    params = {"channels": ["orderbook_delta"], "market_tickers": list(tickers), "use_yes_price": True}
    return json.dumps({"id": command_id, "cmd": "subscribe", "params": params})


def as_feed(exchange):
    """A feed for its books, which wants all of them."""
    feed = kb.Feed()
    feed.opened()
    feed.subscribe("orderbook_delta", market_tickers=exchange.markets)
    return feed


def a_client_of(exchange, **options):
    return connect(exchange.url, additional_headers=exchange.headers(), **options)


async def follow(feed, socket, exchange):
    """Feed the frames until all books are as the exchange has them."""
    for command in feed.wanted():
        await socket.send(feed.send(command).decode())

    def differs(ticker):
        book = feed.books.get(ticker)
        return book is None or not book.is_live or book.checksum() != exchange.book(ticker).checksum()

    while any(map(differs, exchange.markets)):
        feed.receive(await socket.recv(decode=False))


def test_a_client_that_signs_holds_the_books_of_the_exchange():
    async def main():
        async with serve(markets=5, seed=7, rate=200) as exchange, a_client_of(exchange) as socket:
            feed = as_feed(exchange)
            await follow(feed, socket, exchange)
            for _ in range(50):
                feed.receive(await socket.recv(decode=False))
            await follow(feed, socket, exchange)
            assert len(exchange.connections) == 1

    run(main)


def test_what_is_done_to_the_exchange_is_seen_by_the_client():
    async def main():
        async with serve(markets=[A, B], seed=7, rate=0) as exchange:
            async with connect(exchange.url, additional_headers=exchange.headers()) as socket:
                feed = as_feed(exchange)
                await follow(feed, socket, exchange)
                exchange.crowd.change(A, outcome_side="yes", price_e4=100, delta_e2=700)
                order = exchange.orders.place(B, outcome_side="no", price="0.0100", size="5", client_order_id="mine")
                await follow(feed, socket, exchange)
                assert feed.books[A].size_at(price_e4=100) >= 7
                assert order.market_ticker == B

                exchange.faults.close(code=1012)
                with pytest.raises(ConnectionClosed) as closed:
                    while True:
                        await socket.recv()
                assert closed.value.rcvd.code == 1012
            assert exchange.life is exchange.exchange.life
            assert exchange.rate == 0
            exchange.rate = 5
            assert exchange.exchange.rate == 5
            assert exchange.say("trade", "trade", {}) == 0

    run(main)


@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
def test_the_key_is_in_a_file_for_its_owner_alone_and_gone_in_the_end(key_type):
    async def main():
        async with serve(markets=1, key_type=key_type) as exchange:
            path = exchange.private_key_path
            if os.name != "nt":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            key = PrivateKey(exchange.key_id, path.read_bytes())
            assert key.key_type == key_type
            now_ms = exchange.exchange.now_ns // 1_000_000
            headers = key.headers("/trade-api/ws/v2", timestamp_ms=now_ms)
            async with connect(exchange.url, additional_headers=headers):
                await until(lambda: exchange.connections)
        assert not path.parent.exists()

    run(main)


def test_no_log_holds_a_secret_however_much_is_logged(caplog):
    """At DEBUG the websockets library would write every header of a handshake."""

    async def main():
        async with serve(markets=1) as exchange:
            headers = exchange.headers()
            secrets = [headers[SIGNATURE], *exchange.private_key_path.read_text().splitlines()[1:-1]]
            async with connect(exchange.url, additional_headers=headers, logger=logging.getLogger("of.the.client")):
                await until(lambda: exchange.connections)
            assert "in, as user" in caplog.text
            said = "\n".join(record.getMessage() for record in caplog.records if record.name != "of.the.client")
            assert not [secret for secret in secrets if secret in said]

    with caplog.at_level(logging.DEBUG):
        run(main)


@pytest.mark.parametrize("headers", [{}, {KEY: "nobody"}])
def test_who_does_not_sign_stays_outside(headers):
    async def main():
        async with serve(markets=1) as exchange:
            with pytest.raises(InvalidStatus) as refused:
                await connect(exchange.url, additional_headers=headers)
            assert refused.value.response.status_code == 401
            assert bytes(refused.value.response.body).startswith(b"every connection is signed: there is no ")

    run(main)


def test_who_signs_with_an_old_time_stays_outside_of_an_exchange_of_today():
    async def main():
        async with serve(markets=1) as exchange:
            key = PrivateKey(exchange.key_id, exchange.private_key_path.read_bytes())
            with pytest.raises(InvalidStatus) as refused:
                await connect(exchange.url, additional_headers=key.headers("/trade-api/ws/v2", timestamp_ms=1))
            assert b"sign afresh" in refused.value.response.body

    run(main)


def test_nobody_has_to_sign_where_that_is_said():
    async def main():
        async with serve(markets=1, signed=False) as exchange:
            assert (exchange.key_id, exchange.private_key_path, exchange.headers()) == (None, None, {})
            async with connect(exchange.url):
                await until(lambda: exchange.connections)

    run(main)


def test_an_exchange_of_ones_own_brings_its_time_and_its_keys():
    """Its clock is in 2026; whoever signs with today's is let in, unless it has a keyring that says otherwise."""

    async def main():
        own = kb.sim.Exchange(markets=1, seed=3)
        began_ns = own.now_ns
        async with serve(own) as exchange:
            assert exchange.exchange is own
            key = PrivateKey(exchange.key_id, exchange.private_key_path.read_bytes())
            async with connect(exchange.url, additional_headers=key.headers("/trade-api/ws/v2", timestamp_ms=1)):
                await until(lambda: exchange.connections)
            assert began_ns <= own.now_ns < began_ns + 60 * 10**9
        assert own.keyring is None

        other = PrivateKey.make("ed25519", key_id="other")
        own.keyring = Keyring()
        own.keyring.add("other", other.public_key, account="other")
        async with serve(own) as exchange:
            for headers in (exchange.headers(), other.headers("/trade-api/ws/v2", timestamp_ms=own.now_ns // 1_000_000)):
                async with connect(exchange.url, additional_headers=headers):
                    await until(lambda: exchange.connections)
                await until(lambda: not exchange.connections)
        assert repr(own.keyring) == "<Keyring of 1 keys>"

    run(main)


def test_an_exchange_of_ones_own_takes_no_arguments_of_a_new_one():
    async def main():
        with pytest.raises(
            kb.UsageError, match=r"^seed, rate: of a new exchange, but there is one already: give it to that$"
        ):
            async with serve(ScriptedExchange(), seed=0, rate=5):
                raise AssertionError("served")

    run(main)


def test_what_an_exchange_does_not_offer_cannot_be_asked_for():
    async def main():
        async with serve(ScriptedExchange()) as served:
            with pytest.raises(AttributeError, match="'ScriptedExchange' object has no attribute 'faults'"):
                served.faults

    run(main)


@tls_on_any_python
def test_with_tls_a_client_that_trusts_the_certificate_comes_in():
    async def main():
        async with serve(markets=1, tls=True) as exchange:
            assert exchange.url.startswith("wss://127.0.0.1:")
            context = ssl.create_default_context(cafile=exchange.certificate_path)
            async with connect(exchange.url, ssl=context, additional_headers=exchange.headers()) as socket:
                await socket.send(subscribe(A))
                assert json.loads(await socket.recv())["type"] == "subscribed"

    run(main)


class TestTheHost:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
    def test_is_of_this_machine_unless_somebody_insists(self, host):
        async def main():
            with pytest.raises(kb.UsageError, match=r"expected a loopback address such as 127.0.0.1, found") as raised:
                async with serve(markets=1, host=host):
                    raise AssertionError("served")
            assert "serve_beyond_this_machine_without_any_warranty" in str(raised.value)

        run(main)

    def test_may_be_another_one_where_somebody_insists(self):
        """192.0.2.1 is nobody's (RFC 5737): what is tried is shown by the failure."""

        async def main():
            with pytest.raises(kb.UsageError, match=r"^cannot listen on 192\.0\.2\.1 port 0: "):
                async with serve(markets=1, host="192.0.2.1", serve_beyond_this_machine_without_any_warranty=True):
                    raise AssertionError("served")

        run(main)

    @pytest.mark.parametrize(("host", "shown"), [("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")])
    def test_of_the_loopback_is_shown_in_the_url(self, host, shown):
        async def main():
            try:
                async with serve(markets=1, host=host, signed=False) as exchange:
                    assert exchange.url.startswith(f"ws://{shown}:")
                    async with connect(exchange.url):
                        pass
            except kb.UsageError as error:
                pytest.skip(f"this machine has no {host}: {error}")

        run(main)


def test_a_failed_start_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def main():
        async with serve(markets=1) as exchange:
            port = int(exchange.url.split(":")[2].split("/")[0])
            own = kb.sim.Exchange(markets=1)
            with pytest.raises(kb.UsageError):
                async with serve(own, port=port, tls=True):
                    raise AssertionError("two on one port")
            assert own.keyring is None
            assert len(os.listdir(tmp_path)) == 1

    run(main)
    assert os.listdir(tmp_path) == []


def test_a_client_that_does_not_read_loses_its_subscription_to_error_25():
    """A reader that is too slow ends with "subscription buffer overflow" (AsyncAPI text, read 2026-10-26)."""

    async def main():
        own = kb.sim.Exchange(markets=[A], rate=0, buffer_bytes=200_000)
        async with serve(own, signed=False) as exchange:
            client = await RawClient.connect(int(exchange.url.split(":")[2].split("/")[0]))
            await client.head()
            client.send(TEXT, subscribe(A).encode())
            changes = 0
            while "overflow" not in {struck.kind for struck in exchange.faults.log}:
                for _ in range(1_000):
                    exchange.crowd.change(A, outcome_side="yes", price_e4=100, delta_e2=100)
                changes += 1_000
                await asyncio.sleep(0)
            frames = []
            while not frames or b'"error"' not in frames[-1]:
                frames.append((await client.frame())[1])
            assert json.loads(frames[-1])["msg"]["code"] == 25
            assert [json.loads(frame)["seq"] for frame in frames[1:]] == list(range(1, len(frames)))
            assert len(frames) < changes
            client.close()

    run(main)


def test_in_virtual_time_the_same_seed_gives_the_same_bytes():
    async def main():
        async with serve(markets=3, seed=7, rate=50) as exchange, a_client_of(exchange) as socket:
            await socket.send(subscribe(*exchange.markets))
            return [await socket.recv(decode=False) for _ in range(1_000)]

    first = run(main, on="virtual")
    assert first == run(main, on="virtual")
    assert json.loads(first[-1])["msg"]["ts_ms"] - json.loads(first[10])["msg"]["ts_ms"] > 10_000


@pytest.mark.long
def test_ten_thousand_markets_fit_on_one_connection():
    """500 tickers in one command are fine, 10,000 on one sid were sustained (observed, 2026)."""

    async def main():
        async with serve(markets=10_000, seed=1, rate=0, key_type="ed25519") as exchange:
            feed = as_feed(exchange)
            async with connect(exchange.url, additional_headers=exchange.headers(), compression=None) as socket:
                snapshots = 0
                while snapshots < 10_000:
                    for command in feed.wanted():
                        await socket.send(feed.send(command).decode())
                    snapshots += feed.receive(await socket.recv(decode=False)).kind is kb.Kind.SNAPSHOT
            assert all(
                feed.books[ticker].checksum() == exchange.book(ticker).checksum() for ticker in exchange.markets[::97]
            )

    run(main, timeout_s=300)
