"""A real PostgreSQL and a real Redis from wheels, for one machine with nothing installed.

Both belong to a *keeper*, a supervisor process that the first user of a home folder starts and all later ones share.
Each user of the servers holds a shared lock on the home folder's `users.lock`; the keeper stops, and the servers with
it, once it can take that lock exclusively. The kernel releases a lock however its holder ends, so the servers stop
without any message: after an exception, and after SIGKILL.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec
import structlog

from freight_embedded.locks import EXCLUSIVE, SHARED, opened, taken

LOOK_AGAIN = 0.02
"""Seconds between two checks of something that another process is about to do."""
WATCH_INTERVAL = 1.0
"""Seconds between two checks whether the keeper is still running."""

log = structlog.stdlib.get_logger(__name__)


class EmbeddedError(Exception):
    """The embedded servers are not available; the message says why and what to do."""

    code = "embedded_servers_unavailable"


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """The servers' addresses: Unix sockets in a folder that only their owner can enter."""

    database_url: str
    """For asyncpg: `postgresql://freight@/freight?host=/tmp/freight-…&port=5432`."""
    redis_url: str
    """For redis-py: `unix:///tmp/freight-…/redis.sock`."""


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The contents of the home folder's `servers.json`: the keeper's servers, or why it could not start them."""

    servers: Servers | None = None
    socket_folder: str | None = None
    error: str | None = None

    @classmethod
    def read(cls, home: Path) -> "Report":
        """Return what has been written so far; an empty report if nothing has."""
        try:
            return msgspec.json.decode((home / "servers.json").read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.DecodeError):
            # A power cut can leave the file empty.
            return cls()


@asynccontextmanager
async def hold(home: Path) -> AsyncIterator[Servers]:
    """Run the home folder's servers while the context lasts, and start them if no other process uses them yet.

    The home folder is created if it is missing, accessible to its owner only. Raise `EmbeddedError`.
    """
    with ExitStack() as stack:
        try:
            home = _made(home)
            users = stack.enter_context(opened(home / "users.lock"))
        except OSError as error:
            raise _unusable(home, error) from error
        # A keeper that is stopping its servers holds this lock until they are down.
        await _take(users, SHARED)
        servers = await _running_servers(home)
        watch = asyncio.create_task(_watch(home, servers))
        try:
            yield servers
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


def running(home: Path) -> Servers | None:
    """Return the home folder's servers if they are running, without starting or holding them."""
    try:
        with opened(home / "keeper.lock") as lock:
            return None if taken(lock, EXCLUSIVE) else Report.read(home).servers
    except OSError:
        return None


async def stopped(home: Path) -> None:
    """Wait until the home folder's servers have stopped, after their last user has ended."""
    for name in ("keeper.lock", "servers.lock"):
        with opened(home / name) as lock:
            await _take(lock, EXCLUSIVE)


async def _watch(home: Path, servers: Servers) -> None:
    """Replace a keeper that was killed. The new one takes over the sockets' folder, so the addresses stay valid."""
    while True:
        await asyncio.sleep(WATCH_INTERVAL)
        try:
            found = await _running_servers(home)
        except EmbeddedError as error:
            log.exception("The embedded servers are gone.", code=error.code)
            continue
        if found != servers:
            log.error("The embedded servers have moved: restart this process.", home=str(home))


def _made(home: Path) -> Path:
    home = home.absolute()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


async def _take(lock: int, kind: int) -> None:
    while not taken(lock, kind):  # noqa: ASYNC110 - what is awaited happens in another process
        await asyncio.sleep(LOOK_AGAIN)


async def _running_servers(home: Path) -> Servers:
    with ExitStack() as stack:
        try:
            start = stack.enter_context(opened(home / "start.lock"))
            await _take(start, EXCLUSIVE)
            report = await _report(home)
        except OSError as error:
            raise _unusable(home, error) from error
    if report.servers is None:
        raise EmbeddedError(report.error or "The embedded servers could not be started.")
    return report.servers


async def _report(home: Path) -> Report:
    """Return the keeper's report; start a keeper if there is none. `start.lock` must be held."""
    keeper: subprocess.Popen[bytes] | None = None
    while True:
        if keeper is None:
            # This also runs while waiting for another process's keeper, which may be killed before it reports.
            keeper = _start_keeper(home)
        ended = keeper is not None and keeper.poll() is not None
        report = Report.read(home)
        if report.servers or report.error:
            return report
        if ended:
            raise EmbeddedError(
                f"The process that keeps the embedded servers ended before it could start them. Its log "
                f"{home / 'keeper.log'} says why."
            )
        await asyncio.sleep(LOOK_AGAIN)


def _start_keeper(home: Path) -> subprocess.Popen[bytes] | None:
    """Start a keeper, unless one is running."""
    with opened(home / "keeper.lock") as lock:
        if not taken(lock, EXCLUSIVE):
            return None
        arguments = [str(home), str(lock), _forget_report(home)]
        log_file = os.open(home / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(log_file, "ab") as errors:
            # The keeper inherits the lock already taken, so that it is never running without it.
            keeper = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "freight_embedded.keeper", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[lock],
                start_new_session=True,
            )
    # The keeper may outlive this process, or end before it and then must not remain as a zombie.
    threading.Thread(target=keeper.wait, name="freight-keeper", daemon=True).start()
    return keeper


def _forget_report(home: Path) -> str:
    """Remove the report of a keeper that has ended. Return its sockets' folder, or None."""
    report = Report.read(home)
    (home / "servers.json").unlink(missing_ok=True)
    return report.socket_folder or ""


def _unusable(home: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"Freight cannot work in its home folder {home} ({error}): set FREIGHT_HOME to a folder that this user may "
        f"write to."
    )
