"""Affinity's times: text with an offset in API v1, in UTC in API v2."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def moment(text: str) -> datetime:
    """The time that a text names. Raises `ValueError` for one that names none with an offset."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time


def now() -> str:
    """The present, in a form that both versions give."""
    return utc_text(datetime.now(UTC))


def utc_text(time: datetime) -> str:
    """A time as v2 writes it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pacific_midnight(text: str) -> str:
    """What becomes of a date that is written: midnight Pacific of its day in UTC. Raises `ValueError` for no date.

    Affinity documents that it has kept dates in this way since 2026.
    """
    given = datetime.fromisoformat(text)
    day = (given if given.tzinfo is None else given.astimezone(UTC)).date()
    return utc_text(datetime(day.year, day.month, day.day, tzinfo=PACIFIC))


def in_utc(text: str) -> str:
    """The text as v2 writes it, as far as it is a time."""
    try:
        return moment(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except ValueError:
        return text
