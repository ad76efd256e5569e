"""Bodies: JSON that is decoded strictly, with all problems reported."""

from typing import Any, TypeVar

import msgspec
from litestar.dto import MsgspecDTO
from litestar.exceptions import ClientException, HTTPException
from litestar.openapi.spec import Reference, Schema

from freight.api.http.validation import Problem, problems

T = TypeVar("T", bound=msgspec.Struct)

DEEPEST = 20
"""The maximum nesting of lists and objects in a body."""

MAX_VALUES = 16_000
"""The maximum number of values in a body: more than any that makes sense, and as many as can be checked within
milliseconds.
"""

TOO_MANY = Problem(type="too_many_values", message=f"The body has more than {MAX_VALUES:,} values.", field=None)

TOO_DEEP = Problem(type="malformed_json", message=f"The JSON is nested deeper than {DEEPEST} levels.", field=None)


class JsonBody(MsgspecDTO[T]):
    """Decodes a body into a struct. Litestar itself would accept `"5"` for 5, and report only the first problem."""

    def decode_bytes(self, value: bytes) -> T:
        """Return the body as the struct. Raise `HTTPException`."""
        media_type = self.asgi_connection.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type not in ("", "application/json"):
            raise HTTPException(status_code=415)
        if value.count(b",") + value.count(b"{") + value.count(b"[") > MAX_VALUES:
            # Counted before anything is decoded, so a text full of commas counts as well.
            raise HTTPException(status_code=422, extra=[TOO_MANY])
        decoded = _decode(value)
        try:
            return msgspec.convert(decoded, self.model_type)
        except msgspec.ValidationError:
            raise HTTPException(status_code=422, extra=problems(decoded, self.model_type)) from None

    @classmethod
    def create_for_field_definition(cls, *_: object, **__: object) -> None:
        """Generate nothing: clients send the struct itself."""

    @classmethod
    def create_openapi_schema(cls, *_: Any, **given: Any) -> Reference | Schema:
        """Return the struct's own schema."""
        schema: Reference | Schema = given["schema_creator"].for_field_definition(given["field_definition"])
        return schema


def _number(text: str) -> float:
    """Decode a number with a decimal point; in JSON 5.0 is an integer too."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_DECODER = msgspec.json.Decoder(float_hook=_number)


def _decode(body: bytes) -> object:
    try:
        decoded = _DECODER.decode(body)
        if not _is_deeper(decoded, DEEPEST):
            return decoded
        problem = TOO_DEEP
    except UnicodeDecodeError as error:
        problem = Problem(type="invalid_utf8", message=f"The byte at {error.start} is not UTF-8.", field=None)
    except msgspec.DecodeError as error:
        problem = Problem(type="malformed_json", message=f"{error}.", field=None)
    except RecursionError:
        problem = TOO_DEEP
    raise ClientException(extra=[problem])


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in inner)
