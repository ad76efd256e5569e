"""Errors in the form of Affinity's API v2."""

from typing import Literal

Code = Literal[
    "authentication", "authorization", "bad-request", "validation", "not-found", "method-not-allowed",
    "unprocessable-entity", "rate-limit", "server",
]  # fmt: skip

STATUS: dict[Code, int] = {
    "authentication": 401,
    "authorization": 403,
    "bad-request": 400,
    "validation": 400,
    "not-found": 404,
    "method-not-allowed": 405,
    "unprocessable-entity": 422,
    "rate-limit": 429,
    "server": 500,
}


class AffinityError(Exception):
    """An error answer: `{"errors": [{"code", "message", "param"?}]}`."""

    def __init__(self, code: Code, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = STATUS[code]
        entry = {"code": code, "message": message}
        self.body = {"errors": [entry if param is None else {**entry, "param": param}]}
