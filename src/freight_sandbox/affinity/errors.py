"""Errors in the forms of Affinity's two API versions."""

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
    """A parameter that API v1 refuses: 422 with bare sentences, `["…"]`.

    Affinity documents no form for it; this is one of those that public clients are prepared for.
    """

    def __init__(self, message: str) -> None:
        super().__init__("unprocessable-entity", message)
        self.body = [message]


class UnknownId(AffinityError):
    """An id that no row has: 404 in API v2. API v1 has no 404 for ids: it answers 422 as for any other parameter."""

    def __init__(self, noun: str, row_id: object) -> None:
        super().__init__("not-found", f"{noun.capitalize()} with id {row_id} was not found.")
        self.noun = noun
        self.row_id = row_id


class HiddenList(AffinityError):
    """A list that the key has no access to, or something on it: 403 in API v1, 404 in API v2."""

    def __init__(self, noun: str, row_id: object) -> None:
        super().__init__("not-found", f"{noun.capitalize()} with id {row_id} was not found.")


MODELS = {
    "company": "Organization",
    "listEntry": "ListEntry",
    "field value": "FieldValue",
    "file": "EntityFile",
}
"""The name that API v1 uses for a thing in its error messages, where it differs from the noun."""


def in_version_1(error: AffinityError) -> AffinityError:
    """Return the error as API v1 words it."""
    match error:
        case UnknownId():
            model = MODELS.get(error.noun, error.noun.capitalize())
            return RefusedByVersion1(f"Field id: expected {error.row_id} to be a valid id for model {model}")
        case HiddenList():
            return AffinityError("authorization", "You are not authorized to access this resource.")
        case AffinityError(status=400 | 422) if not isinstance(error, RefusedByVersion1):
            return RefusedByVersion1(str(error))
        case _:
            return error
