"""Other processes that use the servers, and what can be seen of all of them from outside."""

import asyncio
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import msgspec
import psutil
import redis.asyncio

from freight_embedded import Servers

HOLDER = Path(__file__).with_name("holder.py")
PATIENCE = 60.0
"""Seconds after which something that does not happen is taken not to happen at all."""


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


async def eventually_async(is_so: Callable[[], bool]) -> bool:
    return await asyncio.to_thread(eventually, is_so)


def is_running(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def make_folder(path: Path, mode: int) -> None:
    path.mkdir()
    path.chmod(mode)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: mode(path) for path in folder.iterdir()}


def keepers(home: Path) -> list[psutil.Process]:
    """The keepers of a home folder; there should never be more than one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            command = process.cmdline()
            if "freight_embedded.keeper" in command and str(home) in command and is_running(process):
                found.append(process)
    return found


def keeper_and_servers(home: Path) -> list[psutil.Process]:
    """Every process of a home folder's servers, the keeper first; some of PostgreSQL's last only as long as a query."""
    (keeper,) = keepers(home)
    return [keeper, *keeper.children(recursive=True)]


def main_processes(home: Path) -> list[psutil.Process]:
    """Of each server the process that the keeper started, which lasts."""
    (keeper,) = keepers(home)
    return keeper.children()


def server(home: Path, *names: str) -> psutil.Process:
    """The server whose program has one of these names."""
    (found,) = [process for process in main_processes(home) if process.name() in names]
    return found


def all_end(processes: list[psutil.Process]) -> bool:
    return eventually(lambda: not any(is_running(process) for process in processes))


@dataclass
class Holder:
    """Another process that uses the servers."""

    home: Path
    options: dict[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = (sys.executable,)

    alive: ClassVar[list["Holder"]] = []

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [*self.command, str(HOLDER), str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **self.options,
        )
        self.alive.append(self)

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def servers(self) -> Servers:
        return msgspec.json.decode(self.answer(), type=Servers)

    def error(self) -> str:
        return msgspec.json.decode(self.answer(), type=dict[str, str])["error"]

    def leave(self) -> int:
        """Let it end; its exit code."""
        self.process.communicate()
        self.alive.remove(self)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.leave()


async def remember(servers: Servers, value: str) -> None:
    """Store the value in both servers."""
    connection = await asyncpg.connect(servers.database_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS memory (value text)")
    await connection.execute("INSERT INTO memory VALUES ($1)", value)
    await connection.close()
    client = redis.asyncio.from_url(servers.redis_url)
    await client.rpush("memory", value)
    await client.aclose()


async def remembered(servers: Servers) -> tuple[list[str], list[str]]:
    """What PostgreSQL and Redis hold."""
    connection = await asyncpg.connect(servers.database_url)
    rows = await connection.fetch("SELECT value FROM memory")
    await connection.close()
    client = redis.asyncio.from_url(servers.redis_url)
    values = await client.lrange("memory", 0, -1)
    await client.aclose()
    return [row["value"] for row in rows], [value.decode() for value in values]
