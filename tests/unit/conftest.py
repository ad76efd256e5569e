"""Tests without servers: whatever starts a process or opens a connection is refused."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REFUSED = frozenset(
    {"socket.bind", "socket.connect", "subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
)
"""Audit events, see https://docs.python.org/3/library/audit_events.html."""

UNIT = Path(__file__).parent

running: list[str] = []
"""The unit test that runs now."""


class ServerUsed(BaseException):
    """Not an `Exception`, so that no code under test takes it for a server that is unavailable."""


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if running and event in REFUSED:
        raise ServerUsed(f"{running[-1]} is a unit test, but causes {event}: move it to tests/integration.")


# A hook cannot be removed.
sys.addaudithook(refuse)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    # This hook is called for every test of a run, wherever the test is.
    if item.path.is_relative_to(UNIT):
        running.append(item.nodeid)
    try:
        return (yield)
    finally:
        running.clear()
