"""Answers as JSON, also where one value in them is nothing that a text or a number can be."""

import json
import math
import re
from typing import Any

import msgspec

SURROGATES = re.compile("[\ud800-\udfff]")

LONGEST_INTEGER = 18
"""Digits, of those that a database's integer surely holds."""


def decode(content: bytes) -> Any:
    """The value of a JSON text: dicts, lists, texts, numbers, booleans and None. Raises `ValueError` for anything else.

    Half of a character that was cut in two, as vendors write it into texts that they shorten, becomes U+FFFD, and a
    number that is out of range None: one such value does not take a page of rows with it.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _possible(json.loads(content, parse_int=_integer))
    except RecursionError:
        raise ValueError("The text is nested too deeply.") from None


def _possible(value: Any) -> Any:
    match value:
        case str():
            return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_possible(item) for item in value]
        case dict():
            return {_possible(key): _possible(item) for key, item in value.items()}
        case _:
            return value


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)
