"""What is wrong with the TLS of whoever answers, and what to do about it. Values: nothing here speaks TLS."""

from __future__ import annotations

from typing import Final

_CLOCK: Final = "look at this machine's clock; if that is right, it is for the exchange to renew it"
_ISSUER: Final = (
    "nobody whom this machine trusts vouches for it; if you do, since it is your own proxy's or your test server's, pass "
    'tls=ssl.create_default_context(cafile="its certificate.pem")'
)
_HOST: Final = "it is another host's; look at the url, and at who answers for that name"

_CERTIFICATE: Final = {9: _CLOCK, 10: _CLOCK, 18: _ISSUER, 19: _ISSUER, 20: _ISSUER, 21: _ISSUER, 62: _HOST, 64: _HOST}
"""By OpenSSL's numbers (X509_V_ERR)."""

_OTHER: Final = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS there; look at the url: ws:// or another port?",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS of 1.2 or newer",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks no TLS of 1.2 or newer",
}


def what_certificate(code: int, message: str) -> str:
    """Say why a certificate is refused, and what to do.

    Args:
        code: OpenSSL's number for it.
        message: OpenSSL's words for it.

    >>> what_certificate(62, "Hostname mismatch, certificate is not valid for 'localhost'.").partition(": ")[0]
    'its certificate cannot be verified'
    """
    remedy = _CERTIFICATE.get(code)
    return f"its certificate cannot be verified: {message.rstrip('.')}" + (f": {remedy}" if remedy is not None else "")


def what_tls(reason: str | None) -> str | None:
    """Say what is wrong where no certificate was looked at, or None: something that may pass.

    Args:
        reason: OpenSSL's word for it.

    >>> what_tls("UNSUPPORTED_PROTOCOL")
    'it speaks no TLS of 1.2 or newer'
    """
    return _OTHER.get(reason or "")
