"""Answers as JSON, also where one value in them is nothing that a text or a number can be."""

import json
import math
import re
from typing import Any

import msgspec

SURROGATES = re.compile("[\ud800-\udfff]")

MAX_DIGITS = 300
"""Digits of the longest integer that is read as a number: about what a float can count to."""


def decode(content: bytes) -> Any:
    """The value of a JSON text: dicts, lists, texts, numbers, booleans and None. Raises `ValueError` for anything else.

    Half of a character that was cut in two, as vendors write it into texts that they shorten, becomes U+FFFD, and a
    number that is out of range stays the text that it was, so that whoever expects a number can name it: one such
    value does not take a page of rows with it.
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
