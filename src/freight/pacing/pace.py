"""Pace: the share of the allowed rate that an account uses. Pure; times are seconds on any one clock.

A limit counts requests as they arrive, and Freight decides when they leave. If `N` requests are allowed within a second
and are sent at the rate `N * share`, their arrival can vary by up to `1 / share - 1` seconds before `N + 1` of them
fall into one second. The variation cannot be observed, a 429 can: each one multiplies the share by less than 1, and
time without one adds to it.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

HIGHEST_SHARE = 0.98
"""Leaves 20 ms: enough between two machines that are not busy."""

LOWEST_SHARE = 0.02

FALL = 0.92
"""The factor by which a 429 multiplies the share. After the first fall 109 ms are left, so that requests whose arrival
varies by up to 80 ms, and their sending a little, meet one 429 and no second.
"""

STEEP_FALL = 0.75
QUICK_REFUSALS = 3
QUICK_SECONDS = 5.0
"""If so many 429s follow each other within so many seconds each, the limit itself is lower: from then on the share
falls by `STEEP_FALL`.
"""

RISE = 0.0005
"""The increase of the share per second without a 429: two and a half minutes until the limit is tried again after a
fall.
"""

EPISODE_SECONDS = 1.0
"""429s within so many seconds of the first are answers to requests that were sent before the share fell."""

WARM_UP_SECONDS = 1.5
WARM_UP_DISTANCE = 1.25
"""For so long after a process begins to send, the distance of slots is multiplied by this: requests that open a
connection arrive later than those that follow on an open one.
"""

CLOCK_TOLERANCE = 1.0
"""Seconds by which a time can lie ahead before it counts as written before a clock was set back."""


class Pace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The known state of an account's limit. A new one has seen no 429."""

    share: Annotated[float, Meta(ge=LOWEST_SHARE, le=HIGHEST_SHARE)] = HIGHEST_SHARE
    """The share at `refused_at`, after it fell."""
    refused_at: float = 0.0
    """The time of the last fall."""
    refusals: int = 0
    """The number of falls in quick succession, including the last one."""
    warm_at: float = 0.0
    """The end of the last warm-up."""

    def share_at(self, now: float) -> float:
        """Return the share of the allowed rate to use."""
        return min(HIGHEST_SHARE, self.share + RISE * max(0.0, now - self.refused_at))

    def distance(self, now: float, rate: float) -> float:
        """Return the seconds between slots if the vendor allows `rate` requests a second."""
        is_warming_up = now < self.warm_at <= now + WARM_UP_SECONDS + CLOCK_TOLERANCE
        return (WARM_UP_DISTANCE if is_warming_up else 1.0) / (rate * self.share_at(now))

    def after_refusal(self, now: float) -> "Pace":
        """Return the pace after a 429; the same if it has just fallen."""
        known = self.repaired(now)
        since = now - known.refused_at
        if known.refusals and since < EPISODE_SECONDS:
            return self
        refusals = known.refusals + 1 if since < QUICK_SECONDS else 1
        fall = FALL if refusals < QUICK_REFUSALS else STEEP_FALL
        return msgspec.structs.replace(
            known, share=max(LOWEST_SHARE, known.share_at(now) * fall), refused_at=now, refusals=refusals
        )

    def warming_up(self, now: float) -> "Pace":
        """Return the pace of a process that begins to send."""
        return msgspec.structs.replace(self, warm_at=now + WARM_UP_SECONDS)

    def repaired(self, now: float) -> "Pace":
        """Return the pace without times from before the clock was set back."""
        if self.refused_at <= now + CLOCK_TOLERANCE:
            return self
        return msgspec.structs.replace(self, refused_at=now)


def read(text: bytes | str) -> Pace | None:
    """Parse the text of `written`. Return None if it is not valid."""
    try:
        return msgspec.json.decode(text, type=Pace)
    except msgspec.DecodeError:
        return None


def written(pace: Pace) -> bytes:
    """Return the pace as text that is equal only for equal paces."""
    return msgspec.json.encode(pace)
