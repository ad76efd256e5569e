"""What the tests of the connectors share."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from freight.connectors.protocols import Kind


class RecordingPacer:
    """Gives every turn at once and remembers what it was told."""

    def __init__(self) -> None:
        self.turns: list[Kind] = []
        self.pauses: list[tuple[Kind, datetime]] = []
        self.outcomes: list[str] = []

    async def turn(self, kind: Kind) -> None:
        self.turns.append(kind)

    async def pause(self, kind: Kind, until: datetime) -> None:
        self.pauses.append((kind, until))

    async def succeeded(self) -> None:
        self.outcomes.append("succeeded")

    async def failed(self) -> None:
        self.outcomes.append("failed")


class Script:
    """Answers requests one after the other with what it was given; keeps what was asked."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)


def error(status: int, code: str = "bad", message: str = "It went wrong.", **more: Any) -> httpx.Response:
    """Return an error as Attio words it."""
    return httpx.Response(status, json={"status_code": status, "type": "t", "code": code, "message": message, **more})
