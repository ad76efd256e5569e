"""Examples for the documentation, which a test sends."""

from litestar.openapi.spec import Example

from freight.api.openapi.example_connectors import JOB_NAME, SOURCE, SOURCE_KEY, TARGET, TARGET_KEY

MAPPING = {
    "companies": {
        "field-1001": {"to": "industry", "title": "Industry"},
        "field-1002": {"skip": True},
        "field-1003": {"to": "description"},
        "field-1004": {"type": "rating"},
    },
    "people": {"field-2001": {"type": "members"}},
    "lists": {
        "77": {
            "name": "Deal flow",
            "stage": "field-3001",
            "owner": "field-3002",
            "value": "field-3003",
            "fields": {"field-3004": {"title": "Round"}},
        },
        "78": {"to": "portfolio"},
        "79": {"skip": True},
    },
    "only_lists": ["77", "78", "79"],
    "default_owner": "jane@example.com",
    "notes": "all",
}
"""One field renamed, one skipped, one mapped to an existing attribute, one with another type; lists likewise."""

JOB_REQUESTS = [
    Example(
        summary="Required fields only",
        value={
            "source_system": SOURCE.system,
            "target_system": TARGET.system,
            "source_config": {"api_key": SOURCE_KEY},
            "target_config": {"api_key": TARGET_KEY},
        },
    ),
    Example(
        summary="All fields",
        value={
            "source_system": SOURCE.system,
            "target_system": TARGET.system,
            "source_config": {"api_key": SOURCE_KEY, "base_url": SOURCE.base_url},
            "target_config": {
                "api_key": TARGET_KEY,
                "base_url": TARGET.base_url,
                "workspace_id": None,
            },
            "batch_size": 1000,
            "retry_policy": {
                "max_attempts": 5,
                "backoff": "exponential",
                "initial_delay": 2,
                "max_delay": 3600,
                "jitter": True,
            },
            "mode": "full",
            "sample_size": None,
            "entities": ["companies", "people", "deals", "lists", "list_entries", "notes", "tasks", "files"],
            "mapping": None,
            "on_existing": "fill",
            "name": JOB_NAME,
            "labels": {"team": "platform"},
        },
    ),
    Example(
        summary="Dry run: see what would happen to all data",
        value={
            "source_system": SOURCE.system,
            "target_system": TARGET.system,
            "source_config": {"api_key": SOURCE_KEY},
            "target_config": {"api_key": TARGET_KEY},
            "mode": "dry_run",
        },
    ),
    Example(
        summary="Sample: some records of each entity, with a custom mapping",
        value={
            "source_system": SOURCE.system,
            "target_system": TARGET.system,
            "source_config": {"api_key": SOURCE_KEY},
            "target_config": {"api_key": TARGET_KEY},
            "mode": "sample",
            "sample_size": 20,
            "mapping": MAPPING,
        },
    ),
]

JOB_CHANGES = [
    Example(summary="Name and labels", value={"name": JOB_NAME, "labels": {"team": "platform"}}),
    Example(
        summary="Settings, while the job is pending",
        value={"batch_size": 500, "on_existing": "overwrite", "entities": ["companies"]},
    ),
    Example(summary="Another mapping, while the job is pending", value={"mapping": MAPPING}),
    Example(summary="Reset to the default mapping", value={"mapping": None}),
]

KEY_REQUESTS = [
    Example(summary="Read-only key for monitoring", value={"name": "dashboard", "scopes": ["jobs:read"]}),
    Example(
        summary="All fields",
        value={"name": "deployment", "scopes": ["jobs:read", "jobs:write", "admin"], "expires_in_days": 365},
    ),
]

TENANT_REQUESTS = [
    Example(summary="Required fields only", value={"name": "Example Capital"}),
    Example(
        summary="All fields",
        value={
            "name": "Example Ventures",
            "limits": {
                "requests_per_minute": 300,
                "requests_per_hour": 5000,
                "creations_per_minute": None,
                "creations_per_hour": None,
            },
            "retention_days": 30,
        },
    ),
]

TENANT_CHANGES = [
    Example(summary="Suspend", value={"suspended": True}),
    Example(
        summary="Change limits and retention", value={"limits": {"requests_per_minute": 300}, "retention_days": 30}
    ),
]

WEBHOOK_REQUESTS = [
    Example(summary="Required fields only", value={"url": "https://example.com/freight"}),
    Example(
        summary="All fields",
        value={
            "url": "https://example.com/freight",
            "events": ["job.completed", "job.completed_with_errors", "job.failed"],
            "description": "Tells the team how it ended.",
        },
    ),
]

WEBHOOK_CHANGES = [
    Example(summary="Disable", value={"enabled": False}),
    Example(
        summary="All fields",
        value={"url": "https://example.com/freight", "events": None, "description": None, "enabled": True},
    ),
]
