"""Secrets: the keys that protect them, encrypted vendor credentials, and digests of API keys.

Everything is derived from one or several deployment secrets, newest first: new data are protected with the first, old
data can still be read with the others, so secrets can be rotated without downtime.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
KEY_ID_BYTES = 4
NONCE_BYTES = 12


class SecretError(Exception):
    """A deployment secret is missing, malformed, or not the one that the data were protected with."""


class CredentialCipher:
    """Encrypts and decrypts with the deployment's secrets."""

    def __init__(self, deployment_secrets: Sequence[str]) -> None:
        """Take secrets in the form of `generate_secret`, newest first. Raise `SecretError`."""
        if not deployment_secrets:
            raise SecretError(
                "FREIGHT_SECRET_KEYS is not set. Make a secret with `freight generate-secret` and keep it safe: "
                "without it neither stored credentials nor API keys can be used again."
            )
        roots = [_decode(secret) for secret in deployment_secrets]
        self._sealing = {
            _derive(root, b"key id")[:KEY_ID_BYTES]: AESGCM(_derive(root, b"credentials")) for root in roots
        }
        self._digesting = [_derive(root, b"api keys") for root in roots]

    def __repr__(self) -> str:
        return f"<Vault with {len(self._digesting)} secrets>"

    def seal(self, text: str, *, bound_to: str) -> bytes:
        """Encrypt `text` (AES-256-GCM), bound to `bound_to`: decrypting it needs the same value."""
        key_id, cipher = next(iter(self._sealing.items()))
        nonce = os.urandom(NONCE_BYTES)
        return key_id + nonce + cipher.encrypt(nonce, text.encode(), bound_to.encode())

    def open(self, sealed: bytes, *, bound_to: str) -> str:
        """Decrypt the result of `seal`. Raise `SecretError` if no secret fits, or if it was moved or altered."""
        cipher = self._sealing.get(sealed[:KEY_ID_BYTES])
        nonce, ciphertext = sealed[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES], sealed[KEY_ID_BYTES + NONCE_BYTES :]
        try:
            if cipher is not None:
                return cipher.decrypt(nonce, ciphertext, bound_to.encode()).decode()
        except InvalidTag:
            pass
        raise SecretError(
            "Stored credentials cannot be opened with the secrets in FREIGHT_SECRET_KEYS. "
            "Add the secret with which they were stored to the end of the list."
        )

    def digest(self, api_key: str) -> bytes:
        """Return the HMAC-SHA-256 under which a new API key is stored."""
        return hmac.digest(self._digesting[0], api_key.encode(), hashlib.sha256)

    def is_digest_of(self, digest: bytes, api_key: str) -> bool:
        """Return, in constant time, whether `digest` is of this API key under any of the secrets."""
        matches = [
            hmac.compare_digest(digest, hmac.digest(key, api_key.encode(), hashlib.sha256)) for key in self._digesting
        ]
        return any(matches)


def generate_secret() -> str:
    """Return a new deployment secret: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")


def secret_in(home: Path) -> str:
    """Return the secret in the home folder; create it, readable by its owner only, if there is none."""
    path = home / "secret.key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=home, prefix="secret-") as file:  # made with mode 0600
            file.write(generate_secret())
            file.flush()
            # Linking lets only one of two simultaneous starts win, with its file complete.
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


def _decode(secret: str) -> bytes:
    try:
        root = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars=b"-_", validate=True)
    except ValueError:
        root = b""
    if len(root) != SECRET_BYTES:
        raise SecretError("FREIGHT_SECRET_KEYS holds a malformed secret. Make one with `freight generate-secret`.")
    return root


def _derive(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=b"freight " + purpose).derive(root)
