"""The one form of every error."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error that was answered, after a look at its form."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    error: dict[str, Any] = response.json()
    assert set(error) == {"error", "message", "details", "request_id", "timestamp"}
    assert re.fullmatch(r"[a-z0-9_]+", error["error"])
    assert error["message"]
    assert error["request_id"] == response.headers["X-Request-ID"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", error["request_id"])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(error["timestamp"])) < timedelta(minutes=5)
    for detail in error["details"]:
        assert set(detail) == {"type", "message", "field"}
        assert detail["message"]
    return error


def fields_of(error: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with which field."""
    return {detail["field"]: detail["type"] for detail in error["details"]}
