"""How long a failed batch waits before its next attempt."""

import random
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a batch that failed as a whole is tried again. A rate limit is a wait and not a failure."""

    max_attempts: Annotated[int, Meta(ge=1, le=100, description="Attempts in all, the first one included.")] = 5
    backoff: Annotated[
        Literal["exponential", "linear", "fixed"], Meta(description="How the delay grows from attempt to attempt.")
    ] = "exponential"
    initial_delay: Annotated[float, Meta(ge=0, le=86400, description="Seconds before the second attempt.")] = 2
    max_delay: Annotated[float, Meta(ge=0, le=86400, description="Longest delay, in seconds.")] = 3600
    jitter: Annotated[bool, Meta(description="Whether each delay is randomly shortened by up to a half.")] = True

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt with this number (from 1) has failed."""
        if self.backoff == "exponential":
            # The exponent is capped because a float cannot hold 2 ** 2000.
            seconds = self.initial_delay * 2.0 ** min(attempt - 1, 64)
        elif self.backoff == "linear":
            seconds = self.initial_delay * attempt
        else:
            seconds = self.initial_delay
        seconds = min(seconds, self.max_delay)
        return seconds * random.uniform(0.5, 1) if self.jitter else seconds  # noqa: S311
