"""`/webhooks/{id}/deliveries`: the events sent to a webhook, and its responses."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.pagination import DeliveriesPage, Limit, Offset, page
from freight.api.schemas.responses import JOBS, WEBHOOKS, DeliveryLinks, DeliveryView, WholeDelivery
from freight.domain.tenancy.api_keys import Caller
from freight.domain.webhooks import deliveries, subscriptions
from freight.domain.webhooks.deliveries import Delivery, Status

WebhookId = Annotated[UUID, PathParameter(description="The webhook's id.")]


class DeliveriesController(Controller):
    """Deliveries to a webhook."""

    path = "/webhooks/{webhook_id:uuid}/deliveries"
    tags = ("Webhooks",)
    guards = (requires_scope("admin"),)

    @get(
        operation_id="listWebhookDeliveries",
        summary="List deliveries",
        description="The events sent to a webhook or still pending, newest first.",
        response_description="A page of deliveries.",
        responses=documented(404, 422),
    )
    async def list(
        self,
        webhook_id: WebhookId,
        caller: NamedDependency[Caller],
        status: Annotated[
            Status | None,
            QueryParameter(description="Filter by status.", examples=[Example(value="failed")]),
        ] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> DeliveriesPage:
        """List deliveries."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await subscriptions.get(tx, webhook_id)
            found, total = await deliveries.page(tx, webhook_id, status=status, limit=limit, offset=offset)
        views = [DeliveryView(**_delivery(delivery)) for delivery in found]
        path = f"{WEBHOOKS}/{webhook_id}/deliveries"
        return page(DeliveriesPage, views, total, path=path, limit=limit, offset=offset, filters={"status": status})

    @get(
        "/{delivery_id:uuid}",
        operation_id="getWebhookDelivery",
        summary="Get a delivery",
        description="The delivery with its request body and the beginning of the receiver's response.",
        response_description="The delivery.",
        responses=documented(404),
    )
    async def get(
        self,
        webhook_id: WebhookId,
        delivery_id: Annotated[
            UUID, PathParameter(description="The delivery's id, which its requests carry as `webhook-id`.")
        ],
        caller: NamedDependency[Caller],
    ) -> WholeDelivery:
        """Get a delivery."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return whole_delivery(await deliveries.get(tx, delivery_id, webhook_id=webhook_id))


def whole_delivery(delivery: Delivery) -> WholeDelivery:
    """Return the delivery as clients see it, with its contents."""
    return WholeDelivery(**_delivery(delivery), payload=delivery.payload, answer_body=delivery.answer_body)


def _delivery(delivery: Delivery) -> dict[str, Any]:
    webhook = f"{WEBHOOKS}/{delivery.webhook_id}"
    return {
        **{
            name: getattr(delivery, name)
            for name in Delivery.__struct_fields__
            if name in DeliveryView.__struct_fields__
        },
        "attempts": delivery.attempt,
        "next_attempt_at": delivery.due_at if delivery.status == "pending" else None,
        "links": DeliveryLinks(
            self_=f"{webhook}/deliveries/{delivery.id}",
            webhook=webhook,
            job=None if delivery.job_id is None else f"{JOBS}/{delivery.job_id}",
        ),
    }
