"""Times as Attio reads and writes them."""

import calendar
import re
from datetime import UTC, datetime, timedelta

from freight_sandbox.attio.errors import Path, invalid

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
DURATION = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)


def now() -> str:
    """Return the current time as Attio writes it: milliseconds, padded to nanoseconds."""
    moment = datetime.now(UTC)
    return format_moment(moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def format_moment(moment: datetime) -> str:
    """Return a time in UTC as Attio writes it."""
    # Unlike strftime, isoformat writes years before 1000 with four digits on all platforms.
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "000Z"


def parse_moment(text: str) -> datetime | None:
    """Return the time in UTC, or None. Missing parts default to the beginning, and to UTC."""
    if re.fullmatch(r"\d{4}(-\d{2})?", text):
        text = text + "-01-01" if len(text) == 4 else text + "-01"
    try:
        # Attio accepts nanoseconds; the standard library parses microseconds.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment_of(text: str, path: Path) -> datetime:
    """Return the time in UTC. Raise 400 for a text that is none."""
    moment = parse_moment(text)
    if moment is None:
        raise invalid(path, f'"{text}" is not an ISO 8601 timestamp.')
    return moment


def backdated(text: str, path: Path) -> str:
    """Return a time in the past as Attio writes it. Raise 400 for one before 1970 or in the future."""
    moment = moment_of(text, path)
    if moment < EARLIEST or moment > datetime.now(UTC):
        raise invalid(path, "The date must not be before 1970 or in the future.")
    return format_moment(moment)


def later(moment: datetime, duration: str) -> datetime | None:
    """Return the time an ISO 8601 duration later, or None if the text is no duration or leads beyond the year 9999."""
    found = DURATION.fullmatch(duration)
    if found is None:
        return None
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    year, month = divmod(moment.year * 12 + moment.month - 1 + years * 12 + months, 12)
    try:
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        shifted = moment.replace(year=year, month=month + 1, day=day)
        return shifted + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError):
        return None
