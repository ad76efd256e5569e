"""Tries `scripts/demo` as a user would who has just cloned the repository; `scripts/test-setup` runs this.

For each Python 3.11 to 3.14 on the machine, with the pip that it comes with, and twice more with a newer pip: in an
empty folder whose name has a space, without a compiler, a Redis or this machine's settings of pip, as the present user
and, for root, as an ordinary user too. Then with one of them: nothing is built twice, a moved checkout is noticed, a
killed set-up is done again, two at once do not disturb each other, and what prevents a set-up is said.

It needs nothing but the standard library, of Python 3.11 or newer.
"""

import argparse
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
PYENV = ".pyenv/versions/*/bin"
ORDINARY_USER = "nobody"
NEWER_PIP = "pip==26.3 --hash=sha256:f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
"""One that no Python comes with yet: what pip is to be tomorrow."""
DEMO = ("--unlimited", "--companies", "4", "--people", "6")
TIMEOUT = 900
"""Seconds for one set-up and demonstration."""
HIDDEN = re.compile(
    r"(.*-)?(cc|gcc|g\+\+|c\+\+|cpp|clang|clang\+\+|tcc|ld|as|make|gmake|cmake|rustc|cargo)(-[\d.]+)?"
    r"|c[89]9(-gcc)?|(redis|valkey)-.*|python.*|pip.*|uv|uvx|pyenv"
)
"""Programs that the set-up must not need: compilers, a Redis, other Pythons."""
FROM_PIP_CONFIGURATION = ("index-url", "extra-index-url", "cert", "client-cert", "proxy", "trusted-host", "timeout")
KEPT_VARIABLES = re.compile(r"(?i)(http|https|all|no)_proxy|SSL_CERT_(FILE|DIR)|LANG|LC_.*|TERM|TZ")


@dataclass(frozen=True)
class Python:
    """A Python on this machine, and the pip that it comes with."""

    path: str
    version: str
    pip: str

    def __str__(self) -> str:
        return f"Python {self.version} with pip {self.pip}"


@dataclass(frozen=True)
class Case:
    """One set-up: which Python, as whom, and with which pip."""

    python: Python
    user: str
    newer_pip: bool = False

    def __str__(self) -> str:
        pip = f"Python {self.python.version} with pip {newer_pip_version()}" if self.newer_pip else str(self.python)
        return f"{pip}, as {self.user}"


class Failed(Exception):
    """What was tried does not work; the message says how that shows."""


def main() -> None:
    """Try everything; exit with 1 if something does not work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out all but the demonstrations")
    parser.add_argument("--python", action="append", help="try this one, instead of all that are found")
    chosen = parser.parse_args()
    os.umask(0o022)
    pythons = [asked for path in chosen.python or () if (asked := ask(path))] or list(find_pythons())
    announce(pythons)
    with tempfile.TemporaryDirectory(prefix="freight-setup-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        bench = Bench(Path(folder))
        tasks = [(str(case), partial(bench.demonstrate, case)) for case in cases(pythons)]
        if not chosen.quick:
            tasks += [(name, partial(check, bench, pythons[0])) for name, check in CHECKS.items()]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            passed = list(pool.map(lambda task: attempt(*task), tasks))
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(not all(passed))


def announce(pythons: list[Python]) -> None:
    """Say what is tried, and what cannot be."""
    for python in pythons:
        say(f"Found {python}: {python.path}")
    missing = [version for version in VERSIONS if version not in {python.version[:4] for python in pythons}]
    if missing:
        say(f"Not on this machine, so not tried: Python {', '.join(missing)}")
    if os.geteuid() != 0:
        say("Not root, so only tried as the present user: only root can become another one.")
    if not pythons:
        sys.exit("There is no Python to try.")


def cases(pythons: list[Python]) -> Iterator[Case]:
    """Every Python as every user, and the oldest and the newest with a newer pip."""
    users = [myself()]
    if os.geteuid() == 0:
        users.append(ORDINARY_USER)
    for python in pythons:
        for user in users:
            yield Case(python, user)
    # Those of an operating system cannot be copied to be given another pip.
    own = [python for python in pythons if not python.path.startswith("/usr/bin/")]
    if not own:
        say(f"There is no Python that could be given pip {newer_pip_version()}, so that is not tried.")
    for python in dict.fromkeys((own[0], own[-1]) if own else ()):
        yield Case(python, users[0], newer_pip=True)


def attempt(name: str, task: Callable[[], None]) -> bool:
    """Whether it works; says so, and how long it took."""
    began = time.monotonic()
    try:
        task()
    except Failed as error:
        say(f"FAILED  {name}\n{error}")
        return False
    say(f"passed  {name} ({time.monotonic() - began:.0f} s)")
    return True


# Pythons


def find_pythons() -> Iterator[Python]:
    """The Pythons on the PATH, in the usual folders and from pyenv, one of each version and pip, the oldest first."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *FOLDERS, *map(str, Path.home().glob(PYENV))]
    found: dict[tuple[str, str], Python] = {}
    for folder in folders:
        for name in ("python3", *(f"python{version}" for version in VERSIONS)):
            path = Path(folder, name)
            if path.is_absolute() and path.exists() and (python := ask(str(path))):
                found.setdefault((python.version, python.pip), python)
    return iter(sorted(found.values(), key=lambda python: [int(part) for part in python.version.split(".")]))


def ask(path: str) -> Python | None:
    """What it is; None if it is no Python that Freight can have, or a virtual environment's, or has no pip to give."""
    code = (
        "import ensurepip, json, sys; "
        "print(json.dumps([getattr(sys, '_base_executable', sys.executable), '%d.%d.%d' % sys.version_info[:3], "
        "ensurepip.version(), sys.prefix != sys.base_prefix]))"
    )
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        answer = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, timeout=30, check=True)
        executable, version, pip, is_virtual = json.loads(answer.stdout)
        if version.rpartition(".")[0] in VERSIONS and not is_virtual:
            return Python(executable, version, pip)
    return None


def newer_pip_version() -> str:
    """The version in `NEWER_PIP`."""
    return NEWER_PIP.split()[0].removeprefix("pip==")


# Where it is tried


class Bench:
    """A temporary folder with checkouts, homes, and programs without compilers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._copies: dict[str, str] = {}
        self._copying, self._counting = threading.Lock(), threading.Lock()
        self.programs = folder / "programs"
        self._link_programs()
        self._network = network_settings()
        self._source = folder / "source"
        self._take_source()

    def _link_programs(self) -> None:
        self.programs.mkdir()
        for source in (Path("/usr/bin"), Path("/bin")):
            for program in source.iterdir():
                link = self.programs / program.name
                if not HIDDEN.fullmatch(program.name) and not link.is_symlink():
                    link.symlink_to(program)

    def _take_source(self) -> None:
        """Copy the files of the repository as they are now, even if they change meanwhile."""
        listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listing, capture_output=True, check=True).stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self._source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self._source / name)

    def checkout(self, user: str) -> Path:
        """A new folder of this user's with the files of the repository."""
        with self._counting:
            self._count += 1
            folder = self._folder / f"{self._count}" / "a checkout"
        shutil.copytree(self._source, folder)
        give(folder.parent, user)
        return folder

    def python_for(self, python: Python, user: str) -> str:
        """A path of the Python that the user can execute: a copy, if it lies where only root gets to."""
        if user == myself() or can_execute(python.path, user):
            return python.path
        with self._copying:
            if python.path not in self._copies:
                self._copies[python.path] = str(copied(python, self._folder / "pythons" / python.version))
        return self._copies[python.path]

    def environment(self, python: str, user: str, **more: str) -> dict[str, str]:
        """The variables for a set-up: of pip's settings only those that say where the package index is."""
        home = self._folder / f"home of {user}"
        if not home.exists():
            home.mkdir()
            give(home, user)
        kept = {name: value for name, value in os.environ.items() if KEPT_VARIABLES.fullmatch(name)}
        if python.startswith(str(self._folder)):
            # A copy's own libraries, not those of the Python that it is a copy of.
            kept["LD_LIBRARY_PATH"] = str(Path(python).parent.parent / "lib")
        return {
            **kept,
            **self._network,
            "PIP_CONFIG_FILE": os.devnull,
            "HOME": str(home),
            "PATH": str(self.programs),
            "CC": "/bin/false",
            "CXX": "/bin/false",
            "FREIGHT_PYTHON": python,
            **more,
        }

    def demonstrate(self, case: Case) -> None:
        """Set up and show a small migration, in a new checkout."""
        folder = self.checkout(case.user)
        python = self.python_for(case.python, case.user)
        if case.newer_pip:
            python = str(self._with_newer_pip(case.python, folder.parent))
        output = self.run(folder, case.user, ["scripts/demo", *DEMO], self.environment(python, case.user))
        if "It adds up." not in output:
            raise Failed(f"The demonstration does not say that it adds up:\n{output}")
        expected = newer_pip_version() if case.newer_pip else case.python.pip
        installed = subprocess.run(
            [folder / ".venv/bin/python", "-I", "-m", "pip", "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[1]
        if installed != expected:
            raise Failed(f"It was set up with pip {installed}, not with {expected}.")
        shutil.rmtree(folder.parent, ignore_errors=True)

    def _with_newer_pip(self, python: Python, folder: Path) -> Path:
        """A copy of the Python that comes with a newer pip, as a release of tomorrow will."""
        copy = copied(python, folder / "python")
        requirement = folder / "pip.lock"
        requirement.write_text(f"{NEWER_PIP}\n")
        (package,) = (folder / "python" / "lib").glob("python3.*/ensurepip")
        download = ["pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        download += ["--dest", str(package / "_bundled"), "--requirement", str(requirement)]
        self.run(folder, myself(), [python.path, "-I", "-m", *download], self.environment(python.path, myself()))
        source = (package / "__init__.py").read_text()
        (package / "__init__.py").write_text(
            re.sub(r'_PIP_VERSION = "[^"]+"', f'_PIP_VERSION = "{newer_pip_version()}"', source)
        )
        return copy

    def run(self, folder: Path, user: str, command: list[str], environment: dict[str, str], *, status: int = 0) -> str:
        """Run a command as a user; what it printed. Raises `Failed` if it exits with another status."""
        try:
            ended = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
                check=False,
                **becoming(user),
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{command} takes more than {TIMEOUT} seconds:\n{error.stdout!r}") from error
        printed: str = ended.stdout
        if ended.returncode != status:
            raise Failed(f"{command} exits with {ended.returncode}, not {status}:\n{printed}")
        return printed


def network_settings() -> dict[str, str]:
    """Where the package index is and how it is reached, out of pip's settings on this machine."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    settings = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        if section in ("global", "install", ":env:") and key in FROM_PIP_CONFIGURATION and "file:" not in value:
            settings[f"PIP_{key.upper().replace('-', '_')}"] = value.strip("'\"")
    return settings


def myself() -> str:
    """The present user's name."""
    return pwd.getpwuid(os.geteuid()).pw_name


def becoming(user: str) -> dict[str, Any]:
    """The arguments for `subprocess` that make a process another user's."""
    entry = pwd.getpwnam(user)
    if entry.pw_uid == os.geteuid():
        return {}
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def can_execute(path: str, user: str) -> bool:
    """Whether the user can run the program."""
    try:
        return (
            subprocess.run([path, "-I", "-c", ""], capture_output=True, check=False, **becoming(user)).returncode == 0
        )
    except OSError:
        return False


def give(folder: Path, user: str) -> None:
    """Make the user the owner of all of it."""
    entry = pwd.getpwnam(user)
    if entry.pw_uid != os.geteuid():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def copied(python: Python, folder: Path) -> Path:
    """The path of the Python in a copy of all that belongs to it."""
    prefix = Path(python.path).resolve().parent.parent
    ignored = shutil.ignore_patterns("site-packages", "test", "tests", "__pycache__")
    shutil.copytree(prefix, folder, symlinks=True, ignore=ignored)
    return folder / "bin" / Path(python.path).name


# What else a set-up must do, tried with one Python as the present user


def is_built_once(bench: Bench, python: Python) -> None:
    """A second run finds it up to date, until the checkout is moved."""
    user = myself()
    folder = bench.checkout(user)
    environment = bench.environment(python.path, user)
    if "Building" not in bench.run(folder, user, ["scripts/setup", "demo"], environment):
        raise Failed("It does not say that it builds something.")
    if said := bench.run(folder, user, ["scripts/setup", "demo"], environment):
        raise Failed(f"The second run is not silent:\n{said}")
    moved = folder.with_name("moved")
    folder.rename(moved)
    if "Building" not in bench.run(moved, user, ["scripts/setup", "demo"], environment):
        raise Failed("It does not notice that the checkout was moved.")
    bench.run(moved, user, [".venv/bin/freight", "--version"], environment)


def is_done_again_when_killed(bench: Bench, python: Python) -> None:
    """A run that is killed, together with its pip or alone, leaves nothing that the next takes for whole."""
    user = myself()
    folder = bench.checkout(user)
    environment = bench.environment(python.path, user)
    for seconds in (1, 5, 12):
        process = subprocess.Popen(
            ["scripts/setup", "demo"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=seconds != 5,
        )
        time.sleep(seconds)
        if seconds == 5:
            process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    bench.run(folder, user, ["scripts/setup", "demo"], environment)
    bench.run(folder, user, [".venv/bin/freight", "--version"], environment)


def waits_for_another_one(bench: Bench, python: Python) -> None:
    """Of two at once one builds, and both find it built."""
    user = myself()
    folder = bench.checkout(user)
    environment = bench.environment(python.path, user)
    with ThreadPoolExecutor(2) as pool:
        printed = list(pool.map(lambda _: bench.run(folder, user, ["scripts/setup", "demo"], environment), range(2)))
    if sum("Building" in text for text in printed) != 1:
        raise Failed("Both have built, or neither has:\n" + "\n".join(printed))
    bench.run(folder, user, [".venv/bin/freight", "--version"], environment)


def says_what_is_wrong(bench: Bench, python: Python) -> None:
    """Check that a user who cannot have it learns why, and what to do."""
    user = myself()
    folder = bench.checkout(user)

    def told(sentence: str, *, user: str = user, **more: str) -> None:
        environment = bench.environment(bench.python_for(python, user), user, **more)
        said = bench.run(folder, user, ["scripts/setup", "demo"], environment, status=1)
        if sentence not in said:
            raise Failed(f"It does not say {sentence!r}, but:\n{said}")

    old = fake(folder.parent, "old", "print('is Python 3.10') if 'print' in sys.argv[2] else sys.exit(1)")
    told("install one of these, or let FREIGHT_PYTHON name it", FREIGHT_PYTHON=old)
    told("cannot be run", FREIGHT_PYTHON="/nowhere/python3")
    told("The package index cannot be reached", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0")
    shutil.rmtree(folder / ".venv")
    folder.chmod(0o555)
    try:
        # Root could write there all the same.
        told("This user may not write to", user=ORDINARY_USER if os.geteuid() == 0 else user)
    finally:
        folder.chmod(0o755)


def fake(folder: Path, name: str, code: str) -> str:
    """A program that runs this code instead of being a Python."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
    path.chmod(0o755)
    return str(path)


CHECKS: dict[str, Callable[[Bench, Python], None]] = {
    "nothing is built twice, and a moved checkout is built again": is_built_once,
    "a killed set-up is done again": is_done_again_when_killed,
    "two set-ups at once do not disturb each other": waits_for_another_one,
    "what prevents a set-up is said": says_what_is_wrong,
}


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
