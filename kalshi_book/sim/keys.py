"""Who may come in: the signature of a handshake, and keys to sign with.

A client sends three headers: ``KALSHI-ACCESS-KEY`` (the key's id), ``KALSHI-ACCESS-TIMESTAMP`` (unix milliseconds) and
``KALSHI-ACCESS-SIGNATURE``, the base64 of a signature of timestamp, ``GET`` and path, with nothing between and without
the query. An RSA key signs with RSA-PSS (SHA-256, MGF1 with SHA-256, salt of 32 bytes), an Ed25519 key signs the text
itself; the header of a PEM file does not tell them apart, so the parsed key decides (the exchange's page on API keys and
its AsyncAPI text, read 2026-10-26).

No private key, and no signature, is ever in a text that this module makes.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from msgspec import Struct

from ..errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PSS
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    _Private: TypeAlias = Ed25519PrivateKey | RSAPrivateKey
    _Public: TypeAlias = Ed25519PublicKey | RSAPublicKey

KeyType = Literal["rsa", "ed25519"]
KEY_TYPES: Final[tuple[KeyType, ...]] = get_args(KeyType)

MAX_SKEW_MS: Final = 10_000
"""How far a timestamp may be from the exchange's clock. A choice of ours: the exchange does not publish its limit."""

RSA_BITS: Final = 2048
KEY, TIMESTAMP, SIGNATURE = "KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"

_SCHEMES: Final[dict[KeyType, str]] = {
    "rsa": "RSA-PSS (SHA-256, MGF1 with SHA-256, salt of 32 bytes)",
    "ed25519": "Ed25519",
}


class Unauthorized(Struct, frozen=True):
    """A handshake that proves nothing: the answer is 401.

    Attributes:
        reason: what was expected, and what was found.
    """

    reason: str


class PrivateKey:
    """A private key and the id under which the exchange knows its public half.

    >>> key = PrivateKey.make("ed25519", key_id="a-key")
    >>> sorted(key.headers("/trade-api/ws/v2", timestamp_ms=1793000000000))
    ['KALSHI-ACCESS-KEY', 'KALSHI-ACCESS-SIGNATURE', 'KALSHI-ACCESS-TIMESTAMP']
    >>> key
    <PrivateKey a-key, ed25519>
    """

    __slots__ = ("_key", "key_id", "key_type")

    def __init__(self, key_id: str, pem: bytes) -> None:
        """Load a key from PEM, PKCS #1 or PKCS #8, without a password.

        Raises:
            UsageError: it cannot be read, or is of another kind than RSA and Ed25519.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # what they say could quote the key
            raise UsageError("expected a private key as PEM without a password, found what cannot be read as one") from None
        if not isinstance(key, (RSAPrivateKey, Ed25519PrivateKey)):
            raise UsageError(f"expected an RSA or an Ed25519 key, found an {type(key).__name__.lstrip('_')}")
        self.key_id = key_id
        self.key_type: KeyType = "rsa" if isinstance(key, RSAPrivateKey) else "ed25519"
        self._key: _Private = key

    @classmethod
    def make(cls, key_type: KeyType, *, key_id: str) -> PrivateKey:
        """Make a new key. An RSA key takes a tenth of a second or several, an Ed25519 key no time."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

        if key_type not in KEY_TYPES:
            raise UsageError(f"expected a key type of {', '.join(KEY_TYPES)}, found {key_type!r}")
        key = generate_private_key(65537, RSA_BITS) if key_type == "rsa" else Ed25519PrivateKey.generate()
        return cls(key_id, _pem(key))

    def named(self, key_id: str) -> PrivateKey:
        """Give the same key under another id."""
        return PrivateKey(key_id, _pem(self._key))

    @property
    def public_key(self) -> bytes:
        """The public half, as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it as PEM (PKCS #8) to a new file that only its owner can read.

        Raises:
            FileExistsError: there is one already; it is left as it is.
        """
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_pem(self._key))

    def sign(self, path: str, *, timestamp_ms: int) -> str:
        """Sign a handshake; give the base64 of the signature. Sign afresh for every connection."""
        text = signed_text(path, str(timestamp_ms))
        return base64.b64encode(self._key.sign(text, *_scheme(self.key_type))).decode()

    def headers(self, path: str, *, timestamp_ms: int) -> dict[str, str]:
        """Give the three headers of a handshake.

        Args:
            path: of the address, as in ``/trade-api/ws/v2``.
            timestamp_ms: now, unix milliseconds.
        """
        return {
            KEY: self.key_id,
            TIMESTAMP: str(timestamp_ms),
            SIGNATURE: self.sign(path, timestamp_ms=timestamp_ms),
        }

    def __repr__(self) -> str:
        return f"<PrivateKey {self.key_id}, {self.key_type}>"


class Keyring:
    """The keys that the exchange knows.

    Args:
        max_skew_ms: how far a timestamp may be from the exchange's clock, either way; None: any may come.
    """

    def __init__(self, *, max_skew_ms: int | None = MAX_SKEW_MS) -> None:
        self.max_skew_ms = max_skew_ms
        self._keys: dict[str, tuple[_Public, str]] = {}

    def add(self, key_id: str, public_key: bytes, *, account: str = "user") -> None:
        """Let a key in. An account may have several.

        Args:
            key_id: what comes in ``KALSHI-ACCESS-KEY``; one that is known is replaced.
            public_key: as PEM.
            account: who it is.

        Raises:
            UsageError: the key cannot be read, or is of another kind than RSA and Ed25519.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(public_key)
        except (ValueError, UnsupportedAlgorithm):
            raise UsageError("expected a public key as PEM, found what cannot be read as one") from None
        if not isinstance(key, (RSAPublicKey, Ed25519PublicKey)):
            raise UsageError(f"expected an RSA or an Ed25519 key, found an {type(key).__name__.lstrip('_')}")
        self._keys[key_id] = key, account

    def remove(self, key_id: str) -> None:
        """Let a key in no more. Whoever is in stays in.

        Raises:
            UsageError: it is not known.
        """
        if self._keys.pop(key_id, None) is None:
            raise UsageError(f"there is no key {key_id!r}")

    def account_of(self, path: str, headers: Mapping[str, str], *, now_ms: int) -> str | Unauthorized:
        """Say whose handshake it is, or why nobody's.

        Args:
            path: of the request; a query is not part of what is signed.
            headers: of the request, in any case.
            now_ms: the exchange's clock, unix milliseconds.
        """
        given = {name.lower(): value for name, value in headers.items()}
        if missing := [name for name in (KEY, TIMESTAMP, SIGNATURE) if not given.get(name.lower())]:
            return Unauthorized(f"every connection is signed: there is no {', no '.join(missing)}")
        key_id, timestamp, signature = (given[name.lower()] for name in (KEY, TIMESTAMP, SIGNATURE))
        if key_id not in self._keys:
            return Unauthorized(f"{KEY}: no such key here (keys of one environment are unknown in another)")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 20):
            return Unauthorized(f"{TIMESTAMP}: expected unix milliseconds, as digits, found something else")
        skew_ms = int(timestamp) - now_ms
        if self.max_skew_ms is not None and abs(skew_ms) > self.max_skew_ms:
            where = "ahead of" if skew_ms > 0 else "behind"
            return Unauthorized(
                f"{TIMESTAMP}: {abs(skew_ms)} ms {where} the exchange's clock ({now_ms}), at most {self.max_skew_ms} are "
                "allowed: sign afresh, in milliseconds, for every connection"
            )
        key, account = self._keys[key_id]
        text = signed_text(path, timestamp)
        if not _verifies(key, signature, text):
            expected = f"{_SCHEMES[_type(key)]} of {text.decode(errors='replace')!r}"
            return Unauthorized(f"{SIGNATURE}: expected the base64 of a signature by {expected}, found another")
        return account

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} keys>"


def signed_text(path: str, timestamp: str) -> bytes:
    """Give the text that a handshake signs: ``timestamp + "GET" + path``, the path without its query."""
    return f"{timestamp}GET{path.partition('?')[0]}".encode(errors="surrogateescape")


def _verifies(key: _Public, signature: str, text: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        found = base64.b64decode(signature, validate=True)
        key.verify(found, text, *_scheme(_type(key)))
    except (ValueError, InvalidSignature):
        return False
    return True


def _type(key: _Public) -> KeyType:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    return "rsa" if isinstance(key, RSAPublicKey) else "ed25519"


def _scheme(key_type: KeyType) -> tuple[()] | tuple[PSS, SHA256]:
    """What a key's own ``sign`` and ``verify`` take beside the text."""
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
    from cryptography.hazmat.primitives.hashes import SHA256

    if key_type == "ed25519":
        return ()
    return PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH), SHA256()


def _pem(key: _Private) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
