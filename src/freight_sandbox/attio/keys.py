"""API keys: how Attio reads them, and what it answers to one that it does not accept.

`GET /v2/self` answers differently from all other operations. For a key of the right form that does not exist it says
200 with `{"active": false}`, and for one that is missing or has another form 400; the others say 401 to all of them
(a probe of the live API, August 2026, and recorded answers of July 2025).
"""

import base64
import binascii
import re
import secrets
from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from freight_sandbox.attio.errors import AttioError

KEY_FORM = re.compile(r"[\w.-]{64}", re.ASCII)
KeyState = Literal["active", "unknown", "malformed"]


def key_state(header: str, key: str) -> KeyState:
    """Return how Attio takes the key of an Authorization header. `key` itself is accepted whatever its form."""
    given = _given_key(header)
    if secrets.compare_digest(given.encode(), key.encode()):
        return "active"
    return "unknown" if KEY_FORM.fullmatch(given) else "malformed"


def require_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse with 401 every key but the sandbox's own."""
    match key_state(connection.headers.get("authorization", ""), connection.app.state.key):
        case "unknown":
            raise AttioError(401, "unauthorized", "No API key with this value exists.", kind="auth_error")
        case "malformed":
            raise AttioError(
                401,
                "unauthorized",
                "The token was not recognised: it has the wrong length (API keys have 64 characters).",
                kind="auth_error",
            )


def _given_key(header: str) -> str:
    """The key of a bearer header, or of a Basic one where it is the user and the password is empty."""
    scheme, _, credentials = header.partition(" ")
    if scheme != "Basic":
        return credentials if scheme == "Bearer" else ""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return "" if password else user
