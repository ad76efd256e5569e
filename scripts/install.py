"""Builds the virtual environment `.venv` of this checkout from a lock file; `scripts/setup` runs this.

Nothing is resolved: the lock files name every package with its version and the digests of its files, and pip is told to
look at no dependencies, at wheels only, and at nothing that has another digest. So the result depends neither on the
version of pip nor on what has been released since.

It needs nothing but the standard library, of Python 3.11 or newer.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"demo": "requirements-demo.lock", "everything": "requirements.lock"}
"""What can be installed, the smaller part first; all of it is in the larger one too, in the same versions."""
MEGABYTES = {"demo": 65, "everything": 135}
"""What pip downloads, if it has none of it in its cache; `scripts/check-wheels` prints it."""

PLATFORMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
OLDEST_GLIBC = (2, 28)
NETWORK_SETTINGS = {
    *("CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "DEFAULT_TIMEOUT", "EXTRA_INDEX_URL", "FIND_LINKS"),
    *("INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY", "RETRIES", "TIMEOUT", "TRUSTED_HOST"),
}
"""The settings of pip that say where packages come from; what they are is not for the environment to say."""
PROGRESS_INTERVAL = 5.0
"""Seconds between two lines about the progress, where they cannot replace each other."""
LAST_LINES = 12
UNREACHABLE = re.compile(r"No matching distribution|NameResolutionError|Connection\w*Error|Timeout|SSLError|ProxyError")


class SetupError(Exception):
    """The environment cannot be built; the message says why and what to do."""


def main(part: str) -> None:
    """Build what is missing of the environment. Safe to kill, and to run twice at once."""
    check_platform(platform.system(), platform.machine(), platform.libc_ver())
    check_interpreter()
    wanted = expected(part)
    if is_built(wanted):
        return
    with alone() as lock:
        # Another one may just have built it.
        if not is_built(wanted):
            build(part, wanted, lock)


def check_platform(system: str, machine: str, libc: tuple[str, str]) -> None:
    """Raise `SetupError` where some package has no wheel."""
    if (system, machine) not in PLATFORMS:
        raise SetupError(
            f"Freight's packages have wheels for Linux (x86_64, aarch64) and macOS (arm64), not for {system} on "
            f"{machine}: use one of these, or the container image of the Containerfile."
        )
    if system == "Linux":
        name, version = libc
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if name != "glibc" or numbers < OLDEST_GLIBC:
            raise SetupError(
                f"Freight's packages have wheels for Linux with glibc 2.28 or newer, and this system has "
                f"{' '.join(libc).strip() or 'another C library'}: use a newer system, or the container image of the "
                f"Containerfile."
            )


def check_interpreter() -> None:
    """Raise `SetupError` for a Python that the wheels are not made for."""
    kind = platform.python_implementation()
    if kind != "CPython" or sysconfig.get_config_var("Py_GIL_DISABLED") or sys.maxsize < 2**32:
        raise SetupError(
            f"Freight's packages have wheels for the usual 64-bit CPython, and {sys.executable} is another kind of "
            f"Python: let FREIGHT_PYTHON name a usual one."
        )


def expected(part: str) -> dict[str, str]:
    """What `.venv/freight.json` says of an environment that is up to date: of this place, this Python, these locks."""
    return {
        "folder": str(ROOT),
        "python": sys.version,
        "project": digest("pyproject.toml", "scripts/install.py"),
        **{name: digest(LOCKS[name]) for name in parts_of(part)},
    }


def parts_of(part: str) -> list[str]:
    """The part and what it includes."""
    names = list(LOCKS)
    return names[: names.index(part) + 1]


def digest(*names: str) -> str:
    """A digest of these files."""
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in names)).hexdigest()


def built() -> dict[str, str]:
    """What `.venv/freight.json` says; empty if the environment is not there, or not whole."""
    try:
        found = json.loads((ROOT / ".venv" / "freight.json").read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def is_built(wanted: dict[str, str]) -> bool:
    """Whether the environment holds what is wanted; it may hold more."""
    found = built()
    return wanted == {name: found.get(name) for name in wanted} and can_run(ROOT / ".venv" / "bin" / "python")


def can_run(python: Path) -> bool:
    """Whether it still is a Python: the one that it was made from may have been removed."""
    try:
        return subprocess.run([python, "-I", "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextmanager
def alone() -> Iterator[int]:
    """Wait until no other process builds an environment here, and keep others from it.

    The descriptor of the lock is handed to pip: where this process is killed, the next one waits for its pip to end.
    """
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is setting this folder up; waiting for it …")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def build(part: str, wanted: dict[str, str], lock: int) -> None:
    """Build the environment, or add to it what a smaller part did not need."""
    found = built()
    base = {name: value for name, value in wanted.items() if name != part}
    adds = part != next(iter(LOCKS)) and is_built(base) and part not in found
    began = time.monotonic()
    say(
        f"{'Adding the tools of development to' if adds else 'Building'} the virtual environment in "
        f"{ROOT / '.venv'}: once, a minute or so, up to {MEGABYTES[part]} MB to download …"
    )
    if adds:
        # From here on, until it is written again, the environment does not count.
        (ROOT / ".venv" / "freight.json").unlink()
    else:
        make_environment(lock)
    install(LOCKS[part], lock)
    install_freight(lock)
    unfinished = ROOT / ".venv" / "freight.json.new"
    unfinished.write_text(json.dumps(wanted))
    unfinished.replace(unfinished.with_name("freight.json"))
    say(f"Done, in {time.monotonic() - began:.0f} seconds.")


def make_environment(lock: int) -> None:
    """Make an environment that holds pip alone, in place of one that may be there."""
    try:
        (ROOT / ".venv" / "freight.json").unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(not_writable(error)) from error
    if not os.access(ROOT, os.W_OK | os.X_OK):
        raise SetupError(not_writable("permission denied"))
    # The one that this environment is made from, if it is the `.venv` of this checkout that is rebuilding itself.
    python = getattr(sys, "_base_executable", sys.executable)
    status, lines = run([python, "-I", "-m", "venv", "--clear", str(ROOT / ".venv")], os.environ, lock)
    if status == 0:
        return
    if any("ensurepip" in line for line in lines):
        version = ".".join(map(str, sys.version_info[:2]))
        raise SetupError(
            f"{sys.executable} has no pip to make virtual environments with: install it (on Debian and Ubuntu: "
            f"`apt-get install python{version}-venv`), or let FREIGHT_PYTHON name another Python."
        )
    raise SetupError("\n".join(["The virtual environment could not be made.", *lines[-LAST_LINES:]]))


def not_writable(why: object) -> str:
    """The sentence for a folder in which nothing can be built."""
    return (
        f"This user may not write to {ROOT} or the `.venv` in it ({why}): run this as their owner, or in a copy that "
        f"is your own."
    )


def install(file: str, lock: int) -> None:
    """Install exactly what the lock file says."""
    progress = Progress(sum(1 for line in (ROOT / file).read_text().splitlines() if re.match(r"[a-zA-Z0-9]", line)))
    # Python compiles what is imported; compiling all that is there would take longer than everything else.
    options = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--no-user", "--no-compile")
    status, lines = run(
        pip("install", *options, "--requirement", file),
        {name: value for name, value in os.environ.items() if is_for_the_network(name)},
        lock,
        progress.read,
    )
    progress.end()
    if status != 0:
        raise SetupError("\n".join(explained(lines)))


def is_for_the_network(name: str) -> bool:
    """Whether an environment variable is left to pip: all, but what changes what it installs, and where."""
    return not name.startswith("PIP_") or name.removeprefix("PIP_") in NETWORK_SETTINGS


def explained(lines: list[str]) -> list[str]:
    """What pip said at its end, after a sentence that says what to do."""
    text = "\n".join(lines)
    if "No space left" in text:
        advice = "The disk is full: make room, and run this again."
    elif "DO NOT MATCH THE HASHES" in text:
        advice = "The package index sent a file that is not the one in the lock file. Nothing of it was installed."
    elif UNREACHABLE.search(text):
        # Where pip cannot reach the index it says in the end that there is no such package.
        advice = "The package index cannot be reached, or lacks a file of the lock file: see that this machine has a "
        advice += "network, or set PIP_INDEX_URL to an index that it reaches, and run this again."
    else:
        advice = "The packages could not be installed."
    return [f"{advice} The last lines of pip are:", *lines[-LAST_LINES:]]


def install_freight(lock: int) -> None:
    """Install Freight itself, so that it is used from this checkout, with the build backend that is there already."""
    status, lines = run(
        pip("--isolated", "install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", "."),
        {**os.environ, "PIP_CONFIG_FILE": os.devnull},
        lock,
    )
    if status != 0:
        raise SetupError("\n".join(["Freight itself could not be installed.", *lines[-LAST_LINES:]]))


def pip(*arguments: str) -> list[str]:
    """A command of the environment's pip, which sees no packages but the environment's."""
    python = str(ROOT / ".venv" / "bin" / "python")
    return [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]


def run(
    command: list[str], environment: Mapping[str, str], lock: int, read: Callable[[str], None] = lambda _: None
) -> tuple[int, list[str]]:
    """Run a command in the checkout; its exit code and all lines that it printed, each handed on as it comes."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            read(lines[-1])
    return process.returncode, lines


class Progress:
    """A line that says how far pip is."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._replaces = sys.stderr.isatty()
        self._last = time.monotonic()

    def read(self, line: str) -> None:
        """Take a line of pip's."""
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self._count += 1
            name = line.split(": " if line.startswith("Req") else " ", 1)[1].split(" ")[0].rstrip(",;")
            self._show(f"{self._count} of {self._total} packages: {name}")
        elif line.startswith("Installing collected packages"):
            self._show(f"unpacking {self._total} packages", at_once=True)

    def _show(self, text: str, *, at_once: bool = False) -> None:
        if self._replaces:
            sys.stderr.write(f"\r\x1b[K  {text}")
            sys.stderr.flush()
        elif at_once or time.monotonic() - self._last > PROGRESS_INTERVAL:
            self._last = time.monotonic()
            say(f"  {text}")

    def end(self) -> None:
        """Leave nothing of it on the terminal."""
        if self._replaces:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def say(text: str) -> None:
    """Tell the person."""
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """Tell the person and end."""
    say(text)
    sys.exit(1)


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["everything"]
    if len(chosen) > 1 or chosen[0] not in LOCKS:
        fail("Usage: scripts/setup [demo]")
    try:
        main(chosen[0])
    except SetupError as error:
        fail(str(error))
    except OSError as error:
        fail(f"The virtual environment could not be built: {error}.")
    except KeyboardInterrupt:
        fail("Interrupted. The next run starts from the beginning.")
