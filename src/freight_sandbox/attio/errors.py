"""Errors in the two forms of Attio's API: a plain one, and one with `validation_errors` for a malformed body."""

import math
from email.utils import formatdate
from typing import Any

import msgspec

Path = tuple[str | int, ...]


class AttioError(Exception):
    """An error answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.body = {"status_code": status, "type": kind, "code": code, "message": message, **further}


def refused(message: str, code: str = "validation_type") -> AttioError:
    """Return a 400 with one of Attio's codes."""
    return AttioError(400, code, message)


def not_found(what: str, identifier: str, *, by: str = "slug/ID") -> AttioError:
    """Return a 404 for an object, attribute or record."""
    return AttioError(404, "not_found", f'{what} with {by} "{identifier}" not found.')


def too_many(message: str, fits_at: float) -> AttioError:
    """Return a 429 that says when to try again (epoch seconds). Attio has not processed such a request."""
    # An HTTP date has whole seconds; rounding it down would invite a client too early.
    date = formatdate(math.ceil(fits_at), usegmt=True)
    return AttioError(429, "rate_limit_exceeded", message, kind="rate_limit_error", headers={"retry-after": date})


def malformed(path: Path, expected: str, received: object = msgspec.UNSET) -> AttioError:
    """Return a 400 for a body whose value at `path` has the wrong type or is absent."""
    return _malformed_body(_wrong_type(path, expected, received))


def incomplete(path: Path, keys: list[str]) -> AttioError:
    """Return a 400 for an object at `path` that lacks keys; each of them is named."""
    return _malformed_body(*(_wrong_type((*path, key), "string", msgspec.UNSET) for key in keys))


def unrecognised(path: Path, keys: list[str]) -> AttioError:
    """Return a 400 for a body with unknown keys."""
    names = ", ".join(f"'{key}'" for key in keys)
    problem = {
        "code": "unrecognized_keys",
        "keys": keys,
        "path": list(path),
        "message": f"Unrecognized key(s) in object: {names}",
    }
    return _malformed_body(problem)


def invalid(path: Path, message: str) -> AttioError:
    """Return a 400 for a body whose value at `path` has the right type but is not valid."""
    return _malformed_body({"code": "custom", "path": list(path), "message": message})


def of_value(error: AttioError, slug: str) -> AttioError:
    """Return an error about a body in Attio's form for an attribute's value: paths begin at the value then."""
    if "validation_errors" not in error.body:
        return error
    message = f'An invalid value was passed to attribute with slug "{slug}".'
    return AttioError(400, "validation_type", message, validation_errors=error.body["validation_errors"])


def below(error: AttioError, path: Path) -> AttioError:
    """Return an error about a value in Attio's form for a part of a body."""
    if "validation_errors" not in error.body:
        return error
    problems = error.body["validation_errors"]
    return _malformed_body(*({**problem, "path": [*path, *problem["path"]]} for problem in problems))


def _malformed_body(*problems: dict[str, Any]) -> AttioError:
    return AttioError(400, "validation_type", "Body payload validation error.", validation_errors=list(problems))


def _wrong_type(path: Path, expected: str, received: object) -> dict[str, Any]:
    absent = received is msgspec.UNSET
    return {
        "code": "invalid_type",
        "path": list(path),
        "message": "Required" if absent else f"Expected {expected}, received {_type_name(received)}",
        "expected": expected,
        "received": "undefined" if absent else _type_name(received),
    }


def _type_name(value: object) -> str:
    names = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
