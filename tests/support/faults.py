"""Trouble at the vendors, on request."""

from typing import Any

from support.clients import client


async def add(url: str, kind: str, **given: Any) -> None:
    """Have the vendor at this URL show a fault."""
    async with client(url) as vendor:
        (await vendor.post("/_sandbox/faults", json={"kind": kind, **given})).raise_for_status()


async def clear(url: str) -> None:
    """End all faults."""
    async with client(url) as vendor:
        (await vendor.delete("/_sandbox/faults")).raise_for_status()


async def left(url: str) -> list[dict[str, Any]]:
    """Return the faults that are still to come."""
    async with client(url) as vendor:
        answer: list[dict[str, Any]] = (await vendor.get("/_sandbox/faults")).raise_for_status().json()
        return answer


async def shown(url: str) -> dict[int, int]:
    """Return how many answers the vendor has given, by status; 0 stands for a connection that was cut."""
    async with client(url) as vendor:
        counters = (await vendor.get("/_sandbox/counters")).raise_for_status().json()
    statuses: dict[int, int] = {}
    for entry in counters["requests"]:
        statuses[entry["status"]] = statuses.get(entry["status"], 0) + entry["count"]
    return statuses
