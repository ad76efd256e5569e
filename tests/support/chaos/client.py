"""A client that follows its job through whatever happens to the API."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from freight_sandbox import Sandbox
from support.chaos.problems import Problems
from support.service import job_request

Job = dict[str, Any]

BATCH_SIZE = 100
"""The smallest that a job may have, so that several workers have some of an entity."""
PATIENCE = 120
"""Seconds for which a request is repeated that meets an API that is not there or cannot answer."""
CANCEL_SECONDS = 20
"""How long a cancelled job may take to end: generous, for a machine that does much else."""


class Client:
    """One tenant's client."""

    def __init__(self, url: str, key: str, sandbox: Sandbox, problems: Problems) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=15)
        self._sandbox = sandbox
        self._problems = problems

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def create(self) -> str:
        """Return the id of a new job, for which the request is repeated under one Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid4())}
        answer = await self.ask(
            "POST", "/api/v1/jobs", json=job_request(self._sandbox, batch_size=BATCH_SIZE), headers=headers
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def job(self, job_id: str) -> Job:
        """Return the job."""
        answer: Job = (await self.ask("GET", f"/api/v1/jobs/{job_id}")).raise_for_status().json()
        return answer

    async def control(self, job_id: str, verb: str) -> bool:
        """Pause, resume, cancel or retry a job; whether its state allowed it."""
        answer = await self.ask("POST", f"/api/v1/jobs/{job_id}/{verb}")
        return answer.is_success

    async def until(self, job_id: str, condition: Callable[[Job], bool], *, seconds: float) -> Job | None:
        """Return the job once the condition holds, or None if it does not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = await self.job(job_id)
            if condition(job):
                return job
            await asyncio.sleep(0.5)
        return None

    async def pages(self, path: str) -> list[dict[str, Any]]:
        """Return all rows of a resource."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = await self.ask("GET", path, params={"limit": 1000, "offset": len(rows)})
            page = answer.raise_for_status().json()
            rows += page["items"]
            if not page["has_more"]:
                return rows

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Send a request, again and again while the API is not there or says that it cannot answer now."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = await self._attempt(method, path, given)
            if answer is not None and answer.status_code not in {429, 502, 503} and not _is_in_progress(answer):
                if answer.status_code >= 500:
                    self._problems.add(
                        "api", f"{method} {path.split('/')[3]}: {answer.status_code} {answer.text[:200]}"
                    )
                else:
                    return answer
            if time.monotonic() > deadline:
                told = "no answer" if answer is None else f"{answer.status_code} {answer.text[:200]}"
                raise ApiGone(f"{method} {path} for {PATIENCE} s: {told}")
            await asyncio.sleep(0.5)

    async def _attempt(self, method: str, path: str, given: dict[str, Any]) -> httpx.Response | None:
        try:
            return await self._http.request(method, path, **given)
        except httpx.TransportError:
            return None


class ApiGone(Exception):
    """The API has not answered for as long as a client can be expected to try."""


def ended(job: Job) -> bool:
    """Return whether a job has ended."""
    return job["completed_at"] is not None


def _is_in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json().get("error") == "request_in_progress"
