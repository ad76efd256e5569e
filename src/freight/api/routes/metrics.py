"""`/metrics`: metrics for Prometheus. No key is needed, so they identify no tenant."""

import asyncio
from collections.abc import Iterable

import asyncpg
import structlog
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.plugins.prometheus import PrometheusConfig
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from freight import database
from freight.api.http.errors import documented
from freight.api.http.hosts import ANY_HOST
from freight.api.http.rate_limits import NOT_BY_ADDRESS
from freight.api.http.shares import Fresh
from freight.domain.tenancy import platform_metrics
from freight.domain.tenancy.platform_metrics import PlatformMetrics
from freight.queue import Queue

FRESH_SECONDS = 5
"""Seconds for which a result is reused, so that several Prometheus servers cause no more queries."""

PATIENCE = 5.0

EXAMPLE = """# HELP freight_jobs Jobs by status.
# TYPE freight_jobs gauge
freight_jobs{status="running"} 2.0
"""

log = structlog.get_logger()

requests = PrometheusConfig(app_name="freight", prefix="freight", group_path=True, exclude=["^/health", "^/metrics"])
"""What Litestar counts and times itself: requests, by the pattern of their path and their status."""


class Metrics:
    """The metrics of all processes together, from the database and Redis."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._found = Fresh(self._families)

    async def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        registry = CollectorRegistry()
        registry.register(_Families(await self._found.get(max_age=FRESH_SECONDS)))
        return generate_latest(REGISTRY) + generate_latest(registry)

    async def _families(self) -> list[Metric]:
        return [*await self._from_database(), *await self._from_redis()]

    async def _from_database(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE), database.as_platform() as tx:
                found = await platform_metrics.read(tx)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("metrics_without_database", reason=str(error) or type(error).__name__)
            return [_up("database", up=False)]
        return [_up("database", up=True), *_families(found)]

    async def _from_redis(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE):
                depth, workers, lost = await asyncio.gather(
                    self._queue.depth(), self._queue.workers(), self._queue.leases_lost()
                )
        except (OSError, RedisError) as error:
            log.warning("metrics_without_redis", reason=str(error) or type(error).__name__)
            return [_up("redis", up=False)]
        return [
            _up("redis", up=True),
            GaugeMetricFamily("freight_queue_depth", "Tasks waiting for a worker.", value=depth),
            GaugeMetricFamily("freight_workers", "Running workers.", value=workers),
            CounterMetricFamily("freight_leases_lost", "Leases that workers have lost.", value=lost),
        ]


class MetricsController(Controller):
    """Metrics."""

    path = "/metrics"
    tags = ("Health",)
    security = ({},)
    opt = {NOT_BY_ADDRESS: True, ANY_HOST: True}  # noqa: RUF012 - Litestar's own type

    @get(
        operation_id="getMetrics",
        summary="Get metrics for Prometheus",
        description="Requests of this process; jobs, batches, records, vendor calls, queue and workers of the whole "
        "deployment, at most five seconds old.",
        media_type="text/plain",
        response_description="Prometheus's text format.",
        responses={
            200: ResponseSpec(
                data_container=str,
                description="Prometheus's text format.",
                media_type="text/plain",
                generate_examples=False,
                examples=[Example(summary="Running jobs", value=EXAMPLE)],
            ),
            **{status: spec for status, spec in documented().items() if status >= 500},
        },
    )
    async def read(self, metrics: NamedDependency[Metrics]) -> Response[bytes]:
        """Get metrics for Prometheus."""
        return Response(await metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _up(component: str, *, up: bool) -> Metric:
    # A name belongs to one family only, so each component has a name of its own.
    return GaugeMetricFamily(f"freight_{component}_up", f"Whether the {component} answers.", value=int(up))


def _families(found: PlatformMetrics) -> list[Metric]:
    def by(label: str, name: str, description: str, values: dict[str, int]) -> Metric:
        family = GaugeMetricFamily(name, description, labels=[label])
        for value, number in values.items():
            family.add_metric([value], number)
        return family

    calls = GaugeMetricFamily(
        "freight_vendor_calls", "Requests that stored jobs have sent to vendors.", labels=["side", "kind"]
    )
    calls.add_metric(["source", "read"], found.source_reads)
    calls.add_metric(["target", "read"], found.target_reads)
    calls.add_metric(["target", "write"], found.target_writes)
    return [
        by("status", "freight_jobs", "Jobs by status.", found.jobs),
        by("code", "freight_jobs_waiting", "Live jobs that are waiting, by the code of the reason.", found.waiting),
        by("status", "freight_batches", "Batches by status.", found.batches),
        by("outcome", "freight_records", "Records of stored jobs by outcome.", found.records),
        by("status", "freight_webhook_deliveries", "Events for webhooks by status.", found.deliveries),
        calls,
        GaugeMetricFamily(
            "freight_vendor_waited_seconds",
            "Time that stored jobs have spent waiting for vendors' limits.",
            value=found.waited_seconds,
        ),
    ]
