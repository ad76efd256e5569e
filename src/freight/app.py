"""The application: `freight.api`, assembled for one deployment."""

import asyncio

from arq.connections import ArqRedis
from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.types import ASGIApp

from freight.api.http import request_log
from freight.api.http.auth import HEADER, provide_actor, provide_caller, requires_api_key
from freight.api.http.caching import JobLists
from freight.api.http.errors import EXCEPTION_HANDLERS
from freight.api.http.hosts import needs_host
from freight.api.http.optional_redis import OptionalRedis
from freight.api.http.parameters import before_handler
from freight.api.http.rate_limits import HEADERS as LIMIT_HEADERS
from freight.api.http.rate_limits import NOT_BY_ADDRESS, Limiter
from freight.api.http.shares import Shares
from freight.api.openapi import config
from freight.api.routes.audit import AuditController
from freight.api.routes.batches import BatchesController
from freight.api.routes.control import ControlController
from freight.api.routes.deliveries import DeliveriesController
from freight.api.routes.events import EventsController, Watchers
from freight.api.routes.exports import ExportsController
from freight.api.routes.health import Checks, HealthController
from freight.api.routes.jobs import JobsController
from freight.api.routes.keys import KeysController
from freight.api.routes.logs import LogsController
from freight.api.routes.metrics import Metrics, MetricsController
from freight.api.routes.metrics import requests as request_metrics
from freight.api.routes.records import RecordsController
from freight.api.routes.report import ReportController
from freight.api.routes.statistics import StatisticsController
from freight.api.routes.tenants import TenantsController
from freight.api.routes.webhooks import WebhooksController
from freight.deployment import Deployment
from freight.domain.vendors import Vendors
from freight.egress import EgressPolicy
from freight.queue import Queue
from freight.settings import Settings

EXPOSED = ("Content-Disposition", "ETag", "Location", "Retry-After", request_log.HEADER)
"""Headers, in addition to those of the limits, that pages of other origins can read."""


def create_app(deployment: Deployment, redis: ArqRedis, closing: asyncio.Event) -> ASGIApp:
    """Return the application. Its caller closes the deployment and Redis after the application has ended.

    `closing` is set when the service stops, so that endless responses end.
    """
    cipher, queue = deployment.cipher, Queue(redis)
    vendors = Vendors(deployment.settings, redis, workers=lambda: 1)
    egress_policy = EgressPolicy(deployment.settings.extra_webhook_hosts)
    volatile = OptionalRedis()
    limiter = Limiter(redis, volatile, deployment.settings)
    job_lists, metrics, checks = JobLists(redis, volatile, cipher), Metrics(queue), Checks(queue)

    # Other requests need database connections too, and other tenants downloads.
    most = max(1, deployment.settings.database_pool_size // 2)
    downloads = Shares("downloads", total=most, each=max(1, most // 2), wait_seconds=5)
    watchers = Watchers()

    with_key = Router(
        "/api/v1",
        route_handlers=[
            JobsController,
            ControlController,
            BatchesController,
            LogsController,
            RecordsController,
            ExportsController,
            StatisticsController,
            ReportController,
            EventsController,
            KeysController,
            AuditController,
            TenantsController,
            WebhooksController,
            DeliveriesController,
        ],
        guards=[requires_api_key(cipher, limiter)],
        opt={NOT_BY_ADDRESS: True},
        response_headers=LIMIT_HEADERS,
        security=[{"ApiKey": []}],
        dependencies={
            "caller": Provide(provide_caller),
            "actor": Provide(provide_actor),
            "settings": Provide(lambda: deployment.settings, sync_to_thread=False),
            "job_lists": Provide(lambda: job_lists, sync_to_thread=False),
            "closing": Provide(lambda: closing, sync_to_thread=False),
            "downloads": Provide(lambda: downloads, sync_to_thread=False),
            "watchers": Provide(lambda: watchers, sync_to_thread=False),
            "cipher": Provide(lambda: cipher, sync_to_thread=False),
            "vendors": Provide(lambda: vendors, sync_to_thread=False),
            "egress_policy": Provide(lambda: egress_policy, sync_to_thread=False),
        },
    )
    litestar = Litestar(
        route_handlers=[
            with_key,
            HealthController,
            MetricsController,
            config.asset,
            config.docs,
            config.redoc,
            config.openapi_json,
        ],
        guards=[needs_host(deployment.settings.hosts), limiter.admit_anybody],
        middleware=[request_metrics.middleware, request_log.keep_vary],
        before_request=before_handler,
        dependencies={
            "queue": Provide(lambda: queue, sync_to_thread=False),
            "checks": Provide(lambda: checks, sync_to_thread=False),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
        },
        response_headers=[
            ResponseHeader(
                name=request_log.HEADER,
                value="",
                description="Identifies the request in Freight's log. You can send your own.",
                documentation_only=True,
            )
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=config.openapi_config(deployment.settings.public_url),
        request_max_body_size=deployment.settings.largest_body,
        cors_config=_cors(deployment.settings),
        # Compression would buffer events until a large chunk is full.
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=5, exclude=["/events$"]),
        # The exception handlers log what matters through structlog.
        logging_config=None,
        debug=False,
    )
    return request_log.RequestLog(litestar, cross_origin=bool(deployment.settings.origins))


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.origins),
        allow_headers=[HEADER, "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", request_log.HEADER],
        expose_headers=[*(header.name for header in LIMIT_HEADERS if header.name), *EXPOSED],
    )
