"""What tests of pacing have in common: a real Redis, and a clock that only moves when something waits."""

import asyncio
import os
import signal
from pathlib import Path

import redis.exceptions
from redis.asyncio import Redis

from freight.connectors.protocols import Kind
from freight_embedded import redis_program

RATES: dict[Kind, float] = {"read": 100.0, "write": 25.0}

DISTANCE = 1 / (25 * 0.98)

PATIENT = 7200.0
"""Seconds: longer than anything lasts."""


class RedisServer:
    """A real Redis on a socket, to be stopped and started by tests."""

    def __init__(self, folder: Path) -> None:
        self._program = redis_program.find(os.environ["PATH"]).path
        self._folder = folder
        self.socket = str(folder / "redis.sock")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        options = ["--port", "0", "--unixsocket", self.socket, "--dir", str(self._folder), "--save", ""]
        self._process = await asyncio.create_subprocess_exec(
            self._program, *options, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        client = Redis(unix_socket_path=self.socket)
        while True:
            try:
                await client.ping()
                break
            except redis.exceptions.ConnectionError:
                await asyncio.sleep(0.02)
        await client.aclose()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


class Clock:
    """A clock that waiting moves on, without waiting. `sleeps` says how much longer a wait takes than it should, for
    the next waits in turn, as for a process that is stopped meanwhile."""

    def __init__(self, *sleeps: float) -> None:
        self.now = 1000.0
        self.waited = 0.0
        self._sleeps = list(sleeps)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.now += seconds + (self._sleeps.pop(0) if self._sleeps else 0.0)
        await asyncio.sleep(0)
