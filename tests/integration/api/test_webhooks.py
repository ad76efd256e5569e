"""Webhooks: being told of what becomes of jobs."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from freight import database
from freight.connectors import registry
from freight.domain.jobs import model as jobs
from freight.domain.jobs.transitions import Status
from freight.domain.migration.steps.scheduling import live_jobs, schedule_next
from freight.domain.webhooks import deliveries
from freight.domain.webhooks.deliveries import DELAYS
from freight.domain.webhooks.sender import WebhookSender
from freight.egress import EgressPolicy
from freight.encryption import CredentialCipher
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.errors import error_of, fields_of
from support.receiver import Answer, Receiver, receiving
from support.service import Service, Tenant, job_request

WEBHOOKS = "/api/v1/webhooks"
JOBS = "/api/v1/jobs"
INSIDE = "inside.example"
"""A name that resolves to an address of the private network."""

NOT_PUBLIC = [
    "http://127.0.0.1:8000/",
    "https://127.0.0.1/",
    "http://169.254.169.254/",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://localhost/",
    "https://[::ffff:127.0.0.1]/",
    f"https://{INSIDE}/",
    "https://user:hunter2@example.com/",
    "http://example.com/",
    "file:///etc/passwd",
    "nonsense",
]


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _answers_are_forgotten(receiver: Receiver) -> None:
    receiver.requests.clear()
    receiver.answers.clear()


@pytest.fixture(scope="module")
def settings(settings: Settings, receiver: Receiver) -> Settings:
    return msgspec.structs.replace(
        settings,
        webhook_hosts=receiver.address,
        vendor_hosts=f"{settings.vendor_hosts},{receiver.address}",
    )


@pytest.fixture
def sender(settings: Settings) -> WebhookSender:
    return WebhookSender(
        worker="test",
        cipher=CredentialCipher(settings.secrets),
        egress_policy=EgressPolicy(settings.extra_webhook_hosts),
    )


@pytest.fixture
def _a_name_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    system = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        return system("10.0.0.1" if host == INSIDE else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


async def created(tenant: Tenant, receiver: Receiver, **changes: Any) -> dict[str, Any]:
    answer = await tenant.client.post(WEBHOOKS, json={"url": receiver.url, **changes})
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


async def look(tenant: Tenant, path: str, **params: Any) -> dict[str, Any]:
    answer = await tenant.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def send_test(tenant: Tenant, webhook: dict[str, Any]) -> dict[str, Any]:
    answer = await tenant.client.post(f"{webhook['links']['self']}/test")
    assert answer.status_code == 202, answer.text
    delivery: dict[str, Any] = answer.json()
    return delivery


async def deliver(tenant: Tenant, sender: WebhookSender, *, at_once: bool = False) -> None:
    """As workers do; `at_once` does not wait for the time of the next attempt."""
    async with database.as_tenant(tenant.id) as tx:
        if at_once:
            await tx.execute("UPDATE webhook_deliveries SET due_at = now()")
        due = await deliveries.due(tx)
    for enqueue in due:
        await sender.deliver(enqueue.tenant_id, enqueue.id)


async def new_job(tenant: Tenant, sandbox: Sandbox) -> UUID:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox))
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def move(tenant: Tenant, job_id: UUID, *states: Status) -> None:
    for status in states:
        async with database.as_tenant(tenant.id) as tx:
            await jobs.move(tx, await jobs.lock(tx, job_id), status)


async def test_a_webhook_is_created_with_a_secret_that_is_shown_this_once(tenant: Tenant, receiver: Receiver) -> None:
    answer = await tenant.client.post(WEBHOOKS, json={"url": receiver.url, "description": "The team"})
    webhook = answer.json()
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    assert answer.headers["Location"] == webhook["links"]["self"]
    assert (webhook["url"], webhook["events"], webhook["description"]) == (receiver.url, None, "The team")
    assert (webhook["enabled"], webhook["disabled_reason"], webhook["failing_since"]) == (True, None, None)
    assert await look(tenant, webhook["links"]["self"]) == webhook
    page = await look(tenant, WEBHOOKS)
    assert (page["items"], page["total"]) == ([webhook], 1)
    async with database.as_tenant(tenant.id) as tx:
        assert secret.encode() not in await tx.fetchval("SELECT secret FROM webhooks")


async def test_a_webhook_is_changed_only_where_the_request_says_so(tenant: Tenant, receiver: Receiver) -> None:
    webhook = await created(tenant, receiver, events=["job.failed"], description="a")
    path = webhook["links"]["self"]
    answer = await tenant.client.patch(path, json={"description": None})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["events"], answer.json()["description"]) == (["job.failed"], None)
    answer = await tenant.client.patch(path, json={"url": receiver.url + "/2", "events": None, "enabled": False})
    changed = answer.json()
    assert (changed["url"], changed["events"], changed["enabled"]) == (receiver.url + "/2", None, False)
    assert changed["disabled_reason"]
    answer = await tenant.client.patch(path, json={"enabled": True})
    assert (answer.json()["enabled"], answer.json()["disabled_reason"]) == (True, None)
    assert await look(tenant, path) == answer.json()


async def test_a_deleted_webhook_is_gone_with_its_deliveries(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    webhook = await created(tenant, receiver)
    delivery = await send_test(tenant, webhook)
    assert (await tenant.client.delete(webhook["links"]["self"])).status_code == 204
    for path in (webhook["links"]["self"], webhook["links"]["deliveries"], delivery["links"]["self"]):
        error_of(await tenant.client.get(path), 404)
    await deliver(tenant, sender)
    assert receiver.requests == []


async def test_there_are_at_most_twenty_webhooks(tenant: Tenant, receiver: Receiver) -> None:
    for _ in range(20):
        await created(tenant, receiver)
    error_of(await tenant.client.post(WEBHOOKS, json={"url": receiver.url}), 409)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"url": ""},
        {"url": None},
        {"url": "https://example.com/a b"},
        {"url": "https://example.com/" + "a" * 2000},
        {"url": "https://example.com", "events": []},
        {"url": "https://example.com", "events": ["job.created"]},
        {"url": "https://example.com", "secret": "x"},
    ],
)
async def test_a_webhook_that_does_not_fit_is_refused(request_: dict[str, Any], tenant: Tenant) -> None:
    error_of(await tenant.client.post(WEBHOOKS, json=request_), 422)


@pytest.mark.usefixtures("_a_name_inside")
@pytest.mark.parametrize("url", NOT_PUBLIC)
async def test_a_webhook_at_an_address_that_is_not_public_is_refused(
    url: str, tenant: Tenant, receiver: Receiver
) -> None:
    error = error_of(await tenant.client.post(WEBHOOKS, json={"url": url}), 422)
    assert fields_of(error) == {"url": "validation_error"}
    assert "hunter2" not in str(error)
    webhook = await created(tenant, receiver)
    error_of(await tenant.client.patch(webhook["links"]["self"], json={"url": url}), 422)
    assert (await look(tenant, webhook["links"]["self"]))["url"] == receiver.url


@pytest.mark.usefixtures("_a_name_inside")
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("url", NOT_PUBLIC)
async def test_a_job_with_a_base_url_that_is_not_public_is_refused(
    url: str, side: str, tenant: Tenant, sandbox: Sandbox
) -> None:
    request = job_request(sandbox)
    request[f"{side}_config"]["base_url"] = url
    error = error_of(await tenant.client.post(JOBS, json=request), 422)
    assert fields_of(error) == {f"{side}_config.base_url": "validation_error"}
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("given", [{}, {"base_url": "https://api.attio.com"}])
async def test_a_vendor_whose_own_name_is_at_a_private_address_is_refused(
    given: dict[str, str], tenant: Tenant, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = socket.getaddrinfo
    own = registry.SPECS["attio"].hosts

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        return system("192.168.1.1" if host in own else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    request = job_request(sandbox, target_config={"api_key": sandbox.attio_key, **given})
    error = error_of(await tenant.client.post(JOBS, json=request), 422)
    assert fields_of(error) == {"target_config.base_url": "validation_error"}


async def test_each_event_is_delivered_once_and_its_signature_is_right(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender, sandbox: Sandbox
) -> None:
    webhook = await created(tenant, receiver)
    job_id = await new_job(tenant, sandbox)
    await move(tenant, job_id, "running", "paused", "running", "completed_with_errors")
    for _ in range(3):
        await deliver(tenant, sender)
    said = [request.verified(webhook["secret"]) for request in receiver.requests]
    assert {each["type"] for each in said} == {
        "job.started",
        "job.paused",
        "job.resumed",
        "job.completed_with_errors",
    }
    assert len(said) == 4
    started = next(each for each in said if each["type"] == "job.started")
    assert started["data"] | {"counts": None} == {
        "job_id": str(job_id),
        "name": None,
        "labels": {},
        "status": "running",
        "previous_status": "pending",
        "total_records": 0,
        "processed_records": 0,
        "failed_records": 0,
        "counts": None,
        "error": None,
        "paused_by": None,
        "resume_at": None,
        "links": {"job": f"{JOBS}/{job_id}", "logs": f"{JOBS}/{job_id}/logs"},
    }
    for request in receiver.requests:
        for key in (tenant.key, sandbox.affinity_key, sandbox.attio_key, webhook["secret"]):
            assert key not in request.body.decode()
            assert key not in str(request.headers)
        assert request.headers["content-type"] == "application/json"
        with pytest.raises(WebhookVerificationError):
            Verifier("whsec_" + "A" * 44).verify(request.body, request.headers)
    page = await look(tenant, webhook["links"]["deliveries"])
    assert {one["id"] for one in page["items"]} == {request.headers["webhook-id"] for request in receiver.requests}
    assert {(one["status"], one["attempts"], one["answer_status"]) for one in page["items"]} == {("delivered", 1, 200)}


async def test_a_webhook_is_told_only_of_what_it_asked_for(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender, sandbox: Sandbox
) -> None:
    await created(tenant, receiver, events=["job.cancelled"])
    job_id = await new_job(tenant, sandbox)
    await move(tenant, job_id, "running", "cancelled")
    await deliver(tenant, sender)
    assert [request.path for request in receiver.requests] == ["/hooks"]
    assert len(receiver.of("job.cancelled")) == 1


async def test_a_change_of_a_job_that_is_taken_back_is_told_to_nobody(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender, sandbox: Sandbox
) -> None:
    webhook = await created(tenant, receiver)
    job_id = await new_job(tenant, sandbox)

    async def move_and_fail() -> None:
        async with database.as_tenant(tenant.id) as tx:
            await jobs.move(tx, await jobs.lock(tx, job_id), "running")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await move_and_fail()
    assert (await look(tenant, webhook["links"]["deliveries"]))["total"] == 0


async def test_workers_are_rung_for_what_a_job_has_to_tell(
    tenant: Tenant, receiver: Receiver, sandbox: Sandbox
) -> None:
    webhook = await created(tenant, receiver)
    job_id = await new_job(tenant, sandbox)
    await move(tenant, job_id, "running")
    (delivery,) = (await look(tenant, webhook["links"]["deliveries"]))["items"]
    wake_ups = await schedule_next(tenant.id, job_id)
    assert [str(enqueue.id) for enqueue in wake_ups if enqueue.task == "deliver_webhook"] == [delivery["id"]]


async def test_a_job_that_goes_on_by_itself_is_told_too(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender, sandbox: Sandbox
) -> None:
    webhook = await created(tenant, receiver, events=["job.resumed"])
    job_id = await new_job(tenant, sandbox)
    await move(tenant, job_id, "running")
    async with database.as_tenant(tenant.id) as tx:
        await jobs.pause_until(tx, job_id, resume_at=datetime.now(UTC), message="The quota is used up.")
    await live_jobs()
    await deliver(tenant, sender)
    (request,) = receiver.requests
    assert request.verified(webhook["secret"])["data"]["status"] == "running"


async def test_a_test_event_is_sent_and_its_answer_can_be_read(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    webhook = await created(tenant, receiver, events=["job.failed"])
    delivery = await send_test(tenant, webhook)
    assert (delivery["event"], delivery["status"], delivery["attempts"]) == ("webhook.test", "pending", 0)
    assert delivery["links"]["job"] is None
    receiver.answers.append(Answer(201, b"a\0b" + b"x" * 5000))
    await deliver(tenant, sender)
    (request,) = receiver.requests
    delivered = await look(tenant, delivery["links"]["self"])
    assert (delivered["status"], delivered["answer_status"], delivered["error"]) == ("delivered", 201, None)
    assert delivered["answer_body"] == "ab" + "x" * 2045
    assert request.verified(webhook["secret"]) == delivered["payload"]
    assert delivered["delivered_at"] is not None
    assert delivered["next_attempt_at"] is None


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (Answer(500, b"oh"), 500, "The receiver answered 500."),
        (Answer(None), None, "The request failed:"),
        (Answer(302, headers={"Location": "http://127.0.0.1:1/"}), 302, "a redirect, which is not followed"),
    ],
)
async def test_what_is_not_delivered_is_tried_again_and_says_why(
    answer: Answer, status: int | None, error: str, tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    webhook = await created(tenant, receiver)
    delivery = await send_test(tenant, webhook)
    receiver.answers.append(answer)
    await deliver(tenant, sender)
    failed = await look(tenant, delivery["links"]["self"])
    assert (failed["status"], failed["attempts"], failed["answer_status"]) == ("pending", 1, status)
    assert error in failed["error"]
    assert failed["next_attempt_at"] > failed["attempted_at"]
    assert (await look(tenant, webhook["links"]["self"]))["failing_since"] is not None
    await deliver(tenant, sender)
    assert len(receiver.requests) == 1
    await deliver(tenant, sender, at_once=True)
    delivered = await look(tenant, delivery["links"]["self"])
    assert (delivered["status"], delivered["attempts"], delivered["error"]) == ("delivered", 2, None)
    assert (await look(tenant, webhook["links"]["self"]))["failing_since"] is None
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["id"]
    assert second.verified(webhook["secret"])


async def test_a_redirect_to_another_address_is_not_followed(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    async with receiving() as inside:
        webhook = await created(tenant, receiver)
        await send_test(tenant, webhook)
        receiver.answers.append(Answer(307, headers={"Location": inside.url}))
        await deliver(tenant, sender)
        assert inside.requests == []


@pytest.mark.usefixtures("_a_name_inside")
async def test_a_webhook_whose_name_became_private_is_sent_nothing(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    webhook = await created(tenant, receiver)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE webhooks SET url = $1", f"https://{INSIDE}/")
    delivery = await send_test(tenant, webhook)
    await deliver(tenant, sender)
    failed = await look(tenant, delivery["links"]["self"])
    assert "not at a public address" in failed["error"]


async def test_a_receiver_that_answers_gone_is_switched_off_at_once(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender, sandbox: Sandbox
) -> None:
    webhook = await created(tenant, receiver)
    delivery = await send_test(tenant, webhook)
    receiver.answers.append(Answer(410))
    await deliver(tenant, sender)
    assert (await look(tenant, delivery["links"]["self"]))["status"] == "failed"
    off = await look(tenant, webhook["links"]["self"])
    assert (off["enabled"], "410" in off["disabled_reason"]) == (False, True)
    error_of(await tenant.client.post(f"{webhook['links']['self']}/test"), 409)
    await move(tenant, await new_job(tenant, sandbox), "running")
    assert (await look(tenant, webhook["links"]["deliveries"]))["total"] == 1


async def test_a_webhook_is_switched_off_when_it_fails_for_days_and_not_before(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    webhook = await created(tenant, receiver)
    path = webhook["links"]["self"]
    for days, enabled in ((2, True), (4, False)):
        delivery = await send_test(tenant, webhook)
        receiver.answers.extend([Answer(503)] * (len(DELAYS) + 1))
        for _ in range(len(DELAYS)):
            await deliver(tenant, sender, at_once=True)
            assert (await look(tenant, delivery["links"]["self"]))["status"] == "pending"
        other = await send_test(tenant, webhook)
        async with database.as_tenant(tenant.id) as tx:
            await tx.execute("UPDATE webhooks SET failing_since = now() - $1 * interval '1 day'", days)
            await tx.execute("UPDATE webhook_deliveries SET due_at = now() WHERE id = $1", delivery["id"])
        await sender.deliver(tenant.id, UUID(delivery["id"]))
        failed = await look(tenant, delivery["links"]["self"])
        assert (failed["status"], failed["attempts"]) == ("failed", len(DELAYS) + 1)
        assert (await look(tenant, path))["enabled"] == enabled
        assert (await look(tenant, other["links"]["self"]))["status"] == ("pending" if enabled else "failed")
        await deliver(tenant, sender, at_once=True)
    assert "3 days" in (await look(tenant, path))["disabled_reason"]
    assert (await look(tenant, webhook["links"]["deliveries"], status="pending"))["total"] == 0
    assert (await tenant.client.patch(path, json={"enabled": True})).json()["failing_since"] is None
    await send_test(tenant, webhook)
    await deliver(tenant, sender)
    assert (await look(tenant, webhook["links"]["deliveries"], status="delivered"))["total"] == 2


async def test_two_workers_do_not_deliver_the_same_thing_twice(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender, settings: Settings
) -> None:
    other = WebhookSender(
        worker="other",
        cipher=CredentialCipher(settings.secrets),
        egress_policy=EgressPolicy(settings.extra_webhook_hosts),
    )
    delivery = UUID((await send_test(tenant, await created(tenant, receiver)))["id"])
    await asyncio.gather(*(each.deliver(tenant.id, delivery) for each in (sender, other, sender, other)))
    assert len(receiver.requests) == 1


async def test_after_a_rotation_only_the_new_secret_is_right(
    tenant: Tenant, receiver: Receiver, sender: WebhookSender
) -> None:
    webhook = await created(tenant, receiver)
    await send_test(tenant, webhook)
    answer = await tenant.client.post(f"{webhook['links']['self']}/rotate-secret")
    assert answer.status_code == 200, answer.text
    await deliver(tenant, sender)
    (request,) = receiver.requests
    assert request.verified(answer.json()["secret"])
    with pytest.raises(WebhookVerificationError):
        request.verified(webhook["secret"])


async def test_another_tenant_s_webhook_does_not_exist(
    tenant: Tenant, other_tenant: Tenant, receiver: Receiver, sender: WebhookSender, sandbox: Sandbox
) -> None:
    webhook = await created(tenant, receiver)
    delivery = await send_test(tenant, webhook)
    path = webhook["links"]["self"]
    stranger = other_tenant.client
    for request in (
        stranger.get(path),
        stranger.patch(path, json={"enabled": False}),
        stranger.delete(path),
        stranger.post(f"{path}/test"),
        stranger.post(f"{path}/rotate-secret"),
        stranger.get(webhook["links"]["deliveries"]),
        stranger.get(delivery["links"]["self"]),
    ):
        error_of(await request, 404)
    own = await created(other_tenant, receiver)
    error_of(await stranger.get(f"{own['links']['deliveries']}/{delivery['id']}"), 404)
    assert (await look(other_tenant, WEBHOOKS))["total"] == 1
    await move(other_tenant, await new_job(other_tenant, sandbox), "running")
    assert (await look(tenant, webhook["links"]["deliveries"]))["total"] == 1


async def test_a_delivery_belongs_to_one_webhook(tenant: Tenant, receiver: Receiver) -> None:
    first, second = await created(tenant, receiver), await created(tenant, receiver)
    delivery = await send_test(tenant, first)
    error_of(await tenant.client.get(f"{second['links']['deliveries']}/{delivery['id']}"), 404)
    error_of(await tenant.client.get(f"{first['links']['deliveries']}/{uuid4()}"), 404)


async def test_webhooks_need_the_scope_admin(service: Service, tenant: Tenant) -> None:
    key = await service.new_key(tenant.id, ("jobs:read", "jobs:write"))
    async with service.client(key) as client:
        error_of(await client.get(WEBHOOKS), 403)


async def test_what_is_changed_about_webhooks_is_in_the_audit_trail_without_its_secrets(
    tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await created(tenant, receiver)
    await tenant.client.patch(webhook["links"]["self"], json={"url": f"{receiver.url}?token=hunter2"})
    await tenant.client.post(f"{webhook['links']['self']}/rotate-secret")
    await tenant.client.delete(webhook["links"]["self"])
    trail = await look(tenant, "/api/v1/audit", object_type="webhook")
    assert [event["action"] for event in reversed(trail["items"])] == [
        "webhook.created",
        "webhook.changed",
        "webhook.secret_rotated",
        "webhook.deleted",
    ]
    assert "hunter2" not in str(trail)
    assert "whsec_" not in str(trail)
