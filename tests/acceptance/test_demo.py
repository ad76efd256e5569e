"""`freight demo`, for somebody who has nothing and watches: what it shows, and that it leaves nothing behind."""

import asyncio
import contextlib
import os
import pty
import re
import shutil
import signal
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from support import processes

COMPANIES, PEOPLE = 10, 20
SMALL = (
    *("--companies", str(COMPANIES), "--people", str(PEOPLE)),
    *("--opportunities", "2", "--entries", "4", "--notes", "4"),
)
MARKER = "FREIGHTS_DEMO_TEST"
PATIENCE = 60.0
"""Seconds within which everything of a demonstration that has ended is gone."""


@dataclass(frozen=True)
class Demo:
    """A demonstration with a folder for its temporary files, and a mark by which to find its processes."""

    folder: Path
    mark: str

    @asynccontextmanager
    async def started(self, *options: str, output: int) -> AsyncIterator[Process]:
        """It runs as the leader of a process group, as a shell would start it."""
        process = await asyncio.create_subprocess_exec(
            str(processes.BIN / "freight"),
            *("demo", *SMALL, *options),
            env=processes.environment(**{MARKER: self.mark, "TMPDIR": str(self.folder), "TERM": "xterm"}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
            # Where the tests run in the background, it would be ignored from birth.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def processes(self) -> list[psutil.Process]:
        """Whatever of it is running. The servers get no environment, but have the folder in their command."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                if process.environ().get(MARKER) == self.mark or str(self.folder) in " ".join(process.cmdline()):
                    found.append(process)
        return found

    async def check_nothing_is_left(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.processes() and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes know no events
            await asyncio.sleep(0.1)
        assert self.processes() == []
        assert list(self.folder.iterdir()) == []


@contextlib.contextmanager
def a_demo() -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="freight-test-"))
    demo = Demo(folder, str(uuid4()))
    try:
        yield demo
    finally:
        for process in demo.processes():
            process.kill()
        shutil.rmtree(folder)


@pytest.fixture
def demo() -> Iterator[Demo]:
    """The same for a whole test."""
    with a_demo() as demo:
        yield demo


async def test_without_a_terminal_it_prints_plain_lines_and_a_table_that_adds_up(demo: Demo) -> None:
    async with demo.started("--unlimited", output=asyncio.subprocess.PIPE) as process:
        printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed
    assert "\x1b" not in printed
    lines = printed.splitlines()
    assert any(re.match(r"\w+: \d+ of \d+ records, ", line) for line in lines)
    for entity, found in (("companies", COMPANIES), ("people", PEOPLE)):
        (row,) = [line for line in lines if line.startswith(f"│ {entity}")]
        read, *outcomes, in_target = [int(cell) for cell in row.strip("│ ").split("│")[1:]]
        assert read == found == sum(outcomes)
        assert in_target == sum(outcomes[:3])
    assert lines[-1] == "It adds up."
    await demo.check_nothing_is_left()


async def test_on_a_terminal_it_shows_a_bar_with_rate_and_remaining_time(demo: Demo) -> None:
    screen, terminal = pty.openpty()
    async with demo.started(output=terminal) as process:
        os.close(terminal)
        shown = await asyncio.to_thread(read_all, screen)
        await process.wait()
    os.close(screen)
    assert process.returncode == 0, shown
    for part in ("━", "records/s", "0:00:0", "It adds up."):
        assert part in shown
    await demo.check_nothing_is_left()


async def at_once(_: asyncio.StreamReader) -> None:
    """Python itself is still starting, or the command being read."""
    await asyncio.sleep(0.5)


async def while_servers_start(output: asyncio.StreamReader) -> None:
    await until_printed(output, "Starting PostgreSQL")
    await asyncio.sleep(0.7)


async def in_the_middle(output: asyncio.StreamReader) -> None:
    await until_printed(output, "Job ")
    await asyncio.sleep(1)


async def near_the_end(output: asyncio.StreamReader) -> None:
    await until_printed(output, "files: ")
    await asyncio.sleep(1)


async def test_ctrl_c_leaves_nothing_behind() -> None:
    # At the same time: most of it is waiting.
    async with asyncio.TaskGroup() as demos:
        for moment in (at_once, while_servers_start, in_the_middle, near_the_end):
            demos.create_task(check_ctrl_c_leaves_nothing_behind(moment), name=moment.__name__)


async def check_ctrl_c_leaves_nothing_behind(moment: Callable[[asyncio.StreamReader], Awaitable[None]]) -> None:
    with a_demo() as demo:
        await press_ctrl_c(demo, moment)
        await demo.check_nothing_is_left()


async def press_ctrl_c(demo: Demo, moment: Callable[[asyncio.StreamReader], Awaitable[None]]) -> None:
    async with demo.started(output=asyncio.subprocess.PIPE) as process:
        assert process.stdout is not None
        await moment(process.stdout)
        # As a terminal does it: to every process of the group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            printed = (await process.stdout.read()).decode()
            status = await process.wait()
    if moment is at_once:
        assert status in (130, 1, -signal.SIGINT)
    elif moment is near_the_end and status == 0:
        # It was through before the signal came.
        assert printed.splitlines()[-1] == "It adds up."
    else:
        assert status == 130
        assert printed.splitlines()[-1] == "Stopped."
        assert "Traceback" not in printed


async def until_printed(output: asyncio.StreamReader, text: str) -> None:
    async with asyncio.timeout(240):
        while text not in (line := (await output.readline()).decode()):
            assert line, "it ended before"


def read_all(screen: int) -> str:
    """All that is shown on a terminal until nobody writes to it any more."""
    shown = b""
    # Linux reports the end of the other side as an error.
    with contextlib.suppress(OSError):
        while data := os.read(screen, 65536):
            shown += data
    return shown.decode(errors="replace")
