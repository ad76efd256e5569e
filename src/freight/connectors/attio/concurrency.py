"""Concurrent requests whose first error is raised as it is."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def gather_all(requests: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run the requests concurrently and return their results in order. Raise the first error as it is, after all have
    ended."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
