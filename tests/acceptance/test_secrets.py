"""Keys appear nowhere: everything is driven with keys that can be recognised, and then searched for them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from redis.asyncio import Redis

from freight import database
from freight.deployment import Deployment
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Credentials, JobRequest
from freight.domain.tenancy.api_keys import KeyRequest, NewKey
from freight.encryption import CredentialCipher
from freight.settings import Settings
from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support import processes
from support.clients import TLS
from support.processes import BIN, Running
from support.quoting import Quoting, quoting
from support.receiver import Receiver, receiving
from support.sandboxes import sandbox_options
from support.servers import as_superuser
from support.service import job_request

AFFINITY_KEY, ATTIO_KEY = "MARKaffinityMARK0123456789", "MARKattioMARK0123456789"
UNKNOWN_KEY = "frt_test_MARKtypoMARKtypoMARKtypoMARKtypoMARK"

REFUSALS = (401, 403, 404, 400, 422, 302, 200)


@dataclass
class Told:
    """All that Freight has said to its clients, and the secrets that it may have said once."""

    secrets: set[str] = field(default_factory=lambda: {AFFINITY_KEY, ATTIO_KEY, UNKNOWN_KEY})
    texts: list[str] = field(default_factory=list)

    async def hear(self, response: httpx.Response) -> None:
        async with asyncio.timeout(30):
            body = b""
            # An answer that never ends is told from the others by its kind.
            if "event-stream" in response.headers.get("Content-Type", ""):
                async for part in response.aiter_bytes():
                    body += part
                    break
            else:
                body = await response.aread()
        said = body.decode()
        for secret in secrets_shown_once(response, said):
            self.secrets.add(secret)
            said = said.replace(secret, "(shown once)")
        self.texts.append(f"{response.status_code} {response.headers} {said}")


def secrets_shown_once(response: httpx.Response, said: str) -> list[str]:
    """Keys and secrets of webhooks in the answers that create them."""
    if response.request.method != "POST" or not response.is_success:
        return []
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(value[name] for name in ("key", "secret") if isinstance(value.get(name), str))
            for inner in value.values():
                look(inner)

    with suppress(json.JSONDecodeError):
        look(json.loads(said))
    return found


@dataclass
class Scene:
    """Everything that is at hand."""

    told: Told
    settings: Settings
    sandbox: Sandbox
    source: Quoting
    target: Quoting
    receiver: Receiver
    api: Running
    worker: Running
    client: httpx.AsyncClient
    """Of a tenant, with every scope."""

    def request(self, **changes: Any) -> dict[str, Any]:
        request = job_request(self.sandbox, batch_size=100)
        request["source_config"]["base_url"] = self.source.url
        request["target_config"]["base_url"] = self.target.url
        return {**request, **changes}

    async def until(self, job_id: str, *statuses: str) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while True:
                job: dict[str, Any] = (await self.client.get(f"/api/v1/jobs/{job_id}")).json()
                if job["status"] in statuses:
                    return job
                await asyncio.sleep(0.2)


@asynccontextmanager
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    options = sandbox_options(companies=40, people=60, unlimited=True, affinity_key=AFFINITY_KEY, attio_key=ATTIO_KEY)
    told = Told()
    settings = msgspec.structs.replace(
        settings,
        vendor_hosts="127.0.0.1",
        webhook_hosts="127.0.0.1",
        log_level="debug",
        log_format="json",
    )
    env = processes.environment(settings)
    async with (
        running_sandbox(options) as sandbox,
        quoting(sandbox.affinity_url) as source,
        quoting(sandbox.attio_url) as target,
        receiving() as receiver,
        processes.started(str(BIN / "freight"), "serve", "--no-worker", env=env) as api,
        processes.worker(settings) as worker,
        httpx.AsyncClient(
            verify=TLS,
            base_url=(await api.printed("Freight is ready at")).split()[4],
            timeout=30,
            event_hooks={"response": [told.hear]},
        ) as client,
    ):
        async with processes.started(str(BIN / "freight"), "admin", "create-key", env=env) as command:
            administrators = (await command.printed("frt_test_")).strip()
        told.secrets.add(administrators)
        created = await client.post("/api/v1/tenants", json={"name": "The firm"}, headers={"X-API-Key": administrators})
        client.headers["X-API-Key"] = created.json()["first_key"]["key"]
        yield Scene(
            told=told,
            settings=settings,
            sandbox=sandbox,
            source=source,
            target=target,
            receiver=receiver,
            api=api,
            worker=worker,
            client=client,
        )


async def test_no_secret_is_in_any_answer_log_line_repr_redis_value_or_column(
    settings: Settings,
) -> None:
    async with scene(settings) as at, commands_of_redis(settings) as commands:
        await manage_keys(at)
        await be_refused_by_vendors(at)
        await be_refused_by_freight(at)
        finished = await run_a_job(at)
        failed = await run_a_job_whose_key_is_refused_in_the_middle(at)
        await crash(at)
        await read_everything(at, finished, failed)
        secrets = at.told.secrets
        assert len(secrets) >= 8
        assert at.receiver.requests
        found = {
            "answers": at.told.texts,
            "webhooks": [f"{one.headers} {one.body!r}" for one in at.receiver.requests],
            "redis commands": commands,
            "redis": await values_of_redis(settings),
            "columns": await rows_of_every_table(settings),
            "reprs": await reprs(settings, finished, secrets),
        }
    found["logs"] = [*at.api.lines, *at.worker.lines]
    expected = {"answers": "credentials_refused", "logs": "request_crashed", "columns": "The marked job"}
    for place, text in expected.items():
        assert any(text in one for one in found[place]), f"the search of {place} finds nothing at all"
    for place, texts in found.items():
        assert texts, place
        for secret in secrets:
            for form in forms(secret):
                assert not [text for text in texts if form in text], f"{secret[:12]}… in {place}"


async def manage_keys(at: Scene) -> None:
    key = (await at.client.post("/api/v1/keys", json={"name": "one", "scopes": ["jobs:read"]})).json()
    await at.client.post(f"/api/v1/keys/{key['id']}/rotate")
    await at.client.delete(f"/api/v1/keys/{key['id']}")
    assert (await at.client.get("/api/v1/jobs", headers={"X-API-Key": key["key"]})).status_code == 401
    assert (await at.client.get("/api/v1/jobs", headers={"X-API-Key": UNKNOWN_KEY})).status_code == 401
    webhook = {"url": at.receiver.url, "events": ["job.started", "job.completed", "job.failed"]}
    assert (await at.client.post("/api/v1/webhooks", json=webhook)).status_code == 201


async def be_refused_by_vendors(at: Scene) -> None:
    """By vendors that are asked at the same time: one whose answer makes no sense is asked again for a while."""
    async with AsyncExitStack() as stack:
        requests = []
        for side, url in (("source_config", at.sandbox.affinity_url), ("target_config", at.sandbox.attio_url)):
            for refusal in REFUSALS:
                vendor = await stack.enter_async_context(quoting(url))
                vendor.refusal = refusal
                request = at.request()
                request[side]["base_url"] = vendor.url
                requests.append(at.client.post("/api/v1/jobs", json=request))
        for answer in await asyncio.gather(*requests):
            assert answer.status_code in (400, 502), answer.text


async def be_refused_by_freight(at: Scene) -> None:
    mistakes: list[dict[str, Any]] = [
        {"source_config": {"api_key": [AFFINITY_KEY]}},
        {"source_config": {"api_key": AFFINITY_KEY * 30}},
        {"source_config": {"api_key": f"{AFFINITY_KEY}\r\nX: y"}},
        {"source_config": AFFINITY_KEY},
        {"source_config": {"api_key": AFFINITY_KEY, "base_url": f"https://user:{AFFINITY_KEY}@example.com"}},
        {"source_system": AFFINITY_KEY},
        {"batch_size": ATTIO_KEY},
        {"entities": [ATTIO_KEY]},
        {"labels": {"key": [ATTIO_KEY]}},
    ]
    for mistake in mistakes:
        answer = await at.client.post("/api/v1/jobs", json=at.request(**mistake))
        assert answer.status_code in (400, 422), answer.text
    for body in (json.dumps(at.request())[:-5], json.dumps(at.request()).encode() + b"\xff"):
        assert (await at.client.post("/api/v1/jobs", content=body)).status_code == 400


async def run_a_job(at: Scene) -> str:
    headers = {"Idempotency-Key": "the-first"}
    for _ in range(2):
        answer = await at.client.post("/api/v1/jobs", json=at.request(name="The marked job"), headers=headers)
    job_id = str(answer.json().get("id") or answer.json()["details"][0]["message"])
    await at.until(job_id, "completed", "completed_with_errors")
    await at.receiver.received(times=2)
    return job_id


async def run_a_job_whose_key_is_refused_in_the_middle(at: Scene) -> str:
    at.target.refusal, at.target.refused = 401, "/v2/objects"
    job_id = str((await at.client.post("/api/v1/jobs", json=at.request())).json()["id"])
    await at.until(job_id, "failed")
    assert (await at.client.post(f"/api/v1/jobs/{job_id}/retry")).is_success
    await at.until(job_id, "failed")
    at.target.refusal = None
    return job_id


async def crash(at: Scene) -> None:
    """Requests and tasks that end in the middle with an exception nobody foresaw."""
    connection = await asyncpg.connect(at.settings.database_url)
    await connection.execute("ALTER TABLE streams RENAME TO streams_elsewhere")
    answer = await at.client.post("/api/v1/jobs", json=at.request())
    crashes = [answer, await at.client.get("/api/v1/jobs")]
    await at.worker.printed("streams", timeout=60)
    await connection.execute("ALTER TABLE streams_elsewhere RENAME TO streams")
    await connection.close()
    assert 500 in {answer.status_code for answer in crashes}


async def read_everything(at: Scene, *job_ids: str) -> None:
    """Every address that can be read, with the ids that there are."""
    paths = (await at.client.get("/schema/openapi.json")).json()["paths"]
    ids: dict[str, list[str]] = {"job_id": list(job_ids)}
    for name, path in (("key_id", "/api/v1/keys"), ("webhook_id", "/api/v1/webhooks")):
        ids[name] = [item["id"] for item in (await at.client.get(path)).json()["items"]]
    webhook = f"/api/v1/webhooks/{ids['webhook_id'][0]}/deliveries"
    ids["delivery_id"] = [item["id"] for item in (await at.client.get(webhook)).json()["items"]]
    for path, item in paths.items():
        if "get" not in item:
            continue
        addresses = {path}
        for name, values in ids.items():
            addresses = {one.replace(f"{{{name}}}", value) for one in addresses for value in values}
        for address in addresses:
            if "{" not in address:
                async with at.client.stream("GET", address) as answer:
                    assert answer.status_code < 500, address


async def reprs(settings: Settings, job_id: str, secrets: set[str]) -> list[str]:
    """What Python shows of the things that hold keys, or what Freight makes of them."""
    url, redis = settings.database_url or "", settings.redis_url or ""
    cipher = CredentialCipher(settings.secrets)
    sources = {"api_key": AFFINITY_KEY, "base_url": None}
    request = msgspec.convert(
        {
            "source_system": "affinity",
            "target_system": "attio",
            "source_config": sources,
            "target_config": {"api_key": ATTIO_KEY},
        },
        JobRequest,
    )
    async with database.connected(url, pool_size=2), database.as_platform() as tx:
        job = await jobs.get(tx, UUID(job_id))
        credentials = await jobs.credentials(tx, cipher, UUID(job_id))
    assert (credentials.source, credentials.target) == (AFFINITY_KEY, ATTIO_KEY)
    key = next(secret for secret in secrets if secret.startswith("frt_test_"))
    new = NewKey(
        id=job.id,
        name="x",
        prefix=key[:17],
        scopes=[],
        created_at=job.created_at,
        expires_at=None,
        last_used_at=None,
        revoked_at=None,
        key=key,
    )
    deployment = Deployment(settings=settings, database_url=url, redis_url=redis, cipher=cipher)
    things = (job, request, request.source_config, request.target_config, credentials, Credentials("a", "b"), new)
    shown = [repr(thing) for thing in (*things, deployment, settings, cipher, KeyRequest(name="x", scopes=["admin"]))]
    assert not [text for text in shown for secret in settings.secrets if secret in text]
    return shown


async def rows_of_every_table(settings: Settings) -> list[str]:
    """Every row as text; bytes are hexadecimal in it."""
    connection = await asyncpg.connect(as_superuser(settings.database_url or ""))
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [row[0] for (table,) in tables for row in await connection.fetch(f"SELECT t::text FROM {table} AS t")]
    await connection.close()
    return rows


async def values_of_redis(settings: Settings) -> list[str]:
    """Every key with its value, of whatever type."""
    reading: dict[bytes, tuple[str, ...]] = {
        b"string": ("GET",),
        b"hash": ("HGETALL",),
        b"set": ("SMEMBERS",),
        b"list": ("LRANGE", "0", "-1"),
        b"zset": ("ZRANGE", "0", "-1"),
        b"stream": ("XRANGE", "-", "+"),
    }
    async with Redis.from_url(settings.redis_url or "") as redis:
        found = []
        async for key in redis.scan_iter():
            command, *rest = reading[await redis.type(key)]
            found.append(f"{key!r} {await redis.execute_command(command, key, *rest)!r}")
        return [*found, "end"]


@asynccontextmanager
async def commands_of_redis(settings: Settings) -> AsyncIterator[list[str]]:
    """Whatever is sent to Redis meanwhile, kept or not."""
    seen: list[str] = []
    listening = asyncio.Event()

    async def listen() -> None:
        async with Redis.from_url(settings.redis_url or "") as redis, redis.monitor() as monitor:
            listening.set()
            async for command in monitor.listen():
                seen.append(repr(command))  # noqa: PERF401 - it is read while it grows

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(30):
            await listening.wait()
        yield seen
    finally:
        task.cancel()
        await asyncio.wait([task])


def forms(secret: str) -> list[str]:
    """A secret as it is and as bytes are shown; of an API key only what its visible prefix leaves out."""
    hidden = secret[17:] if secret.startswith("frt_") else secret
    return [hidden, hidden.encode().hex()]
