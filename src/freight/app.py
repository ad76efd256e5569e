"""The application: what `freight.api` offers, put together for one deployment."""

from typing import Any

from arq.connections import ArqRedis
from litestar import Litestar, Request, Router
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.types import ASGIApp

from freight.api import documentation, requests
from freight.api.access import KeyAuthentication
from freight.api.bodies import LARGEST
from freight.api.errors import EXCEPTION_HANDLERS
from freight.api.health import HealthController
from freight.api.jobs import JobsController
from freight.api.logs import LogsController
from freight.deployment import Deployment
from freight.domain.keys import Caller
from freight.domain.vendors import Vendors
from freight.queue import Queue


def create_app(deployment: Deployment, redis: ArqRedis) -> ASGIApp:
    """The application. Whoever opened the deployment and Redis closes them when it has ended."""
    vault, queue = deployment.vault, Queue(redis)
    vendors = Vendors(deployment.settings, redis, workers=lambda: 1)

    async def provide_caller(request: Request[Caller, None, Any]) -> Caller:
        return request.user

    def with_caller(app: ASGIApp) -> ASGIApp:
        return KeyAuthentication(app, vault=vault)

    with_key = Router(
        "/api/v1",
        route_handlers=[JobsController, LogsController],
        middleware=[with_caller],
        security=[{"ApiKey": []}],
        dependencies={
            "caller": Provide(provide_caller),
            "vault": Provide(lambda: vault, sync_to_thread=False),
            "vendors": Provide(lambda: vendors, sync_to_thread=False),
        },
    )
    litestar = Litestar(
        route_handlers=[
            with_key,
            HealthController,
            documentation.docs,
            documentation.redoc,
            documentation.openapi_json,
        ],
        dependencies={"queue": Provide(lambda: queue, sync_to_thread=False)},
        response_headers=[
            ResponseHeader(
                name=requests.HEADER,
                value="",
                description="Names the request in Freight's log. A request may bring its own.",
                documentation_only=True,
            )
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=documentation.openapi_config(),
        request_max_body_size=LARGEST,
        # The handlers of exceptions log what is worth it, through structlog.
        logging_config=None,
        debug=False,
    )
    return requests.RequestLog(litestar)
