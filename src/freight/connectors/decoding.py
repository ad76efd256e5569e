"""Decoding of JSON that tolerates single invalid strings and numbers."""

import json
import math
import re
from typing import Any

import msgspec

SURROGATES = re.compile("[\ud800-\udfff]")

MAX_DIGITS = 300
"""The maximum digits of an integer that is read as a number, about the range of a float."""


def decode(content: bytes) -> Any:
    """Decode JSON into dicts, lists, strings, numbers, booleans and None. Raise `ValueError` for anything else.

    Half of a surrogate pair, which vendors write when they truncate text, becomes U+FFFD, and a number out of range
    remains text, so that the caller can name it: one such value does not invalidate a page of rows.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _possible(json.loads(content, parse_int=_integer, parse_float=_real, parse_constant=str))
    except RecursionError:
        raise ValueError("The text is nested too deeply.") from None


def _possible(value: Any) -> Any:
    match value:
        case str():
            return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
        case list():
            return [_possible(item) for item in value]
        case dict():
            return {_possible(key): _possible(item) for key, item in value.items()}
        case _:
            return value


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _real(digits: str) -> float | str:
    return number if math.isfinite(number := float(digits)) else digits
