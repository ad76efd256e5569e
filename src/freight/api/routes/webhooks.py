"""`/webhooks`: a tenant's webhook subscriptions."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import BodyKwarg

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.bodies import JsonBody
from freight.api.http.errors import documented
from freight.api.http.pagination import Limit, Offset, WebhooksPage, page
from freight.api.openapi import request_examples
from freight.api.routes.deliveries import WebhookId, whole_delivery
from freight.api.schemas.responses import WEBHOOKS, NewWebhook, WebhookLinks, WebhookView, WholeDelivery
from freight.domain.tenancy.api_keys import Caller
from freight.domain.tenancy.audit import Actor
from freight.domain.webhooks import deliveries, subscriptions
from freight.domain.webhooks.subscriptions import Webhook, WebhookChange, WebhookRequest
from freight.egress import EgressPolicy
from freight.encryption import CredentialCipher
from freight.queue import Queue


class WebhooksController(Controller):
    """Webhook subscriptions."""

    path = "/webhooks"
    tags = ("Webhooks",)
    guards = (requires_scope("admin"),)

    @post(
        operation_id="createWebhook",
        summary="Create a webhook",
        description="Freight will POST to the URL when a job starts, pauses, resumes or ends. The body has "
        "`type`, `timestamp` and `data`; the headers `webhook-id`, `webhook-timestamp` and "
        "`webhook-signature` follow standardwebhooks.com, whose libraries verify them with the secret"
        " in this response. Any 2xx within 15 seconds counts as success; otherwise the delivery is "
        "retried 9 times in 28 hours. A response of 410, or three days without any success, disables "
        "the webhook. An event may arrive twice, with the same `webhook-id`, and events may arrive "
        "out of order.",
        dto=JsonBody[WebhookRequest],
        return_dto=None,
        response_headers=[
            ResponseHeader(
                name="Location", value="", description="The new webhook's URL path.", documentation_only=True
            )
        ],
        response_description="The webhook with its secret, shown only once.",
        responses=documented(409, 413, 415, 422),
    )
    async def create(
        self,
        data: Annotated[WebhookRequest, BodyKwarg(examples=request_examples.WEBHOOK_REQUESTS)],
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        cipher: NamedDependency[CredentialCipher],
        egress_policy: NamedDependency[EgressPolicy],
    ) -> Response[NewWebhook]:
        """Create a webhook."""
        await subscriptions.check_url(egress_policy, data.url)
        async with database.as_tenant(caller.tenant_id) as tx:
            webhook, secret = await subscriptions.create(tx, cipher, actor, caller.tenant_id, data)
        return Response(_with_secret(webhook, secret), headers={"Location": f"{WEBHOOKS}/{webhook.id}"})

    @get(
        operation_id="listWebhooks",
        summary="List webhooks",
        description="The tenant's webhooks, oldest first.",
        response_description="A page of webhooks.",
        responses=documented(422),
    )
    async def list(self, caller: NamedDependency[Caller], limit: Limit = 100, offset: Offset = 0) -> WebhooksPage:
        """List webhooks."""
        async with database.as_tenant(caller.tenant_id) as tx:
            found, total = await subscriptions.page(tx, limit=limit, offset=offset)
        views = [_webhook(webhook) for webhook in found]
        return page(WebhooksPage, views, total, path=WEBHOOKS, limit=limit, offset=offset, filters={})

    @get(
        "/{webhook_id:uuid}",
        operation_id="getWebhook",
        summary="Get a webhook",
        description="The current state of a webhook; if it is disabled, with the reason.",
        response_description="The webhook.",
        responses=documented(404),
    )
    async def get(self, webhook_id: WebhookId, caller: NamedDependency[Caller]) -> WebhookView:
        """Get a webhook."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return _webhook(await subscriptions.get(tx, webhook_id))

    @patch(
        "/{webhook_id:uuid}",
        operation_id="changeWebhook",
        summary="Update a webhook",
        description="Omitted fields keep their values. Disabling a webhook drops its pending deliveries; enabling"
        " it again clears the reason.",
        dto=JsonBody[WebhookChange],
        return_dto=None,
        response_description="The updated webhook.",
        responses=documented(404, 413, 415, 422),
    )
    async def change(
        self,
        webhook_id: WebhookId,
        data: Annotated[WebhookChange, BodyKwarg(examples=request_examples.WEBHOOK_CHANGES)],
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        egress_policy: NamedDependency[EgressPolicy],
    ) -> WebhookView:
        """Update a webhook."""
        await subscriptions.check_url(egress_policy, data.url)
        async with database.as_tenant(caller.tenant_id) as tx:
            return _webhook(await subscriptions.change(tx, actor, webhook_id, data))

    @post(
        "/{webhook_id:uuid}/test",
        operation_id="testWebhook",
        summary="Send a test event",
        description="Send `webhook.test` like any other event; the delivery shows the receiver's response.",
        status_code=202,
        response_description="The pending delivery.",
        responses=documented(404, 409),
    )
    async def test(
        self, webhook_id: WebhookId, caller: NamedDependency[Caller], queue: NamedDependency[Queue]
    ) -> WholeDelivery:
        """Send a test event."""
        async with database.as_tenant(caller.tenant_id) as tx:
            delivery = await deliveries.write_test(tx, caller.tenant_id, webhook_id)
        await queue.enqueue([deliveries.enqueue(caller.tenant_id, delivery.id)])
        return whole_delivery(delivery)

    @post(
        "/{webhook_id:uuid}/rotate-secret",
        operation_id="rotateWebhookSecret",
        summary="Rotate a webhook's secret",
        description="All further requests are signed with the new secret, including retries: an event that the "
        "receiver refuses until it knows the new secret is sent again.",
        status_code=200,
        response_description="The webhook with its new secret, shown only once.",
        responses=documented(404),
    )
    async def rotate_secret(
        self,
        webhook_id: WebhookId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        cipher: NamedDependency[CredentialCipher],
    ) -> NewWebhook:
        """Rotate a webhook's secret."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return _with_secret(*await subscriptions.rotate_secret(tx, cipher, actor, webhook_id))

    @delete(
        "/{webhook_id:uuid}",
        operation_id="deleteWebhook",
        summary="Delete a webhook",
        description="Delete the webhook with its deliveries. In-flight deliveries may still arrive.",
        response_description="The webhook is deleted.",
        responses=documented(404),
    )
    async def delete(
        self, webhook_id: WebhookId, caller: NamedDependency[Caller], actor: NamedDependency[Actor]
    ) -> None:
        """Delete a webhook."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await subscriptions.delete(tx, actor, webhook_id)


def _webhook(webhook: Webhook) -> WebhookView:
    return WebhookView(**_fields(webhook))


def _with_secret(webhook: Webhook, secret: str) -> NewWebhook:
    return NewWebhook(**_fields(webhook), secret=secret)


def _fields(webhook: Webhook) -> dict[str, Any]:
    address = f"{WEBHOOKS}/{webhook.id}"
    return {
        **msgspec.structs.asdict(webhook),
        "enabled": webhook.disabled_at is None,
        "links": WebhookLinks(self_=address, deliveries=f"{address}/deliveries"),
    }
