"""Pages of responses, and the parameters that select one."""

from collections import abc
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from freight.api.schemas.responses import BatchView, DeliveryView, JobItem, WebhookView
from freight.domain.migration.records.logs import LogRow
from freight.domain.migration.records.records import RecordRow
from freight.domain.pages import Slice, Window
from freight.domain.tenancy.api_keys import ApiKey
from freight.domain.tenancy.audit import AuditEvent
from freight.domain.tenancy.tenants import Tenant

Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="Maximum number of items per page.")]
Offset = Annotated[int, QueryParameter(ge=0, le=2**53, description="Number of items to skip.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=200,
        description="The `next_cursor` of the previous page, with the same filters: the fastest way through many "
        "pages.",
    ),
]


class PageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Links of a page."""

    self_: str = msgspec.field(name="self")
    next: str | None
    previous: str | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of items."""

    total: Annotated[int, Meta(description="Number of items on all pages.")]
    limit: int
    offset: int
    has_more: bool
    pages: Annotated[int, Meta(description="Number of pages of this size.")]
    current_page: Annotated[int, Meta(description="Number of this page, from 1.")]
    links: PageLinks


class JobsPage(Page, frozen=True, kw_only=True):
    """A page of jobs."""

    items: list[JobItem]


class BatchesPage(Page, frozen=True, kw_only=True):
    """A page of batches."""

    items: list[BatchView]


class CursorPage(Page, frozen=True, kw_only=True):
    """A page of items with a cursor."""

    next_cursor: Annotated[str | None, Meta(description="The `cursor` of the next page; null on the last one.")]


class RecordsPage(CursorPage, frozen=True, kw_only=True):
    """A page of records."""

    items: list[RecordRow]


class LogsPage(CursorPage, frozen=True, kw_only=True):
    """A page of log rows."""

    items: list[LogRow]


class KeysPage(Page, frozen=True, kw_only=True):
    """A page of API keys."""

    items: list[ApiKey]


class AuditPage(Page, frozen=True, kw_only=True):
    """A page of audit events."""

    items: list[AuditEvent]


class TenantsPage(Page, frozen=True, kw_only=True):
    """A page of tenants."""

    items: list[Tenant]


class WebhooksPage(Page, frozen=True, kw_only=True):
    """A page of webhooks."""

    items: list[WebhookView]


class DeliveriesPage(Page, frozen=True, kw_only=True):
    """A page of deliveries."""

    items: list[DeliveryView]


C = TypeVar("C", RecordsPage, LogsPage)
P = TypeVar("P", JobsPage, BatchesPage, KeysPage, AuditPage, TenantsPage, WebhooksPage, DeliveriesPage)


def page(
    kind: type[P],
    items: list[Any],
    total: int,
    *,
    path: str,
    limit: int,
    offset: int,
    filters: abc.Mapping[str, object],
) -> P:
    """Return a page, with links that keep the filters, which can have several values."""

    def link(start: int) -> str:
        return _address(path, filters, limit=limit, offset=start)

    has_more = offset + len(items) < total
    return kind(
        items=items,
        total=total,
        limit=limit,
        offset=offset,
        has_more=has_more,
        pages=-(-total // limit),
        current_page=offset // limit + 1,
        links=PageLinks(
            self_=link(offset),
            next=link(offset + limit) if has_more else None,
            previous=link(max(0, offset - limit)) if offset else None,
        ),
    )


def _address(path: str, filters: abc.Mapping[str, object], **place: str | int) -> str:
    given = {name: value for name, value in filters.items() if value is not None}
    return f"{path}?{urlencode({**given, **place}, doseq=True)}"


def cursor_page(
    kind: type[C], items: list[Any], part: Slice, window: Window, *, path: str, filters: dict[str, str | None]
) -> C:
    """Return a page with the cursor of the next one, and links that keep the filters."""

    def link(**place: str | int) -> str:
        return _address(path, filters, limit=window.limit, **place)

    here: dict[str, str | int] = {"cursor": window.cursor} if window.cursor else {"offset": part.offset}
    return kind(
        items=items,
        total=part.total,
        limit=window.limit,
        offset=part.offset,
        has_more=part.next_cursor is not None,
        pages=-(-part.total // window.limit),
        current_page=part.offset // window.limit + 1,
        links=PageLinks(
            self_=link(**here),
            next=link(cursor=part.next_cursor) if part.next_cursor else None,
            previous=link(offset=max(0, part.offset - window.limit)) if part.offset else None,
        ),
        next_cursor=part.next_cursor,
    )
