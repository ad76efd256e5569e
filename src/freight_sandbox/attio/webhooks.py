"""Webhooks. Events are counted for each, but not sent.

A migration fires an event for every write, so a firm switches its automations off before. The counts, which `GET
/_sandbox/webhooks` returns, say what each webhook would have received.
"""

import secrets
import uuid
from typing import Any, Literal

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import READ_WEBHOOKS, WRITE_WEBHOOKS
from freight_sandbox.attio.content import EventType, Filter, Subscription, Webhook
from freight_sandbox.attio.errors import AttioError, invalid
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.requests import AnyRequest, page, read_data, workspace_of
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

WEBHOOK = "/v2/webhooks/{webhook_id:str}"


class Clause(msgspec.Struct, forbid_unknown_fields=True):
    """One comparison of a filter."""

    field: str
    operator: Literal["equals", "not_equals"]
    value: str


class NewFilter(msgspec.Struct, forbid_unknown_fields=True):
    """Comparisons of which all or any must hold; exactly one of the two is given."""

    all_of: list[Clause] | UnsetType = msgspec.field(name="$and", default=UNSET)
    any_of: list[Clause] | UnsetType = msgspec.field(name="$or", default=UNSET)


class NewSubscription(msgspec.Struct, forbid_unknown_fields=True):
    """A subscription to be created."""

    event_type: EventType
    filter: NewFilter | None


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook to be created."""

    target_url: str
    subscriptions: list[NewSubscription]


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a webhook."""

    target_url: str | UnsetType = UNSET
    subscriptions: list[NewSubscription] | UnsetType = UNSET


@get("/v2/webhooks", opt=READ_WEBHOOKS, sync_to_thread=False)
def list_webhooks(request: AnyRequest) -> ASGIResponse:
    """List all webhooks."""
    workspace = workspace_of(request)
    shown = page(request, workspace.webhooks.values(), default=10, minimum=10, maximum=100)
    return answer({"data": [_render(workspace, webhook) for webhook in shown]})


@post("/v2/webhooks", status_code=200, opt=WRITE_WEBHOOKS)
async def create_webhook(request: AnyRequest) -> ASGIResponse:
    """Create a webhook. Its secret is shown only here."""
    workspace = workspace_of(request)
    new = await read_data(request, NewWebhook)
    target_url, subscriptions = _target_url(new.target_url), _subscriptions(new.subscriptions)
    _require_new(workspace, target_url, subscriptions)
    webhook = Webhook(id=str(uuid.uuid4()), target_url=target_url, subscriptions=subscriptions, created_at=now())
    workspace.webhooks[webhook.id] = webhook
    return answer({"data": {**_render(workspace, webhook), "secret": secrets.token_hex(32)}})


@get(WEBHOOK, opt=READ_WEBHOOKS, sync_to_thread=False)
def get_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> ASGIResponse:
    """Get a webhook."""
    workspace = workspace_of(request)
    return answer({"data": _render(workspace, _webhook(workspace, webhook_id))})


@patch(WEBHOOK, opt=WRITE_WEBHOOKS)
async def change_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> ASGIResponse:
    """Change the target URL or the subscriptions of a webhook."""
    workspace = workspace_of(request)
    change = await read_data(request, WebhookChange)
    webhook = _webhook(workspace, webhook_id)
    target_url = webhook.target_url if change.target_url is UNSET else _target_url(change.target_url)
    if change.subscriptions is not UNSET:
        webhook.subscriptions = _subscriptions(change.subscriptions)
    webhook.target_url = target_url
    return answer({"data": _render(workspace, webhook)})


@delete(WEBHOOK, status_code=200, opt=WRITE_WEBHOOKS, sync_to_thread=False)
def delete_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> ASGIResponse:
    """Delete a webhook."""
    workspace = workspace_of(request)
    del workspace.webhooks[_webhook(workspace, webhook_id).id]
    return answer({})


WEBHOOK_OPERATIONS = (list_webhooks, create_webhook, get_webhook, change_webhook, delete_webhook)


@get("/webhooks", sync_to_thread=False)
def read_webhook_events(request: AnyRequest) -> ASGIResponse:
    """Return how many events of each type every webhook would have received."""
    return answer(
        [
            {"webhook_id": webhook.id, "target_url": webhook.target_url, "events": webhook.events}
            for webhook in workspace_of(request).webhooks.values()
        ]
    )


def _webhook(workspace: Workspace, webhook_id: str) -> Webhook:
    found = workspace.webhooks.get(webhook_id)
    if found is None:
        raise AttioError(404, "not_found", f'Webhook with ID "{webhook_id}" was not found.')
    return found


def _target_url(text: str) -> str:
    if not text.startswith("https://"):
        raise invalid(("data", "target_url"), "Must be a URL that begins with https://.")
    return text


def _subscriptions(given: list[NewSubscription]) -> list[Subscription]:
    return [Subscription(one.event_type, _filter(one.filter, place)) for place, one in enumerate(given)]


def _filter(given: NewFilter | None, place: int) -> Filter | None:
    if given is None:
        return None
    if (given.all_of is UNSET) == (given.any_of is UNSET):
        raise invalid(("data", "subscriptions", place, "filter"), "Exactly one of $and and $or is needed.")
    name, clauses = ("$or", given.any_of) if given.all_of is UNSET else ("$and", given.all_of)
    return {name: msgspec.to_builtins(clauses)}


def _require_new(workspace: Workspace, target_url: str, subscriptions: list[Subscription]) -> None:
    """Raise 409 if another webhook has the same URL and subscriptions."""
    for webhook in workspace.webhooks.values():
        if webhook.target_url == target_url and webhook.subscriptions == subscriptions:
            raise AttioError(409, "uniqueness_conflict", "There is already a webhook with these subscriptions.")


def _render(workspace: Workspace, webhook: Webhook) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "webhook_id": webhook.id},
        "target_url": webhook.target_url,
        "subscriptions": webhook.subscriptions,
        "status": "active",
        "created_at": webhook.created_at,
    }
