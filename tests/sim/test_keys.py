"""Who may come in: signatures of others are understood, and what is wrong with one is said."""

import os
import shutil
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

import kalshi_book as kb
from kalshi_book.sim.keys import KEY, MAX_SKEW_MS, SIGNATURE, TIMESTAMP, Keyring, PrivateKey, Unauthorized, signed_text

PATH = "/trade-api/ws/v2"
NOW_MS = 1793000000123

# Made by OpenSSL 3.0.19: `openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign` and
# `openssl pkeyutl -sign -rawin`, of the text 1793000000123GET/trade-api/ws/v2. The RSA key itself was thrown away.
RSA_PUBLIC = b"""\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzAI0Tclolt/3lrRTtWTh
alJADQwQjLVyaJS2lFtvSwexmQq9yNU1OobyfNAl2TpAbv9f5jVBkXnvYJ4sEsHB
hG7MYLVmrAjoTAV91Tlnv0AcZU1YOPBUcPMOPjEZc3TAVX0JzIpk9lfK/Qd7WKcc
LxNJBVptxWwrq3l+DVs5JBrDyGKS2jODEiPUK0fZFWqtp3hti3RBNYo7uwzC9a9B
7tIRCrnjoUIjozTCyNvEUmPoh7eOrooFm3GaISmXvUkFLBvyFvHUBq3Xj5tFBYfa
QvSptcTu9VWdXWJSeHywFSGhk6BNIGnoCJ2ZZBw8QBZy5vrGTUTvEXcPcdaGK8j7
aQIDAQAB
-----END PUBLIC KEY-----
"""
RSA_SIGNATURE = (
    "DHSttqcTNIJ80ryvKSmXv6CLH5jLaneu4nkSKc7jW38ilpHU+WeFEH6zb9PCRUFHsGN3oJ2LaXy6fGq1z8o6lW1ZQtHwuEvOrSL0"
    "kfj2tMmUZ+y8CgcPhE4J/DaxNRMgt+JxKxQ73OlsFfteZJgAWzvL+ImrdbMASXQxr3e9kFwUCk1C3x+tWVCZfF3hzX4Nd0ZXdcjx"
    "xJsMN/L+Yq/lHJV8hvCd2+62k9j7D5gnuWPKt8J4F7AKMSSC065KY1QS2r2XdqDstqou4J4gv6egBX+0erT0+6sc7SeA+E5DMt2z"
    "PAosGWNPxb+vrIAsJw1cK2hA+FHbM6OKpzRMdtIn4Q=="
)
RSA_SALT_OF_20 = (
    "wsMkC4RAhCbA4WDbqHMd14HmdmUNDk6hvxMBrDPIwry6jMaY7+OeV0xTzkAYuxR2VCnEblbFLbUSsGIvbeOQKGVAdKtCX+NVqHYs"
    "qaMDa700DWmnLRMNADLdS28gvHt+u0h6mMGxCIxM0w65496Vs0Rf5VjJeXxeHtAReIx42cg7BTXMv0v5lxg++2AjwxC8Wcnx73gN"
    "+wQ48xut0hdKbfLZWbz2GaO37ynJXNjDHKPB6tuAB8zxjZmuIjBsxKDCPFjjyvhnlJoVGG1yfbj0uxPyyft6lUI7/3FFC/aetvAh"
    "o08CTDtdyam8Z7Hpk2NNFOxwD6eR/mgVGwcmNzBzbA=="
)
RSA_PKCS1_V15 = (
    "sH0eNE1EkKs1v3RQIYLcKs3cGOjDtUhkqd4X0teefQ34A7Vf7UsPv2UOvsWWsdRhoLQBRZ8SFUnU/HHWhTXLkBYIQNlPwT5ggRqv"
    "F8fu178FmzMGlBQFKDDXu+VkMt3IQLY3zLQtJqFoBXDVIy651aM9CNP9v69aaQDtP0Ofq0NF/BEl7OIj22figXrqc8gc/DCjXAY9"
    "RkNTTb90TTe/BcxaCIs3wqTlKZlah8blTwGP2e8Pe7DpuVaYm6J0prmk+09mZknGRKvQBYvKj0idBAzQkjTHJasKgcb5FXe54dyJ"
    "tvpnVjEY/rTmP6YvB9MNeOWCakTLZYBXoK3oXdydiQ=="
)
# The key of RFC 8032, section 7.1, test 1, which everybody knows.
ED25519_PRIVATE = b"""\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
ED25519_PUBLIC = b"""\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""
ED25519_SIGNATURE = "IHncOE+3vtv2+KLGb4aacYwLoJX4vLLFz7Rkf743Ryn/9i9ZWRJTLsz4Wxuf4e+Nbl0CnznKOqd3htrDhgLvBw=="


@pytest.fixture(scope="module")
def rsa_key():
    return PrivateKey.make("rsa", key_id="mine")


@pytest.fixture
def ring():
    ring = Keyring()
    ring.add("an-rsa-key", RSA_PUBLIC, account="alice")
    ring.add("an-ed25519-key", ED25519_PUBLIC, account="bob")
    return ring


def signed(key_id="an-rsa-key", signature=RSA_SIGNATURE, timestamp=str(NOW_MS)):
    return {KEY: key_id, TIMESTAMP: timestamp, SIGNATURE: signature}


class TestAHandshake:
    @pytest.mark.parametrize(
        ("headers", "account"),
        [(signed(), "alice"), (signed("an-ed25519-key", ED25519_SIGNATURE), "bob")],
    )
    def test_signed_by_openssl_comes_in(self, ring, headers, account):
        """The published way to sign (API keys page, AsyncAPI text, read 2026-10-26), done by a tool that is not ours."""
        assert ring.account_of(PATH, headers, now_ms=NOW_MS) == account

    def test_names_of_headers_come_in_any_case(self, ring):
        headers = {name.lower(): value for name, value in signed().items()}
        assert ring.account_of(PATH, headers, now_ms=NOW_MS) == "alice"

    def test_does_not_sign_the_query(self, ring):
        assert ring.account_of(f"{PATH}?version=2", signed(), now_ms=NOW_MS) == "alice"

    @pytest.mark.parametrize("skew_ms", [-MAX_SKEW_MS, MAX_SKEW_MS])
    def test_may_be_as_old_or_as_new_as_is_allowed_and_no_more(self, ring, skew_ms):
        assert ring.account_of(PATH, signed(), now_ms=NOW_MS + skew_ms) == "alice"
        now_ms = NOW_MS + skew_ms + (1 if skew_ms > 0 else -1)
        refused = ring.account_of(PATH, signed(), now_ms=now_ms)
        assert refused == Unauthorized(
            f"KALSHI-ACCESS-TIMESTAMP: 10001 ms {'behind' if skew_ms > 0 else 'ahead of'} the exchange's clock ({now_ms}), "
            "at most 10000 are allowed: sign afresh, in milliseconds, for every connection"
        )

    def test_may_be_of_any_time_where_no_limit_is_set(self):
        ring = Keyring(max_skew_ms=None)
        ring.add("an-rsa-key", RSA_PUBLIC)
        assert ring.account_of(PATH, signed(), now_ms=0) == "user"

    @pytest.mark.parametrize("name", [KEY, TIMESTAMP, SIGNATURE])
    @pytest.mark.parametrize("without", ["the header", "a value"])
    def test_lacks_nothing(self, ring, name, without):
        headers = signed()
        if without == "the header":
            del headers[name]
        else:
            headers[name] = ""
        refused = ring.account_of(PATH, headers, now_ms=NOW_MS)
        assert refused == Unauthorized(f"every connection is signed: there is no {name}")

    def test_without_any_header_is_told_of_all_three(self, ring):
        assert ring.account_of(PATH, {}, now_ms=NOW_MS) == Unauthorized(
            "every connection is signed: there is no KALSHI-ACCESS-KEY, no KALSHI-ACCESS-TIMESTAMP, "
            "no KALSHI-ACCESS-SIGNATURE"
        )

    def test_with_an_unknown_key_is_refused(self, ring):
        assert ring.account_of(PATH, signed("nobody"), now_ms=NOW_MS) == Unauthorized(
            "KALSHI-ACCESS-KEY: no such key here (keys of one environment are unknown in another)"
        )

    @pytest.mark.parametrize("timestamp", ["now", "1793000000.123", "-5", " 1793000000123", "١٧٩", "9" * 20, "\udce9"])
    def test_with_a_timestamp_that_is_no_number_is_refused(self, ring, timestamp):
        assert ring.account_of(PATH, signed(timestamp=timestamp), now_ms=NOW_MS) == Unauthorized(
            "KALSHI-ACCESS-TIMESTAMP: expected unix milliseconds, as digits, found something else"
        )

    @pytest.mark.parametrize("timestamp", ["1793000000", "1793000000123000"])
    def test_in_seconds_or_microseconds_is_far_off(self, ring, timestamp):
        refused = ring.account_of(PATH, signed(timestamp=timestamp), now_ms=NOW_MS)
        assert "sign afresh, in milliseconds" in refused.reason

    @pytest.mark.parametrize(
        "signature",
        [RSA_SALT_OF_20, RSA_PKCS1_V15, ED25519_SIGNATURE, RSA_SIGNATURE[:-4], "no base64!", RSA_SIGNATURE + "\n", "ü"],
    )
    def test_with_another_signature_is_refused(self, ring, signature):
        """Another salt, another scheme, another key's, cut, no base64: the answer is the same and says what is right."""
        assert ring.account_of(PATH, signed(signature=signature), now_ms=NOW_MS) == Unauthorized(
            "KALSHI-ACCESS-SIGNATURE: expected the base64 of a signature by RSA-PSS (SHA-256, MGF1 with SHA-256, salt of 32 "
            "bytes) of '1793000000123GET/trade-api/ws/v2', found another"
        )

    def test_with_another_ed25519_signature_is_refused(self, ring):
        refused = ring.account_of(PATH, signed("an-ed25519-key"), now_ms=NOW_MS)
        assert refused.reason.startswith("KALSHI-ACCESS-SIGNATURE: expected the base64 of a signature by Ed25519 of '1793")

    @pytest.mark.parametrize("path", ["/trade-api/ws/v2/margin", "/", "/caf\udce9"])
    def test_of_another_path_is_refused(self, ring, path):
        assert isinstance(ring.account_of(path, signed(), now_ms=NOW_MS), Unauthorized)

    def test_of_another_moment_is_refused(self, ring):
        assert isinstance(ring.account_of(PATH, signed(timestamp=str(NOW_MS + 1)), now_ms=NOW_MS), Unauthorized)


class TestAKeyring:
    def test_lets_a_key_in_until_it_is_removed(self, ring):
        ring.remove("an-rsa-key")
        assert isinstance(ring.account_of(PATH, signed(), now_ms=NOW_MS), Unauthorized)
        with pytest.raises(kb.UsageError, match=r"^there is no key 'an-rsa-key'$"):
            ring.remove("an-rsa-key")

    @pytest.mark.parametrize("pem", [b"", b"ssh-rsa AAAA", ED25519_PRIVATE])
    def test_refuses_what_is_no_public_key(self, ring, pem):
        with pytest.raises(kb.UsageError, match=r"^expected a public key as PEM, found what cannot be read as one$"):
            ring.add("x", pem)
        assert repr(ring) == "<Keyring of 2 keys>"

    def test_refuses_keys_of_other_kinds(self, ring):
        pem = ec.generate_private_key(ec.SECP256R1()).public_key()
        with pytest.raises(kb.UsageError, match=r"^expected an RSA or an Ed25519 key, found an E"):
            ring.add("x", pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


class TestAPrivateKey:
    def test_signs_as_openssl_does(self):
        key = PrivateKey("an-ed25519-key", ED25519_PRIVATE)
        assert key.headers(PATH, timestamp_ms=NOW_MS) == signed("an-ed25519-key", ED25519_SIGNATURE)
        assert key.public_key == ED25519_PUBLIC

    @pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
    def test_is_understood_by_the_exchange(self, rsa_key, key_type):
        key = rsa_key if key_type == "rsa" else PrivateKey.make("ed25519", key_id="mine")
        assert key.key_type == key_type
        ring = Keyring()
        ring.add("mine", key.public_key, account="me")
        assert ring.account_of(PATH, key.headers(f"{PATH}?a=b", timestamp_ms=NOW_MS), now_ms=NOW_MS) == "me"

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl command")
    def test_signs_what_openssl_verifies(self, rsa_key, tmp_path):
        rsa_key.write(tmp_path / "key.pem")
        (tmp_path / "text").write_bytes(signed_text(PATH, str(NOW_MS)))
        encoded = rsa_key.sign(PATH, timestamp_ms=NOW_MS).encode()
        commands = (
            "openssl base64 -d -A -out signature",
            "openssl pkey -in key.pem -pubout -out public.pem",
            "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256 "
            "-verify public.pem -signature signature text",
        )
        for command in commands:
            done = subprocess.run(command.split(), cwd=tmp_path, input=encoded, capture_output=True, check=True)
        assert done.stdout == b"Verified OK\n"

    @pytest.mark.parametrize("format_", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
    def test_of_rsa_is_read_from_either_form_of_pem(self, rsa_key, tmp_path, format_):
        rsa_key.write(tmp_path / "key.pem")
        key = load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048
        again = PrivateKey("mine", key.private_bytes(Encoding.PEM, format_, NoEncryption()))
        assert (again.key_type, again.public_key) == ("rsa", rsa_key.public_key)

    @pytest.mark.skipif(os.name == "nt", reason="there are no such modes on Windows")
    def test_is_written_for_its_owner_alone_and_over_nothing(self, rsa_key, tmp_path):
        path = tmp_path / "key.pem"
        before = os.umask(0)
        try:
            rsa_key.write(path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.write_bytes(b"something else")
        with pytest.raises(FileExistsError):
            rsa_key.write(path)
        assert path.read_bytes() == b"something else"

    def test_shows_no_secret(self, rsa_key):
        assert repr(rsa_key) == str(rsa_key) == "<PrivateKey mine, rsa>"

    @pytest.mark.parametrize("pem", [b"", b"not a key", ED25519_PRIVATE.replace(b"MC4", b"MC5"), RSA_PUBLIC])
    def test_that_cannot_be_read_is_refused_without_being_shown(self, pem):
        with pytest.raises(kb.UsageError) as raised:
            PrivateKey("x", pem)
        assert str(raised.value) == "expected a private key as PEM without a password, found what cannot be read as one"
        assert raised.value.__cause__ is None and raised.value.__suppress_context__

    def test_of_another_kind_is_refused(self):
        key = ec.generate_private_key(ec.SECP256R1())
        with pytest.raises(kb.UsageError, match=r"^expected an RSA or an Ed25519 key, found an E"):
            PrivateKey("x", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(kb.UsageError, match=r"^expected a key type of rsa, ed25519, found 'dsa'$"):
            PrivateKey.make("dsa", key_id="x")
