"""Keys as people paste them, and texts that may be keys: used where they can be, and never shown."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import kalshi_book as kb
from kalshi_book.live.auth import find_signer


class TestATextThatIsNoPath:
    """A bare key, without the lines of a PEM, was taken for a path and shown in the error."""

    @pytest.mark.parametrize("given", ["private_key", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_PATH"])
    @pytest.mark.parametrize("secret", ["MC4CAQAwBQYDK2VwBCIEI" + 43 * "S", 64 * "5E", 43 * "S" + "=", 1000 * "S"])
    def test_is_never_shown(self, secret, given):
        named = {"private_key": secret} if given == "private_key" else {"environ": {given: secret}}
        with pytest.raises(kb.UnusableKey) as raised:
            find_signer(**{"key_id": "id", "environ": {}, **named})
        assert secret not in str(raised.value) + repr(raised.value)
        assert str(raised.value).startswith(f"private key from {given}: expected a file that can be read, found: ")

    def test_is_shown_where_it_is_clearly_a_path(self, tmp_path):
        with pytest.raises(kb.UnusableKey, match=f"^private key from {tmp_path}/key.pem: expected a file that can be read"):
            find_signer(key_id="id", private_key=f"{tmp_path}/key.pem", environ={})


class TestWhatPeoplePaste:
    def test_may_end_in_a_line_break(self, tmp_path):
        """An id that is read from a file: in a header its line break would begin another one."""
        pem = generate_pem()
        assert find_signer(key_id="id\n", private_key=pem, environ={}).key_id == "id"
        with pytest.raises(kb.UnusableKey, match="expected the id of an API key, found none"):
            find_signer(key_id=" \n", private_key=pem, environ={})

    def test_may_have_line_breaks_of_windows_written_out(self):
        pem = generate_pem().replace("\n", "\\r\\n")
        assert find_signer(key_id="id", environ={"KALSHI_PRIVATE_KEY": pem}).key_type == "ed25519"

    @pytest.mark.parametrize("nothing", ["", b""])
    def test_that_is_empty_is_none(self, nothing):
        """As ``os.environ.get(name, "")`` gives it: it was taken for the working directory."""
        with pytest.raises(kb.UnusableKey, match="expected a private key, found none: pass private_key="):
            find_signer(key_id="id", private_key=nothing, environ={})


def generate_pem():
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
