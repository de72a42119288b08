"""The headers of a handshake, and where the key for them comes from."""

import asyncio
import base64
import copy
import pickle
import shutil
import subprocess
import warnings

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

import kalshi_book as kb
from kalshi_book.live.auth import KEY, SIGNATURE, TIMESTAMP, KeySigner, find_signer, signed_headers

PATH = "/trade-api/ws/v2"
TEXT = b"1793000000123GET/trade-api/ws/v2"

# The key of RFC 8032, section 7.1, test 1, which everybody knows; the signature was made by OpenSSL 3.0.19,
# `openssl pkeyutl -sign -rawin`, of TEXT.
ED25519 = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
ED25519_SIGNATURE = "IHncOE+3vtv2+KLGb4aacYwLoJX4vLLFz7Rkf743Ryn/9i9ZWRJTLsz4Wxuf4e+Nbl0CnznKOqd3htrDhgLvBw=="


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def rsa_pem(rsa_key):
    return pem_of(rsa_key)


def pem_of(key, form=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def refused(**given):
    given.setdefault("environ", {})
    with pytest.raises(kb.UnusableKey) as raised:
        find_signer(**given)
    error = raised.value
    assert error.__context__ is None or error.__suppress_context__  # nothing quotes the key
    return error


class TestASignature:
    def test_of_an_ed25519_key_is_what_openssl_makes(self):
        """The published way to sign (API keys page, AsyncAPI text, read 2026-10-26)."""
        signer = KeySigner("an-id", ED25519)
        assert base64.b64encode(signer.sign(TEXT)).decode() == ED25519_SIGNATURE
        assert signer.key_type == "ed25519"

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_of_an_rsa_key_is_pss_with_a_salt_of_32_bytes(self, rsa_key, form):
        signer = KeySigner("an-id", pem_of(rsa_key, form))
        signature = signer.sign(TEXT)
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        rsa_key.public_key().verify(signature, TEXT, pss, hashes.SHA256())
        with pytest.raises(InvalidSignature):
            shorter = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=20)
            rsa_key.public_key().verify(signature, TEXT, shorter, hashes.SHA256())
        assert signer.key_type == "rsa"

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command line is not here")
    def test_of_an_rsa_key_is_verified_by_openssl(self, rsa_key, rsa_pem, tmp_path):
        public = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for name, content in (("key", public), ("text", TEXT), ("signature", KeySigner("an-id", rsa_pem).sign(TEXT))):
            (tmp_path / name).write_bytes(content)
        command = (
            "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 "
            "-verify key -signature signature text"
        )
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("Verified OK\n", 0)


class TestHeaders:
    @pytest.mark.parametrize("path", [PATH, f"{PATH}?version=2"])
    def test_sign_time_method_and_path_without_the_query(self, path):
        headers = asyncio.run(signed_headers(KeySigner("an-id", ED25519), path, 1793000000123))
        assert headers == {KEY: "an-id", TIMESTAMP: "1793000000123", SIGNATURE: ED25519_SIGNATURE}

    def test_may_be_signed_by_whatever_can_sign_also_elsewhere(self):
        class Elsewhere:
            key_id = "theirs"

            async def sign(self, text):
                await asyncio.sleep(0)
                return KeySigner("", ED25519).sign(text)

        headers = asyncio.run(signed_headers(Elsewhere(), PATH, 1793000000123))
        assert headers == {KEY: "theirs", TIMESTAMP: "1793000000123", SIGNATURE: ED25519_SIGNATURE}


class TestAKey:
    def test_is_taken_as_text_bytes_or_path(self, tmp_path):
        path = tmp_path / "key.pem"
        path.touch(mode=0o600)
        path.write_text(ED25519)
        for given in (ED25519, ED25519.encode(), path, str(path), str(path).encode()):
            signer = find_signer(key_id="an-id", private_key=given, environ={})
            assert (signer.key_id, signer.key_type) == ("an-id", "ed25519")

    @pytest.mark.parametrize("id_name", ["KALSHI_API_KEY_ID", "KALSHI_KEY_ID"])
    def test_is_found_in_the_environment(self, tmp_path, id_name):
        path = tmp_path / "key.pem"
        path.touch(mode=0o600)
        path.write_text(ED25519)
        for name, value in (
            ("KALSHI_PRIVATE_KEY_PATH", str(path)),
            ("KALSHI_PRIVATE_KEY", str(path)),
            ("KALSHI_PRIVATE_KEY", ED25519),
            ("KALSHI_PRIVATE_KEY", ED25519.replace("\n", "\\n")),
        ):
            assert find_signer(environ={id_name: "from-env", name: value}).key_id == "from-env"

    def test_that_is_passed_goes_before_the_environment(self):
        environ = {"KALSHI_API_KEY_ID": "not-this", "KALSHI_PRIVATE_KEY": "nor that"}
        assert find_signer(key_id="this", private_key=ED25519, environ=environ).key_id == "this"

    def test_without_an_id_is_refused(self):
        assert str(refused(private_key=ED25519)) == (
            "private key from key_id, KALSHI_API_KEY_ID, KALSHI_KEY_ID: expected the id of an API key, found none: pass "
            "key_id=, or set one of these"
        )

    def test_that_is_nowhere_is_refused(self):
        assert str(refused(key_id="an-id")) == (
            "private key from private_key, KALSHI_PRIVATE_KEY_PATH, KALSHI_PRIVATE_KEY: expected a private key, found none: "
            "pass private_key= (PEM or a path), or set one of these"
        )

    def test_whose_file_is_not_there_is_refused(self, tmp_path):
        error = refused(key_id="an-id", private_key=tmp_path / "none.pem")
        assert (error.where, error.reason) == (
            str(tmp_path / "none.pem"), "expected a file that can be read, found: No such file or directory",
        )  # fmt: skip

    @pytest.mark.parametrize("mangled", ["SENTINEL" * 100, "SENTINEL\0SENTINEL"])
    def test_that_is_neither_pem_nor_path_is_refused_without_being_shown(self, mangled):
        error = refused(key_id="an-id", private_key=mangled)
        assert error.where == "private_key"
        assert "SENTINEL" not in f"{error!s} {error!r}"

    def test_that_is_no_key_is_refused_without_being_shown(self):
        error = refused(key_id="an-id", private_key=ED25519.replace("MC4C", "SENTINEL"))
        assert str(error) == (
            "private key from private_key: expected an RSA or Ed25519 key as PEM, found no such text: look at the file, "
            "line breaks included"
        )
        assert error.__context__ is None

    def test_of_another_kind_is_refused(self):
        pem = pem_of(ec.generate_private_key(ec.SECP256R1()))
        assert refused(key_id="an-id", private_key=pem).reason == (
            "expected an RSA or Ed25519 key, found one of the kind EC: the exchange takes no other"
        )

    @pytest.mark.parametrize("kind", ["rsa", "ed25519"])
    def test_may_be_encrypted(self, rsa_key, kind):
        key = rsa_key if kind == "rsa" else load_pem_private_key(ED25519.encode(), None)
        pem = pem_of(key, encryption=BestAvailableEncryption(b"open sesame"))
        for passphrase in ("open sesame", b"open sesame"):
            assert find_signer(key_id="an-id", private_key=pem, passphrase=passphrase, environ={}).key_type == kind
        assert refused(key_id="an-id", private_key=pem).reason == (
            "expected a key that is not encrypted, found one that is: pass its passphrase="
        )
        wrong = refused(key_id="an-id", private_key=pem, passphrase="SENTINEL")
        assert wrong.reason == (
            "expected an RSA or Ed25519 key as PEM, found a wrong passphrase, or no such text: look at the file, line "
            "breaks included"
        )
        assert "SENTINEL" not in f"{wrong!r}"

    def test_that_is_not_encrypted_takes_no_passphrase(self):
        assert refused(key_id="an-id", private_key=ED25519, passphrase="for nothing").reason == (
            "expected an encrypted key, found one that is not: leave passphrase out"
        )

    def test_shows_neither_itself_nor_its_id(self):
        signer = KeySigner("an-id", ED25519)
        assert repr(signer) == "<KeySigner: an Ed25519 key>"
        for spread in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=r"^a KeySigner holds a private key, so it is not pickled or copied"):
                spread(signer)

    def test_shows_its_kind(self, rsa_pem):
        assert repr(KeySigner("an-id", rsa_pem)) == "<KeySigner: an RSA key>"


class TestAKeyFile:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "key.pem"
        path.write_text(ED25519)
        return path

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
    def test_that_others_can_read_is_warned_of_with_the_command_to_run(self, path, mode):
        path.chmod(mode)
        with pytest.warns(UserWarning) as warned:
            find_signer(key_id="an-id", private_key=path, environ={})
        assert [str(each.message) for each in warned] == [
            f"private key from {path}: others can read it (mode {mode:04o}): run chmod 600 {path}"
        ]

    def test_that_others_can_read_is_refused_where_that_is_asked_for(self, path):
        path.chmod(0o644)
        assert refused(key_id="an-id", private_key=path, strict_key_file=True).reason == (
            f"expected a file for its owner alone, found that others can read it (mode 0644): run chmod 600 {path}"
        )

    def test_for_its_owner_alone_is_taken_in_silence(self, path):
        path.chmod(0o600)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert find_signer(key_id="an-id", private_key=path, strict_key_file=True, environ={}).key_id == "an-id"
