"""TLS as it is in the world: certificates that are right and wrong, on real sockets."""

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from websockets.asyncio.server import serve

import kalshi_book as kb
from clients import Watch

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
LOCALHOST = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
ELSEWHERE = [x509.DNSName("exchange.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
NOBODY = (
    "nobody whom this machine trusts vouches for it; if you do, since it is your own proxy's or your test server's, pass "
    'tls=ssl.create_default_context(cafile="its certificate.pem")'
)
ANOTHER = "it is another host's; look at the url, and at who answers for that name"
CLOCK = "look at this machine's clock; if that is right, it is for the exchange to renew it"


class Anybody:
    """Signs anyhow."""

    key_id = "anybody"

    def sign(self, text):
        return b"any"


class Authority:
    """Who vouches for servers."""

    def __init__(self, name="an authority"):
        self._key = generate_private_key(SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key.public_key(), NOW - DAY, NOW + DAY, is_authority=True)

    def _sign(self, name, key, begins, ends, *, is_authority, hosts=()):
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        own_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def context(self, folder, *, hosts=LOCALHOST, begins=NOW - DAY, ends=NOW + DAY, is_own=False):
        """Give what a server needs whose certificate this authority signed, or, with ``is_own``, the server itself."""
        key = self._key if is_own else generate_private_key(SECP256R1())
        name = self._name if is_own else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")])
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem += self._sign(name, key.public_key(), begins, ends, is_authority=False, hosts=hosts)
        (folder / "server.pem").write_bytes(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        return context


@pytest.fixture(scope="module")
def authority():
    return Authority()


@contextlib.asynccontextmanager
async def exchange(context):
    """Serve with a certificate. Gives the port."""

    async def wait(wire):
        await wire.wait_closed()

    async with serve(wait, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


def client_of(port, authority, *, host="localhost"):
    """Make a client that trusts an authority; None: whom the system trusts."""
    tls = None if authority is None else ssl.create_default_context(cadata=authority.certificate.decode())
    return kb.connect(url=f"wss://{host}:{port}", signer=Anybody(), tls=tls)


def refusal(serving, authority, *, host="localhost"):
    """Give what a client raises that is let in by nobody."""

    async def main():
        async with serving as port:
            with pytest.raises(kb.HandshakeRefused) as raised:
                async with client_of(port, authority, host=host):
                    pass
            error = raised.value
            assert (error.host, error.status) == (f"{host}:{port}", None)
            return error.reason

    return asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_right_certificate_lets_the_client_in(host, authority, tmp_path):
    async def main():
        async with exchange(authority.context(tmp_path)) as port, client_of(port, authority, host=host) as live:
            transport = live._lanes[0].session._wire.transport
            return live.metrics.connects, transport.get_extra_info("ssl_object").version()

    assert asyncio.run(asyncio.wait_for(main(), 30)) == (1, "TLSv1.3")


@pytest.mark.parametrize(
    ("host", "wrong", "found"),
    [
        (
            "localhost", {"hosts": ELSEWHERE},
            f"Hostname mismatch, certificate is not valid for 'localhost': {ANOTHER}",
        ),
        (
            "127.0.0.1", {"hosts": ELSEWHERE},
            f"IP address mismatch, certificate is not valid for '127.0.0.1': {ANOTHER}",
        ),
        ("localhost", {"begins": NOW - 2 * DAY, "ends": NOW - DAY}, f"certificate has expired: {CLOCK}"),
        ("localhost", {"begins": NOW + DAY, "ends": NOW + 2 * DAY}, f"certificate is not yet valid: {CLOCK}"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_wrong_is_refused_and_says_what_is(host, wrong, found, authority, tmp_path):
    reason = refusal(exchange(authority.context(tmp_path, **wrong)), authority, host=host)
    assert reason == f"its certificate cannot be verified: {found}"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_certificate_of_an_issuer_whom_nobody_knows_is_refused(is_known, authority, tmp_path):
    """By a client that trusts another authority, and by one that trusts whom the system does."""
    reason = refusal(exchange(Authority("another").context(tmp_path)), authority if is_known else None)
    assert reason == f"its certificate cannot be verified: unable to get local issuer certificate: {NOBODY}"


def test_a_certificate_that_vouches_for_itself_is_refused(authority, tmp_path):
    reason = refusal(exchange(Authority("itself").context(tmp_path, is_own=True)), authority)
    assert reason.startswith("its certificate cannot be verified: self")
    assert reason.endswith(f": {NOBODY}")


def test_a_certificate_that_is_wrong_otherwise_is_refused_in_the_words_of_the_system():
    assert kb.live.trust.what_certificate(23, "certificate revoked") == (
        "its certificate cannot be verified: certificate revoked"
    )


def test_tls_before_1_2_is_refused(authority, tmp_path):
    context = authority.context(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")

    @contextlib.asynccontextmanager
    async def old():
        def serve_one():
            with server.accept()[0] as accepted, contextlib.suppress(ssl.SSLError):
                context.wrap_socket(accepted, server_side=True).close()  # asyncio would close without its alert

        with socket.create_server(("127.0.0.1", 0)) as server:
            serving = asyncio.get_running_loop().run_in_executor(None, serve_one)
            yield server.getsockname()[1]
            await serving

    assert refusal(old(), authority) == "it speaks no TLS of 1.2 or newer"


def test_a_server_that_speaks_no_tls_is_refused(authority):
    @contextlib.asynccontextmanager
    async def plain():
        async def handle(_, writer):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]

    reason = refusal(plain(), authority)
    assert reason == "it does not speak TLS there; look at the url: ws:// or another port?"


def test_a_handshake_that_breaks_off_is_tried_again(authority):
    async def main():
        attempts = []

        async def handle(reader, writer):
            attempts.append(await reader.read(1))
            writer.transport.abort()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            live = client_of(server.sockets[0].getsockname()[1], authority)
            events = live.events()
            entering = asyncio.ensure_future(live.__aenter__())
            failed = await events.__anext__()
            entering.cancel()
            await asyncio.wait([entering])
            return failed, attempts

    failed, attempts = asyncio.run(asyncio.wait_for(main(), 30))
    assert attempts == [b"\x16"]
    assert (failed.reason, failed.is_permanent) == ("ConnectionResetError", False)  # it has no words


def test_a_certificate_that_turns_wrong_later_is_told_loudly_and_tried_slowly(authority, tmp_path):
    """It is loaded anew while the server runs: expired."""

    async def main():
        context = authority.context(tmp_path)
        async with exchange(context) as port, client_of(port, authority) as live:
            watch = Watch(live)
            authority.context(tmp_path, begins=NOW - 2 * DAY, ends=NOW - DAY)
            context.load_cert_chain(tmp_path / "server.pem")
            live._lanes[0].session._wire.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            failed = await watch.next(kb.events.ConnectFailed)
            await watch.stop()
            return failed

    failed = asyncio.run(asyncio.wait_for(main(), 30))
    assert failed.reason == f"its certificate cannot be verified: certificate has expired: {CLOCK}"
    assert failed.is_permanent
    assert failed.retry_ns >= 240 * 10**9
