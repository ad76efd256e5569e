"""Errors in the forms of Affinity's two APIs."""

from typing import Any, Literal

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
        self.body: Any = {"errors": [entry if param is None else {**entry, "param": param}]}


class RefusedByVersion1(AffinityError):
    """A parameter that API v1 does not take: 422 with bare sentences, `["…"]`.

    Affinity documents no form for it; this is one of those that public clients are prepared for.
    """

    def __init__(self, message: str) -> None:
        super().__init__("unprocessable-entity", message)
        self.body = [message]
