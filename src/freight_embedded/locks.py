"""Locks on files that the kernel releases when their holder ends, however it ends.

All of them lie in the home folder:

users.lock    shared by every process that uses the servers; taken exclusively by the keeper when no process does
start.lock    held while a process looks for the keeper or starts one
keeper.lock   held by the keeper for its life
servers.lock  held by the keeper, the servers and all their child processes: free means that all of them have ended
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Yield the descriptor of a lock file, which is created if it is missing; closing it releases the lock.

    Programs started meanwhile do not inherit the descriptor unless it is passed to them.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def taken(descriptor: int, kind: int) -> bool:
    """Try to take the lock, `SHARED` or `EXCLUSIVE`, without waiting. Return whether it was taken."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
