"""Who we are: the three headers of a handshake, and where the key for them comes from.

``KALSHI-ACCESS-KEY`` is the key's id, ``KALSHI-ACCESS-TIMESTAMP`` unix milliseconds, ``KALSHI-ACCESS-SIGNATURE`` the base64
of a signature of timestamp, ``GET`` and path, with nothing between and without the query. An RSA key signs with RSA-PSS
(SHA-256, MGF1 with SHA-256, salt of 32 bytes), an Ed25519 key signs the text itself. Both come as PKCS #8, so the parsed
key decides and not the header of the PEM (the exchange's page on API keys and its AsyncAPI text, read 2026-10-26).

No text that is made here, no ``repr`` and no error holds a key, a passphrase or a signature.
"""

from __future__ import annotations

import base64
import os
import warnings
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn, Protocol, TypeAlias

from ..errors import UnusableKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    _Private: TypeAlias = Ed25519PrivateKey | RSAPrivateKey

KEY, TIMESTAMP, SIGNATURE = "KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"

ID_NAMES: Final = ("KALSHI_API_KEY_ID", "KALSHI_KEY_ID")
PATH_NAME: Final = "KALSHI_PRIVATE_KEY_PATH"
PEM_NAME: Final = "KALSHI_PRIVATE_KEY"

_PEM_MARK: Final = "-----BEGIN"
_OTHERS_MAY: Final = 0o077


class Signer(Protocol):
    """Whatever can sign a handshake: the key may stay in another process, or in a piece of hardware.

    Attributes:
        key_id: under which the exchange knows the public half.
    """

    @property
    def key_id(self) -> str:
        """Under which the exchange knows the public half."""

    def sign(self, text: bytes) -> bytes | Awaitable[bytes]:
        """Sign a text as the exchange wants it from this kind of key; give the bare signature."""


class KeySigner:
    """A private key in this process.

    Args:
        key_id: under which the exchange knows its public half.
        pem: the key: PKCS #1 or PKCS #8, RSA or Ed25519.
        passphrase: of an encrypted PEM.
        where: where the PEM was found, for errors.

    Raises:
        UnusableKey: it cannot be read, the passphrase is missing or wrong, or it is of another kind.
    """

    __slots__ = ("_key", "_key_id", "key_type")

    def __init__(
        self, key_id: str, pem: str | bytes, *, passphrase: str | bytes | None = None, where: str = "private_key"
    ) -> None:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        self._key_id = key_id
        self._key = _load(pem.encode() if isinstance(pem, str) else pem, passphrase, where)
        self.key_type: Literal["rsa", "ed25519"] = "rsa" if isinstance(self._key, RSAPrivateKey) else "ed25519"

    @property
    def key_id(self) -> str:
        """Under which the exchange knows the public half."""
        return self._key_id

    def sign(self, text: bytes) -> bytes:
        """Sign a text. Some milliseconds with an RSA key, no time with Ed25519."""
        from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(text, PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH), SHA256())
        return self._key.sign(text)

    def __repr__(self) -> str:
        return f"<KeySigner: an {'RSA' if self.key_type == 'rsa' else 'Ed25519'} key>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a KeySigner holds a private key, so it is not pickled or copied: load the key where it is needed")


def _load(pem: bytes, passphrase: str | bytes | None, where: str) -> _Private:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    password = passphrase.encode() if isinstance(passphrase, str) else passphrase
    refusal = key = None
    try:
        key = load_pem_private_key(pem, password=password or None)
    except TypeError:
        encrypted = "expected a key that is not encrypted, found one that is: pass its passphrase="
        refusal = encrypted if not password else "expected an encrypted key, found one that is not: leave passphrase out"
    except (ValueError, UnsupportedAlgorithm):
        wrong = "a wrong passphrase, or no" if password else "no"
        refusal = f"expected an RSA or Ed25519 key as PEM, found {wrong} such text: look at the file, line breaks included"
    # Outside of the except block: what the library says could quote the key, and would travel along as the context.
    if refusal is not None:
        raise UnusableKey(where, refusal)
    if not isinstance(key, (RSAPrivateKey, Ed25519PrivateKey)):
        kind = type(key).__name__.lstrip("_").removesuffix("PrivateKey")
        raise UnusableKey(
            where, f"expected an RSA or Ed25519 key, found one of the kind {kind}: the exchange takes no other"
        )
    return key


def find_signer(
    *,
    key_id: str | None = None,
    private_key: str | bytes | os.PathLike[str] | None = None,
    passphrase: str | bytes | None = None,
    strict_key_file: bool = False,
    environ: Mapping[str, str],
) -> KeySigner:
    r"""Find the key: what is passed goes before what the environment says.

    Args:
        key_id: its id; None: KALSHI_API_KEY_ID or KALSHI_KEY_ID.
        private_key: the PEM itself, or the path of a file with it; None: KALSHI_PRIVATE_KEY_PATH (a path), or
            KALSHI_PRIVATE_KEY (PEM or path; ``\n`` may stand for line breaks). An empty text is none.
        passphrase: of an encrypted PEM.
        strict_key_file: refuse a key file that others can read, instead of warning of it. Secrets that an orchestrator
            mounts are often 0644, so it is not the default.
        environ: the environment.

    Raises:
        UnusableKey: there is none, or it cannot be used.
    """
    if key_id is None:
        key_id = next((environ[name] for name in ID_NAMES if environ.get(name)), "")
    key_id = key_id.strip()  # a line break at its end would end the header
    if not key_id:
        raise UnusableKey(
            f"key_id, {', '.join(ID_NAMES)}", "expected the id of an API key, found none: pass key_id=, or set one of these"
        )
    where = "private_key"
    if private_key is None or private_key in ("", b""):
        where = next((name for name in (PATH_NAME, PEM_NAME) if environ.get(name)), "")
        if not where:
            raise UnusableKey(
                f"private_key, {PATH_NAME}, {PEM_NAME}",
                "expected a private key, found none: pass private_key= (PEM or a path), or set one of these",
            )
        private_key = environ[where] if where == PEM_NAME else Path(environ[where])
    pem: str | bytes
    if isinstance(private_key, os.PathLike) or _PEM_MARK not in _as_text(private_key):
        path = Path(private_key if isinstance(private_key, os.PathLike) else _as_text(private_key)).expanduser()
        pem, where = _read(path, where, strict=strict_key_file), str(path)
    else:
        pem = _as_text(private_key).replace("\\r", "").replace("\\n", "\n")
    return KeySigner(key_id, pem, passphrase=passphrase, where=where)


def _as_text(given: str | bytes) -> str:
    return given.decode("latin-1") if isinstance(given, bytes) else given


def _read(path: Path, where: str, *, strict: bool) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            pem = file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        # What is not found may be a key in a form that is not known here, however short: base64 has no dot.
        shown = str(path) if path.suffix and len(str(path)) < 200 else where
        raise UnusableKey(shown, f"expected a file that can be read, found: {reason}") from None
    if os.name == "posix" and mode & _OTHERS_MAY:
        found = f"others can read it (mode {mode & 0o777:04o}): run chmod 600 {path}"
        if strict:
            raise UnusableKey(str(path), f"expected a file for its owner alone, found that {found}")
        warnings.warn(f"private key from {path}: {found}", UserWarning, stacklevel=4)
    return pem


async def signed_headers(signer: Signer, path: str, timestamp_ms: int) -> dict[str, str]:
    """Make the headers of one handshake.

    Args:
        signer: whose key.
        path: of the request; a query is not part of what is signed.
        timestamp_ms: now, unix milliseconds: the exchange refuses a stale one, so each attempt signs anew.
    """
    signature = signer.sign(f"{timestamp_ms}GET{path.partition('?')[0]}".encode())
    if not isinstance(signature, (bytes, bytearray)):
        signature = await signature
    return {
        KEY: signer.key_id,
        TIMESTAMP: str(timestamp_ms),
        SIGNATURE: base64.b64encode(signature).decode(),
    }
