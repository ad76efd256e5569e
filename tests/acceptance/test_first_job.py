"""The README does what it says: its first job is run as it stands there."""

import asyncio
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

import freight_embedded
from support import processes
from support.readme import section

SERVERS = {"freight sandbox": "affinity_url", "freight serve": "Freight is ready"}
"""Commands that go on until they are ended, with what they print once they can be used."""

PORTS = ("8000", "9101", "9102")
"""What the README's commands listen on, which others may do on this machine too."""

UNPACED = {"FREIGHT_ATTIO_READS_PER_SECOND": "0", "FREIGHT_ATTIO_WRITES_PER_SECOND": "0"}
"""The half a minute that the job takes at Attio's pace changes nothing of what is printed."""

END_OF_BLOCK = "--- end of block ---"


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a section as (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def free_ports() -> dict[str, str]:
    """For each port in the README one on which nobody listens on this machine."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {port: str(listener.getsockname()[1]) for port, listener in zip(PORTS, listeners, strict=True)}


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    """A folder for the terminals, with a home for Freight in it."""
    path = Path(tempfile.mkdtemp(prefix="freight-test-"))
    yield path
    await freight_embedded.stopped(path / "home")
    shutil.rmtree(path)


async def test_the_first_job_goes_as_the_readme_says(folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    text, ports = section("A first job"), free_ports()
    for port, free in ports.items():
        text = text.replace(port, free)
    first_job = blocks(text)
    serve_port, affinity_port, attio_port = ports.values()
    options = {"freight sandbox": f" --affinity-port {affinity_port} --attio-port {attio_port}", "freight serve": ""}
    env = processes.environment(FREIGHT_HOME=str(folder / "home"), FREIGHT_PORT=serve_port, **UNPACED)
    env["PATH"] = f"{processes.BIN}:{env['PATH']}"
    steps, expected = [], {}
    async with AsyncExitStack() as terminals:
        for language, block in first_job:
            server = next((server for server in SERVERS if server in block), None)
            if language == "text":
                expected[len(steps) - 1] = block
            elif server is None:
                steps.append(block)
            else:
                command = block.replace(server, f"exec {server}{options[server]}")
                terminal = processes.started("bash", "-c", command, env=env, cwd=folder)
                await (await terminals.enter_async_context(terminal)).printed(SERVERS[server])
        printed = await typed(steps, env, folder)
    assert len(expected) == 2
    assert {number: printed[number] for number in expected} == expected


async def typed(commands: list[str], env: dict[str, str], folder: Path) -> list[str]:
    """What each of these blocks prints, typed one after the other into one terminal."""
    script = "set -euo pipefail\n" + "".join(f"{command}\necho '{END_OF_BLOCK}'\n" for command in commands)
    terminal = await asyncio.create_subprocess_exec(
        "bash", "-c", script, env=env, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        printed, complained = await terminal.communicate()
    assert (terminal.returncode, complained.decode()) == (0, ""), printed.decode()
    return printed.decode().split(f"{END_OF_BLOCK}\n")
