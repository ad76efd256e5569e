"""Examples for the documentation, which a test sends."""

from litestar.openapi.spec import Example

JOB_REQUESTS = [
    Example(
        summary="What is required",
        value={
            "source_system": "affinity",
            "target_system": "attio",
            "source_config": {"api_key": "YOUR_AFFINITY_API_KEY"},
            "target_config": {"api_key": "YOUR_ATTIO_ACCESS_TOKEN"},
        },
    ),
    Example(
        summary="With everything",
        value={
            "source_system": "affinity",
            "target_system": "attio",
            "source_config": {"api_key": "YOUR_AFFINITY_API_KEY", "base_url": "https://api.affinity.co"},
            "target_config": {
                "api_key": "YOUR_ATTIO_ACCESS_TOKEN",
                "base_url": "https://api.attio.com",
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
            "entities": ["companies", "people"],
            "mapping": None,
            "on_existing": "fill",
            "name": "The move to Attio",
            "labels": {"team": "platform"},
        },
    ),
]
