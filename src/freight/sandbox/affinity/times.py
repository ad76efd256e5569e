"""Affinity's times: text with an offset in API v1, in UTC in API v2."""

from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """The time that a text names. Raises `ValueError` for one that names none with an offset."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time


def in_utc(text: str) -> str:
    """The text as v2 writes it, as far as it is a time."""
    try:
        return moment(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except ValueError:
        return text
