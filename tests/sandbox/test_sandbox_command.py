"""What a user may rely on about `freight sandbox` and the block that runs a sandbox."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import httpx
from click.testing import CliRunner

from freight_sandbox import running
from freight_sandbox.command import sandbox as command
from support.clients import TLS
from support.sandboxes import sandbox_options

START = "from freight_sandbox.command import sandbox; sandbox()"
FREE_PORTS = ["--affinity-port", "0", "--attio-port", "0"]


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, *FREE_PORTS, *arguments, stdout=asyncio.subprocess.PIPE
    )


async def test_without_a_terminal_one_line_of_json_says_where_it_is():
    process = await start("--companies", "3", "--people", "4", "--affinity-key", "secret")
    try:
        told = json.loads(await process.stdout.readline())
        assert (told["companies"], told["people"], told["affinity_key"]) == (3, 4, "secret")
        async with httpx.AsyncClient(verify=TLS, headers={"Authorization": "Bearer secret"}) as client:
            answer = await client.get(f"{told['affinity_url']}/v2/companies")
            assert len(answer.json()["data"]) == 3
    finally:
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_every_collection_is_made_up_unless_told_otherwise():
    process = await start("--companies", "30", "--people", "40", "--notes", "0")
    try:
        told = json.loads(await process.stdout.readline())
        assert told["further_rows"] == 200 + 4 + 600 + 60 + 20
        async with httpx.AsyncClient(verify=TLS) as client:
            records = (await client.get(f"{told['affinity_url']}/_sandbox/summary")).json()["records"]
        assert (records["opportunities"], records["list_entries"], records["notes"]) == (200, 600, 0)
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_what_the_target_refuses_can_be_chosen_on_the_command_line():
    process = await start("--companies", "1", "--people", "1", "--record-limit", "0", "--query-score-limit", "1")
    try:
        told = json.loads(await process.stdout.readline())
        headers = {"Authorization": f"Bearer {told['attio_key']}"}
        async with httpx.AsyncClient(
            verify=TLS, base_url=f"{told['attio_url']}/v2/objects/people/records", headers=headers
        ) as client:
            full = await client.post("", json={"data": {"values": {}}})
            assert (full.status_code, full.json()["code"]) == (400, "particle_gate_violation")
            two_ids = {"filter": {"record_id": {"$in": ["a", "b"]}}}
            assert (await client.post("/query", json=two_ids)).status_code == 429
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_a_termination_signal_ends_it_cleanly_too():
    process = await start("--companies", "1", "--people", "1")
    await process.stdout.readline()
    process.terminate()
    assert await process.wait() == 0


def test_a_port_that_is_taken_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(command, ["--affinity-port", str(taken.getsockname()[1]), "--attio-port", "0"])
    assert result.exit_code == 1
    assert "Choose other ports" in result.output


def test_a_bad_workspace_is_a_sentence(tmp_path: Path):
    (tmp_path / "companies.jsonl").write_text("{}\n")
    result = CliRunner().invoke(command, [*FREE_PORTS, "--workspace", str(tmp_path)])
    assert result.exit_code == 1
    assert "companies.jsonl, line 1" in result.output


async def test_running_leaves_the_signals_alone_and_frees_its_ports():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with running(sandbox_options(companies=1, people=1)) as started:
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
        port = httpx.URL(started.attio_url).port
    async with running(sandbox_options(companies=1, people=1, attio_port=port)) as again:
        assert again.attio_url == started.attio_url
