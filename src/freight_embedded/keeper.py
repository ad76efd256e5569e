"""The keeper: a process that owns the two servers and ends with their last user.

`python -m freight_embedded.keeper HOME LOCK FOLDER`, where LOCK is the descriptor of the home folder's `keeper.lock`,
already taken, and FOLDER the sockets' folder of an earlier keeper that was killed, or empty. The output goes to the
home folder's `keeper.log`.
"""

import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from freight_embedded import EmbeddedError, Report, Servers, postgres, redis, redis_program
from freight_embedded.locks import EXCLUSIVE, opened, taken
from freight_embedded.processes import Account, Launcher, Server, say, server_account

LOOK_AGAIN = 0.1
"""Seconds between two checks for users and servers."""
LEFTOVER_TIMEOUT = 90.0
"""Seconds that servers of a killed keeper may take to end: they were signalled when it was killed."""
LONGEST_TEMPORARY_FOLDER = 70
"""Characters, because the path of a socket is limited to about 104."""


def main(home: Path, lock: int, previous_folder: str) -> None:
    """Run the servers until they have no users."""
    os.umask(0o077)
    os.chdir("/")
    # A service manager sends SIGTERM to all processes at once; the users still need the servers to end in order.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    with opened(home / "users.lock") as users:
        try:
            with _running(home, previous_folder) as (servers, report):
                _write(home, report)
                _keep(servers, users)
                (home / "servers.json").unlink(missing_ok=True)
        except EmbeddedError as error:
            _write(home, Report(error=str(error)))
        except OSError as error:
            _write(home, Report(error=f"The embedded servers cannot run in {home}: {error}."))
        # Before the users' lock: a process that is waiting for that one must find no keeper.
        os.close(lock)


@contextmanager
def _running(home: Path, previous_folder: str) -> Iterator[tuple[Sequence[Server], Report]]:
    account = server_account(home / "postgres")
    with opened(home / "servers.lock") as lock:
        _wait_for_leftovers(home, lock)
        launcher = Launcher(account=account, lock=lock)
        with _socket_folder(account, previous_folder) as sockets:
            # If this process is killed, the next keeper finds the folder here.
            _write(home, Report(socket_folder=str(sockets)))
            found = redis_program.find(os.environ.get("PATH", os.defpath))
            for sentence in found.ignored:
                say(f"{sentence} Freight uses {found.path} instead.")
            servers = (
                redis.server(found.path, home / "redis", sockets, launcher, home / "redis.log"),
                postgres.server(home / "postgres", sockets, launcher, home / "postgres.log"),
            )
            postgres.prepare(home / "postgres", launcher, home / "postgres.log")
            redis.prepare(home / "redis", launcher, found.program)
            try:
                for server in servers:
                    server.start()
                for server in servers:
                    server.wait_until_ready()
                postgres.hand_over(sockets, launcher, home / "postgres.log")
                urls = Servers(database_url=postgres.database_url(sockets), redis_url=redis.redis_url(sockets))
                yield servers, Report(servers=urls, socket_folder=str(sockets))
            finally:
                for server in servers:
                    server.ask_to_stop()
                for server in servers:
                    server.wait_until_stopped()


def _keep(servers: Sequence[Server], users: int) -> None:
    """Return once there are no users; until then restart a server that ends."""
    while not taken(users, EXCLUSIVE):
        for server in servers:
            if server.has_ended():
                _restart(server)
        time.sleep(LOOK_AGAIN)


def _restart(server: Server) -> None:
    say(f"{server.name} has ended and is started again.")
    try:
        server.start()
        server.wait_until_ready()
    except (EmbeddedError, OSError) as error:
        say(str(error))
        time.sleep(1)


def _wait_for_leftovers(home: Path, lock: int) -> None:
    deadline = time.monotonic() + LEFTOVER_TIMEOUT
    while not taken(lock, EXCLUSIVE):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"The PostgreSQL or Redis of an earlier run still uses {home}: end its process, which the file "
                f"{home / 'postgres' / 'postmaster.pid'} names in its first line, and try again."
            )
        time.sleep(LOOK_AGAIN)


@contextmanager
def _socket_folder(account: Account, previous: str) -> Iterator[Path]:
    """Yield a short path that only the servers' account can enter, and remove it at the end."""
    if previous and _is_private(previous, account):
        folder = Path(previous)
        for leftover in folder.iterdir():
            leftover.unlink()
    else:
        folder = Path(tempfile.mkdtemp(prefix="freight-", dir=_temporary_folder()))
    try:
        account.give(folder)
        yield folder
    finally:
        shutil.rmtree(folder)


def _temporary_folder() -> str:
    usual = tempfile.gettempdir()
    return usual if len(usual) <= LONGEST_TEMPORARY_FOLDER else "/tmp"  # noqa: S108 - mkdtemp makes its folder private


def _is_private(folder: str, account: Account) -> bool:
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        return False
    owner = os.geteuid() if account.uid is None else account.uid
    return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == owner


def _write(home: Path, report: Report) -> None:
    """Write the report atomically."""
    unfinished = home / "servers.json.new"
    unfinished.write_bytes(msgspec.json.encode(report))
    unfinished.replace(home / "servers.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
