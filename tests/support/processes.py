"""Freight's processes, started as their users start them."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from freight.settings import PREFIX, Settings

BIN = Path(sys.executable).parent


def environment(settings: Settings | None = None, **variables: str) -> dict[str, str]:
    """Return the environment of a process with these settings and no others of Freight's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    given = {} if settings is None else msgspec.structs.asdict(settings)
    chosen = {PREFIX + name.upper(): str(value) for name, value in given.items() if value is not None}
    return {**inherited, **chosen, **variables}


@dataclass
class Running:
    """A process, and the lines that it has printed so far."""

    process: Process
    lines: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.lines.append(line.decode())
                self._news.notify_all()

    async def printed(self, text: str, *, times: int = 1, timeout: float = 60) -> str:
        """Wait until lines with this text have been printed; the last of them."""

        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: len(found()) >= times)
        return found()[times - 1]

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, number: int = signal.SIGTERM, *, timeout: float = 30) -> int:
        """Send a signal and wait for the end; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(timeout):
            return await self.process.wait()


@asynccontextmanager
async def started(*command: str, env: dict[str, str], cwd: Path | None = None) -> AsyncIterator[Running]:
    """Yield a process for as long as the context lasts; what it prints, on both channels, is collected."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Running(process)
    reader = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            await running.stop()
        await reader


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Running]:
    """`arq freight.worker`, ready for work."""
    async with started(str(BIN / "arq"), "freight.worker", env=environment(settings)) as running:
        await running.printed("worker_started")
        yield running
