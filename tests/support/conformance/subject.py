"""A connector under test, and the tests that a source and a target share."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pytest

from freight.connectors import codes
from freight.connectors.errors import CredentialsRefused
from freight.connectors.protocols import Issue, Source, Target
from freight.connectors.spec import ConnectorSpec
from support.connector_parts import RecordingPacer

T = TypeVar("T", Source, Target)


@dataclass(frozen=True)
class Subject(Generic[T]):
    """A connector with a key of a workspace."""

    spec: ConnectorSpec
    key: str
    connect: Callable[[str, RecordingPacer], T]
    """Opens the connector with a key and a pacer."""
    pacer: RecordingPacer = field(default_factory=RecordingPacer)

    @asynccontextmanager
    async def opened(self, key: str | None = None) -> AsyncIterator[T]:
        """Yield the connector, with its own key or another one."""
        opened = self.connect(self.key if key is None else key, self.pacer)
        try:
            yield opened
        finally:
            await opened.aclose()

    def check_declared(self, issues: Iterable[Issue]) -> None:
        """Check that the specification, or Freight, declares the code of each issue."""
        declared = {*self.spec.codes, *codes.SHARED}
        assert {issue.code for issue in issues} <= declared

    def check_paced(self) -> None:
        """Check that there were requests, and that each took a turn of a kind that the specification has."""
        assert self.pacer.turns
        assert set(self.pacer.turns) <= self.spec.rates.keys()


class ConnectorConformance(Generic[T]):
    """Tests of either side: a key, and one that nobody has."""

    async def test_a_key_always_names_the_same_workspace(self, subject: Subject[T]) -> None:
        async with subject.opened() as first, subject.opened() as second:
            workspace = await first.identify()
            assert workspace == await second.identify()
        assert workspace.id
        assert workspace.name

    async def test_an_unknown_key_is_refused_as_such(self, subject: Subject[T]) -> None:
        with pytest.raises(CredentialsRefused):
            async with subject.opened("unknown-key") as opened:
                await opened.identify()
