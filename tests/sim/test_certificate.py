"""A certificate that a careful client takes, for this machine and no other."""

import os
import ssl
import stat
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509

from kalshi_book.sim.certificate import DAYS_VALID, make_certificate

NOW = datetime(2026, 10, 26, 12, tzinfo=timezone.utc)


def handshake(server_context, client_context, name):
    """Let a client and a server that share no socket shake hands."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    open_ones = [client, server]
    while open_ones:
        for side in list(open_ones):
            try:
                side.do_handshake()
                open_ones.remove(side)
            except ssl.SSLWantReadError:
                pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), datetime.now(timezone.utc))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_is_taken_by_a_strict_client_that_trusts_it(made, name):
    path, context = made
    client = ssl.create_default_context(cafile=path)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    handshake(context, client, name)


def test_is_taken_for_no_other_name_and_by_nobody_who_does_not_trust_it(made):
    path, context = made
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(context, ssl.create_default_context(cafile=path), "external-api-ws.kalshi.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="self"):
        handshake(context, ssl.create_default_context(), "localhost")


def test_lasts_from_a_day_before_for_a_month_and_its_key_is_for_its_owner_alone(tmp_path):
    path, _ = make_certificate(tmp_path, NOW)
    found = x509.load_pem_x509_certificate(path.read_bytes())
    assert found.not_valid_before_utc == NOW - timedelta(days=1)
    assert found.not_valid_after_utc == NOW + timedelta(days=DAYS_VALID)
    assert sorted(os.listdir(tmp_path)) == ["certificate-key.pem", "certificate.pem"]
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "certificate-key.pem").stat().st_mode) == 0o600
