"""Server processes: the account they run under, and how they are started, awaited and stopped."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from freight_embedded import EmbeddedError

LAUNCH = Path(__file__).with_name("launch.py")

READY_TIMEOUT = 120.0
"""Seconds that a server may take to start, including recovery after a crash."""
STOP_TIMEOUT = 60.0
"""Seconds that a server may take to write its data and stop."""
LOOK_AGAIN = 0.02

SHARED_USER = "nobody"
SERVER_USERS = ("freight", SHARED_USER)
"""The users that root's servers run as: a dedicated one, or else one that every system has."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The user that the servers run as; both ids are None if it is the current one."""

    uid: int | None = None
    gid: int | None = None

    def make_folder(self, path: Path) -> None:
        """Create a folder that only this account can enter."""
        path.mkdir(mode=0o700)
        self.give(path)

    def give(self, path: Path) -> None:
        """Make this account the owner."""
        if self.uid is None or self.gid is None:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise EmbeddedError(
                f"Freight runs as root, PostgreSQL does not, and {path} cannot be given to the user with id "
                f"{self.uid} ({error}): run Freight as an ordinary user."
            ) from error


def server_account(data_folder: Path, users: Sequence[str] = SERVER_USERS) -> Account:
    """Return the account for the servers: the current user, but never root, which PostgreSQL refuses.

    For root it is the owner of existing data if that is an ordinary user, and otherwise the first of `users` that
    exists.
    """
    if os.geteuid() != 0:
        return Account()
    if data_folder.exists() and (owner := data_folder.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in users:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return Account(uid=user.pw_uid, gid=user.pw_gid)
    raise EmbeddedError(
        "Freight runs as root, PostgreSQL does not, and this system has none of the users "
        f"{' and '.join(users)} for it: run Freight as an ordinary user."
    )


def shared_user_warning(data_folder: Path) -> str | None:
    """Return what to do if the servers run as a user that other programs run as too, or None."""
    with contextlib.suppress(KeyError, FileNotFoundError):
        if data_folder.stat().st_uid == pwd.getpwnam(SHARED_USER).pw_uid:
            home = data_folder.parent
            return (
                f"Freight was started as root, so its PostgreSQL and Redis run as the user {SHARED_USER}, which other "
                "programs use too: each of them can read and change all data. Run Freight as an ordinary user, or make "
                f"a user for its servers (useradd --system {SERVER_USERS[0]}), stop Freight and give it their data "
                f"(chown -R {SERVER_USERS[0]}: {home}/postgres {home}/redis)."
            )
    return None


def say(message: str) -> None:
    """Write a line to the keeper's log, which is its standard error."""
    print(time.strftime("%Y-%m-%d %H:%M:%S"), message, file=sys.stderr, flush=True)  # noqa: T201


def packaged_program(package: str, path: str) -> str:
    """Return the path of a program inside an installed package, without importing the package.

    `path` is a pattern, because the packages for different platforms keep the program in folders with different names.
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for program in sorted(Path(folder).glob(path)):
            if program.is_file():
                return str(program)
    raise EmbeddedError(
        f"The embedded servers need the package {package} with its {path}: install it with `pip install "
        f"'freight[embedded]'`, or set FREIGHT_DATABASE_URL and FREIGHT_REDIS_URL to servers of your own."
    )


class Launcher(msgspec.Struct, frozen=True, kw_only=True):
    """Starts programs under the servers' account and with the servers' lock. They end with this process."""

    account: Account
    lock: int
    """The descriptor of `servers.lock`."""

    def start(
        self, command: Sequence[str], *, folders: Sequence[Path], log: Path, death_signal: signal.Signals
    ) -> subprocess.Popen[bytes]:
        """Start a program that writes to these folders; its output is appended to the log."""
        order = {
            "command": list(command),
            "folders": [str(folder) for folder in folders],
            "uid": self.account.uid,
            "gid": self.account.gid,
            "parent": os.getpid(),
            "death_signal": int(death_signal),
        }
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-I", "-S", str(LAUNCH), json.dumps(order)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[self.lock],
                cwd="/",
            )

    def run(self, title: str, command: Sequence[str], *, folder: Path, log: Path, sent: bytes = b"") -> None:
        """Run a program to its end, with `sent` on its standard input. Raise `EmbeddedError` if it fails."""
        beginning = size(log)
        process = self.start(command, folders=[folder], log=log, death_signal=signal.SIGKILL)
        try:
            process.communicate(sent, timeout=READY_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise EmbeddedError(f"{title} failed. {log_end(log, beginning)}")


class Server:
    """One server: a command that is started, becomes ready some time later, and is restarted if it ends."""

    def __init__(
        self,
        name: str,
        *,
        launcher: Launcher,
        command: Sequence[str],
        folders: Sequence[Path],
        log: Path,
        stop_signal: signal.Signals,
        is_ready: Callable[[int], bool],
    ) -> None:
        self.name = name
        self._launcher = launcher
        self._command = command
        self._folders = folders
        self._log = log
        self._log_beginning = 0
        self._stop_signal = stop_signal
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, without waiting for it."""
        self._log_beginning = size(self._log)
        self._process = self._launcher.start(
            self._command, folders=self._folders, log=self._log, death_signal=self._stop_signal
        )
        if self._process.stdin is not None:
            self._process.stdin.close()

    def wait_until_ready(self) -> None:
        """Return once the server answers. Raise `EmbeddedError` if it ends before, or exceeds `READY_TIMEOUT`."""
        deadline = time.monotonic() + READY_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if self._is_ready(self._process.pid):
                return
            time.sleep(LOOK_AGAIN)
        self.ask_to_stop()
        self.wait_until_stopped()
        raise EmbeddedError(f"{self.name} could not be started. {log_end(self._log, self._log_beginning)}")

    def has_ended(self) -> bool:
        """Return whether the server is not running."""
        return self._process is None or self._process.poll() is not None

    def ask_to_stop(self) -> None:
        """Signal the server to write its data and stop."""
        if self._process is not None:
            self._process.send_signal(self._stop_signal)

    def wait_until_stopped(self) -> None:
        """Return once the server has stopped; it is killed after `STOP_TIMEOUT`."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def size(log: Path) -> int:
    """Return the size of the log in bytes, 0 if it does not exist."""
    with contextlib.suppress(FileNotFoundError):
        return log.stat().st_size
    return 0


def log_end(log: Path, beginning: int) -> str:
    """Return a sentence with the last lines of the log after its first `beginning` bytes."""
    with log.open("rb") as file:
        file.seek(beginning)
        lines = file.read().decode(errors="replace").strip().splitlines()
    if not lines:
        return f"Its log {log} does not say why."
    return f"The last lines of its log {log} are:\n" + "\n".join(lines[-8:])
