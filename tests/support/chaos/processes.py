"""The processes of a fleet, which faults kill, freeze and stop, and which are started again as a supervisor would."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

EXIT_SECONDS = 20
"""How long a process may take to end after SIGTERM."""
RESTART_SECONDS = 2.0
"""How long the supervisor waits before it starts a process again that ended by itself."""
REQUESTS = ("request_started", "request_ended")
"""Log events of which a client that waits causes two a second."""
MAX_LINE = 600


class Member:
    """One process of the fleet, whose output goes to a file."""

    def __init__(
        self,
        name: str,
        ready: str,
        command: list[str],
        env: Mapping[str, str],
        folder: Path,
        complain: Callable[[str], None],
    ) -> None:
        self.name = name
        self._ready = ready
        self._command = command
        self._env = env
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / f"{name}.log"
        self._complain = complain
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._downs = 1
        """How many faults keep it down; it begins as if by one."""

    async def start(self) -> None:
        """Start it unless another fault keeps it down, and start it again whenever it ends by itself."""
        self._downs -= 1
        if self._downs == 0:
            await self._spawn()
            self._supervisor = asyncio.create_task(self._supervise())

    async def kill(self) -> None:
        """SIGKILL; it stays dead until it is started."""
        self._downs += 1
        await self._leave_alone()
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, which has to be obeyed in time and with status 0; it stays down until it is started."""
        self._downs += 1
        await self._leave_alone()
        if (process := self._process) is None or self._downs > 1:
            return
        # Another fault may kill it meanwhile. A process that is still starting has no handler, and just ends.
        allowed = {0, -signal.SIGKILL} if self.is_ready() else {0, -signal.SIGKILL, -signal.SIGTERM}
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                status = await process.wait()
        except TimeoutError:
            self._complain(f"{self.name} had not obeyed SIGTERM after {EXIT_SECONDS} s")
            await self._end(signal.SIGKILL)
            return
        self._process = None
        if status not in allowed:
            self._complain(f"{self.name} ended with status {status} after SIGTERM")

    def freeze(self) -> None:
        """SIGSTOP."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def close(self) -> None:
        """End it for good."""
        await self._leave_alone()
        await self._end(signal.SIGKILL)

    def is_ready(self) -> bool:
        """Return whether it has said that it is ready since it was started last."""
        return self._ready.encode() in self._printed()

    def last_lines(self, count: int = 8) -> list[str]:
        """Return what it logged last, apart from the requests that it answered."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        telling = [line for line in lines if not any(event in line for event in REQUESTS)]
        return [f"{self.name}: {line[:MAX_LINE]}" for line in telling[-count:]] or [f"{self.name} logged nothing."]

    def _was_refused(self) -> bool:
        """Return whether it ended before it was ready, with a sentence that says why: the database cannot be used."""
        printed = self._printed()
        return b"PostgreSQL" in printed and b"Traceback" not in printed and self._ready.encode() not in printed

    def _printed(self) -> bytes:
        with self._log.open("rb") as log:
            log.seek(self._printed_before)
            return log.read()

    async def _spawn(self) -> None:
        self._printed_before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def _supervise(self) -> None:
        while self._process is not None:
            status = await self._process.wait()
            if status != 1 or not self._was_refused():
                self._complain(f"{self.name} ended by itself with status {status}")
            await asyncio.sleep(RESTART_SECONDS)
            await self._spawn()

    async def _leave_alone(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None

    async def _end(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()
        self._process = None


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to processes, some of which may be gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
