"""Options of sandboxes for tests: free ports, and no more rows than a test asks for."""

from typing import Any

from freight_sandbox import SandboxOptions

SMALL: dict[str, Any] = {
    "affinity_port": 0,
    "attio_port": 0,
    "opportunities": 0,
    "lists": 0,
    "entries": 0,
    "notes": 0,
    "reminders": 0,
    "files": 0,
    "custom_fields": False,
    "deals_enabled": False,
}


def sandbox_options(**given: Any) -> SandboxOptions:
    """Return the given options; others are those of `freight sandbox`, but for `SMALL`."""
    return SandboxOptions(**{**SMALL, **given})
