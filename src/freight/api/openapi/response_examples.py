"""Examples of responses for the documentation, by the name of their schema or by their media type.

A test checks them against the schemas.
"""

from typing import Any

from freight import __version__
from freight.api.openapi.example_connectors import JOB_NAME, SOURCE, TARGET
from freight.connectors import registry
from freight.connectors.protocols import MADE_BY_TARGET
from freight.domain.report.codes import advice_on
from freight.domain.report.sections import HEADINGS

Example = dict[str, Any]

JOBS, WEBHOOKS = "/api/v1/jobs", "/api/v1/webhooks"
JOB_ID, BATCH_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "5fe4b94a-c6e5-49d9-af66-6693dd009ca9"
WEBHOOK_ID, DELIVERY_ID = "2d9027b3-57bd-428b-8664-65a9564e2e2d", "8818e7bc-fc8e-479a-8d9b-b2af47c2293c"
BEGAN, LATER, ENDED = "2026-11-23T09:30:00Z", "2026-11-23T09:30:02Z", "2026-11-23T09:34:10Z"


def _page(path: str, item: Example, **more: object) -> Example:
    links = {"self": f"{path}?limit=100&offset=0", "next": None, "previous": None}
    counters = {"total": 1, "limit": 100, "offset": 0, "has_more": False, "pages": 1, "current_page": 1}
    return {**counters, "links": links, **more, "items": [item]}


def _counts(read: int, created: int, skipped: int, failed: int) -> Example:
    return {"read": read, "created": created, "updated": 0, "unchanged": 0, "skipped": skipped, "failed": failed}


_COUNTS = [
    {"entity": "companies", **_counts(1200, 1200, 0, 0)},
    {"entity": "people", **_counts(3400, 3391, 8, 1)},
]

_JOB: Example = {
    "id": JOB_ID,
    "name": JOB_NAME,
    "labels": {"team": "platform"},
    "status": "completed_with_errors",
    "stage": None,
    "mode": "full",
    "sample_size": None,
    "mapping": {"default_owner": "jane@example.com"},
    "entities": ["companies", "people"],
    "on_existing": "fill",
    "batch_size": 1000,
    "retry_policy": {
        "max_attempts": 5,
        "backoff": "exponential",
        "initial_delay": 2.0,
        "max_delay": 3600.0,
        "jitter": True,
    },
    "source_system": SOURCE.system,
    "target_system": TARGET.system,
    "source_workspace": {"id": "4711", "name": "Example Capital", "base_url": SOURCE.base_url},
    "target_workspace": {
        "id": "73542197-ea2a-45a4-88dd-8a01e614beef",
        "name": "Example Capital",
        "base_url": TARGET.base_url,
    },
    "total_records": 4600,
    "processed_records": 4600,
    "failed_records": 1,
    "progress": 1.0,
    "eta_seconds": None,
    "counts": _COUNTS,
    "started_by": "API key frt_live_45IEgNZw…",
    "error": None,
    "paused_by": None,
    "resume_at": None,
    "waiting_for": None,
    "created_at": BEGAN,
    "updated_at": ENDED,
    "started_at": LATER,
    "completed_at": ENDED,
    "links": {
        "self": f"{JOBS}/{JOB_ID}",
        **{name: f"{JOBS}/{JOB_ID}/{name}" for name in ("batches", "records", "logs", "stats", "report", "events")},
        "pause": None,
        "resume": None,
        "cancel": None,
        "retry": f"{JOBS}/{JOB_ID}/retry",
    },
}

_BATCH: Example = {
    "id": BATCH_ID,
    "entity": "people",
    "number": 0,
    "size": 1000,
    "status": "completed",
    "attempt": 0,
    "processed_records": 1000,
    "failed_records": 1,
    "error": None,
    "started_at": LATER,
    "completed_at": ENDED,
    "links": {
        "self": f"{JOBS}/{JOB_ID}/batches/{BATCH_ID}",
        "job": f"{JOBS}/{JOB_ID}",
        "retry": f"{JOBS}/{JOB_ID}/batches/{BATCH_ID}/retry",
    },
}

_RECORD: Example = {
    "id": 15,
    "entity": "people",
    "source_id": "38706",
    "target_id": None,
    "outcome": "failed",
    "code": "rejected_by_target",
    "message": f"{TARGET.label} refused the record: The value of the attribute email_addresses is not valid.",
    "batch_number": 0,
    "updated_at": ENDED,
}

_LOG: Example = {
    "id": 11,
    "entity": "people",
    "source_id": "38706",
    "level": "warning",
    "code": "invalid_phone_number",
    "message": "This is no telephone number, so it was left out.",
    "field": "phone_numbers",
    "value": "ask Jane",
    "created_at": ENDED,
}

_STATISTICS: Example = {
    "entities": _COUNTS,
    "outcomes": _counts(4600, 4591, 8, 1),
    "failures": [{"entity": "people", "code": "rejected_by_target", "records": 1}],
    "vendor_calls": {"source_reads": 46, "target_reads": 52, "target_writes": 4592},
    "waited_seconds": 183.5,
    "mean_attempts": 1.0,
    "records_per_minute": 1112.9,
    "eta_seconds": None,
}

_INTERNAL = "This person is an internal user: such people are invited to the target as members."

_REPORT: Example = {
    "job": {
        **{name: _JOB[name] for name in ("id", "name", "mode", "sample_size", "on_existing", "status", "error")},
        **{name: _JOB[name] for name in ("paused_by", "resume_at", "waiting_for")},
        "source": {"system": SOURCE.system, "id": "4711", "name": "Example Capital"},
        "target": {"system": TARGET.system, "id": "73542197-ea2a-45a4-88dd-8a01e614beef", "name": "Example Capital"},
        "created_at": BEGAN,
        "started_at": LATER,
        "completed_at": ENDED,
        "duration_seconds": 248.0,
    },
    "ended": True,
    "remarks": [],
    "entities": [
        {**_COUNTS[0], "reasons": []},
        {
            **_COUNTS[1],
            "reasons": [
                {
                    "outcome": "skipped",
                    "code": "internal_person",
                    "records": 8,
                    "advice": advice_on("internal_person"),
                    "example": {"source_id": "38701", "value": None, "message": _INTERNAL},
                },
                {
                    "outcome": "failed",
                    "code": "rejected_by_target",
                    "records": 1,
                    "advice": advice_on("rejected_by_target"),
                    "example": {"source_id": "38706", "value": None, "message": _RECORD["message"]},
                },
            ],
        },
    ],
    "outcomes": _counts(4600, 4591, 8, 1),
    "sections": [
        {
            "code": "refused",
            "title": HEADINGS["refused"].title,
            "advice": HEADINGS["refused"].advice,
            "rows": 12,
            "values": [
                {
                    "entity": "people",
                    "code": "invalid_phone_number",
                    "field": "phone_numbers",
                    "fields": 1,
                    "level": "warning",
                    "rows": 12,
                    "example": {name: _LOG[name] for name in ("source_id", "value", "message")},
                }
            ],
        }
    ],
    "issues": [
        {
            "level": "warning",
            "code": "owner_without_member",
            "message": "John Doe (john@example.com) is no member of the target's workspace. Invite him there.",
            "field": None,
            "value": "john@example.com",
            "times": 1,
        }
    ],
    "further_issues": 0,
    "uncarried": [
        {"code": code, "count": (2710 if given.counted_by else 3) if given.is_read else None, "message": given.message}
        for code, given in registry.source_role(SOURCE.system).not_migrated.items()
    ],
    "gone_from_source": [
        {
            "entity": "companies",
            "records": 2,
            "example": {"source_id": "1042", "value": None, "message": "The source no longer returns this company."},
        }
    ],
    "made_by_target": {"records": 2, "values": ["acme.com", "globex.com"], "advice": advice_on(MADE_BY_TARGET)},
    "mapping": {
        "facts": [
            {
                "entity": "people",
                "part": "job_title",
                "name": "Current Job Title",
                "field": f"{SOURCE.system}-data-current-job-title",
                "attribute": "job_title",
            }
        ],
        "fields": [
            {
                "owner": "companies",
                "owner_name": "companies",
                "field": "field-1001",
                "name": "Sector",
                "field_type": "select",
                "action": "make",
                "attribute": "sector",
                "title": "Sector",
                "type": "select",
                "multiple": False,
                "new_options": 14,
            }
        ],
        "lists": [
            {
                "list_id": "77",
                "name": "Pipeline",
                "slug": f"pipeline_{SOURCE.system}_77",
                "parent": "deals",
                "action": "make",
                "shared": False,
                "stage": "Status",
                "owner": "Owners",
                "value": None,
            }
        ],
        "stages": ["Lead", "Won"],
        "new_stages": ["Won"],
        "members": {
            "users": 9,
            "matched": 8,
            "unmatched": [{"name": "John Doe", "email": "john@example.com"}],
            "default_owner": "jane@example.com",
            "deal_owner": "jane@example.com",
        },
        "notes": "one",
    },
    "estimate": {"source_reads": 48, "target_reads": 60, "target_writes": 4600, "seconds": 240},
    "cost": {name: _STATISTICS[name] for name in ("vendor_calls", "waited_seconds")},
}

_KEY: Example = {
    "id": "724b5971-c9af-46ab-85e2-5f77a3dd8edf",
    "name": "dashboard",
    "prefix": "frt_live_cHq1NJdU",
    "scopes": ["jobs:read"],
    "created_at": BEGAN,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}

_NEW_KEY: Example = {**_KEY, "key": "frt_live_cHq1NJdUYOUR_NEW_KEY_IS_SHOWN_ONCE"}

_TENANT: Example = {
    "id": "4401924f-4609-4793-9ea9-88c6686e9e8b",
    "name": "Example Capital",
    "created_at": BEGAN,
    "suspended_at": None,
    "retention_days": 90,
    "limits": dict.fromkeys(
        ("requests_per_minute", "requests_per_hour", "creations_per_minute", "creations_per_hour"), None
    ),
    "jobs": {"completed_with_errors": 1},
}

_WEBHOOK: Example = {
    "id": WEBHOOK_ID,
    "url": "https://example.com/freight",
    "description": "Tells the team how it ended.",
    "events": ["job.completed", "job.completed_with_errors", "job.failed"],
    "enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "created_at": BEGAN,
    "updated_at": BEGAN,
    "links": {"self": f"{WEBHOOKS}/{WEBHOOK_ID}", "deliveries": f"{WEBHOOKS}/{WEBHOOK_ID}/deliveries"},
}

_DELIVERY: Example = {
    "id": DELIVERY_ID,
    "event": "job.completed",
    "status": "delivered",
    "attempts": 1,
    "next_attempt_at": None,
    "answer_status": 204,
    "error": None,
    "created_at": ENDED,
    "attempted_at": ENDED,
    "delivered_at": ENDED,
    "links": {
        "self": f"{WEBHOOKS}/{WEBHOOK_ID}/deliveries/{DELIVERY_ID}",
        "webhook": f"{WEBHOOKS}/{WEBHOOK_ID}",
        "job": f"{JOBS}/{JOB_ID}",
    },
}

_AUDIT_EVENT: Example = {
    "id": 5,
    "actor": "API key frt_live_45IEgNZw… (deployment)",
    "action": "job.created",
    "object_type": "job",
    "object_id": JOB_ID,
    "details": {"name": JOB_NAME},
    "address": "203.0.113.7",
    "request_id": "req_4f1c9a7be0d34c52",
    "created_at": BEGAN,
}

_HEALTH: Example = {
    "status": "healthy",
    "version": __version__,
    "components": {
        "database": {"status": "healthy", "response_time_ms": 1.7},
        "redis": {"status": "healthy", "response_time_ms": 1.2, "queue_depth": 0},
        "workers": {"status": "healthy", "response_time_ms": 1.8, "count": 1},
    },
}

_DOCUMENT = f"""# Report: {JOB_NAME}

| Entity | Read | Created | Updated | Unchanged | Skipped | Failed |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| companies | 1,200 | 1,200 | 0 | 0 | 0 | 0 |
| people | 3,400 | 3,391 | 0 | 0 | 8 | 1 |
"""

_EVENTS = f"""id: running.people.4600.1250.0.false
event: progress
data: {{"total_records":4600,"processed_records":1250,"failed_records":0,"records_per_minute":1112.9,"eta_seconds":181}}

id: completed.people.4600.4600.0.true
event: end
data: {{"status":"completed","error":null,"completed_at":"{ENDED}"}}

"""

ANSWERS: dict[str, Any] = {
    "Alive": {"status": "alive"},
    "ApiKey": _KEY,
    "AuditPage": _page("/api/v1/audit", _AUDIT_EVENT),
    "BatchView": _BATCH,
    "BatchesPage": _page(f"{JOBS}/{JOB_ID}/batches", _BATCH),
    "DeliveriesPage": _page(f"{WEBHOOKS}/{WEBHOOK_ID}/deliveries", _DELIVERY),
    "Health": _HEALTH,
    "JobReport": _REPORT,
    "JobStatistics": {"job_id": JOB_ID, "status": "completed_with_errors", **_STATISTICS},
    "JobView": _JOB,
    "JobsPage": _page(JOBS, {name: value for name, value in _JOB.items() if name != "mapping"}),
    "KeysPage": _page("/api/v1/keys", _KEY),
    "LogsPage": _page(f"{JOBS}/{JOB_ID}/logs", _LOG, next_cursor=None),
    "NewKey": _NEW_KEY,
    "NewTenant": {**_TENANT, "jobs": {}, "first_key": _NEW_KEY},
    "NewWebhook": {**_WEBHOOK, "secret": "whsec_YOUR_SIGNING_SECRET_IS_SHOWN_ONCE"},
    "RecordDetail": {**_RECORD, "payload": {"first_name": "Jane", "last_name": "Doe", "emails": ["jane.doe@"]}},
    "RecordsPage": _page(f"{JOBS}/{JOB_ID}/records", _RECORD, next_cursor=None),
    "RetryAnswer": {"job_id": JOB_ID, "batches_queued_for_retry": 1, "message": "1 batch will be loaded again."},
    "Tenant": _TENANT,
    "TenantStatistics": {"jobs": {"running": 0, "completed": 3, "failed": 1}, **_STATISTICS},
    "TenantsPage": _page("/api/v1/tenants", _TENANT),
    "WebhookView": _WEBHOOK,
    "WebhooksPage": _page(WEBHOOKS, _WEBHOOK),
    "WholeDelivery": {
        **_DELIVERY,
        "payload": {"type": "job.completed", "timestamp": ENDED, "data": {"job_id": JOB_ID, "status": "completed"}},
        "answer_body": None,
    },
    "application/x-ndjson": '{"id":15,"entity":"people","source_id":"38706"}\n',
    "text/csv": "id,entity,source_id\r\n15,people,38706\r\n",
    "text/event-stream": _EVENTS,
    "text/markdown": _DOCUMENT,
}
