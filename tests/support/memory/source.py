"""The in-memory vendor as a source."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from io import BytesIO
from itertools import islice

import msgspec

from freight.connectors.errors import FileIncomplete, NotFound
from freight.connectors.protocols import Discovery, FileContent, Page, Row, Workspace
from freight.model.crm import Deal, Entity, File, List, ListEntry, Record
from freight.model.mapping import Mapping as JobMapping
from freight.model.schema import Schema
from support.memory import workspaces
from support.memory.connection import MemoryConnection
from support.memory.workspaces import SourceWorkspace


class MemorySource(MemoryConnection):
    """Reads a workspace; see `freight.connectors.protocols.Source`."""

    async def identify(self) -> Workspace:
        """Return the workspace. Raise `CredentialsRefused` for an unknown key."""
        await self.query()
        return Workspace(id=self.key, name=f"Source {self.key}")

    async def discover(self, entities: Collection[Entity], mapping: JobMapping) -> Discovery:
        """Return the schema with the numbers of records."""
        held = await self.query()
        counts = {entity: len(held.of(entity)) for entity in entities}
        schema = msgspec.structs.replace(held.schema, counts=counts)
        return Discovery(schema=schema, reads=sum(1 + number // held.page_size for number in counts.values()))

    def reader(self, schema: Schema, mapping: JobMapping) -> "MemoryReader":
        """Return a reader of what the mapping includes."""
        return MemoryReader(self, mapping)

    async def query(self) -> SourceWorkspace:
        """Return the workspace, as one read."""
        await self.take_turn("query")
        return workspaces.source(self.key)


class MemoryReader:
    """Reads the records of a workspace; see `freight.connectors.protocols.Reader`."""

    def __init__(self, source: MemorySource, mapping: JobMapping) -> None:
        self._source = source
        self._mapping = mapping

    async def read(self, entity: Entity, cursor: str | None) -> Page:
        """Return the records with ids beyond the cursor."""
        held = await self._source.query()
        beyond = (record for record in held.of(entity) if cursor is None or record.id > cursor)
        found = list(islice(beyond, held.page_size))
        rows = tuple(Row(id=record.id, record=record) for record in found if self._includes(record))
        return Page(rows=rows, next_cursor=found[-1].id if len(found) == held.page_size else None)

    async def read_some(self, entity: Entity, ids: Sequence[str]) -> Sequence[Row]:
        """Return the existing records with these ids."""
        held = await self._source.query()
        return [Row(id=record.id, record=record) for record in held.of(entity) if record.id in set(ids)]

    def open_file(self, file: File) -> AbstractAsyncContextManager[FileContent]:
        """Yield the content of a file. Raise `NotFound` or `FileIncomplete`."""
        return self._opened(file)

    @asynccontextmanager
    async def _opened(self, file: File) -> AsyncIterator[FileContent]:
        content = (await self._source.query()).contents.get(file.id)
        if content is None:
            raise NotFound
        if file.size not in (None, len(content)):
            raise FileIncomplete
        yield FileContent(file=BytesIO(content), size=len(content), content_type=file.content_type)

    def _includes(self, record: Record) -> bool:
        match record:
            case Deal(list_id=str(list_id)) | ListEntry(list_id=list_id) | List(id=list_id):
                return self._mapping.migrates_list(list_id)
            case _:
                return True
