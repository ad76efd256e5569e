"""Lists in Attio. They are made with the schema; as records they are only found and renamed."""

from collections.abc import Mapping, Sequence

from freight.connectors.attio.definitions import Definitions
from freight.connectors.attio.writing.catalog import unchangeable
from freight.connectors.errors import Rejected
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord


class Lists:
    """Lists."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the lists with these ids."""
        return [
            TargetRecord(id=found.id, source_id=drafts[found.id].source_id, values={"name": [found.name]})
            for found in await self._definitions.lists()
            if found.id in drafts
        ]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the lists that the layout names."""
        named = {draft.container: draft for draft in drafts if draft.container is not None}
        return await self.read(named) if named else []

    async def create(self, _draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Raise `Rejected`: a missing list was deleted after the schema was ensured."""
        raise Rejected("This list was deleted in Attio after the job had made it. Run the job again to make it again.")

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Rename a list."""
        for slug, items in values.items():
            if slug != "name" or not items:
                raise unchangeable(slug, "list")
        await self._definitions.rename_list(target_id, values["name"][0])
        return TargetRecord(id=target_id, source_id=draft.source_id, values=dict(values))

    async def delete(self, _draft: Draft, _target_id: str) -> None:
        """Raise `Rejected`: Attio has no way to delete a list."""
        raise Rejected("Attio has no way to delete a list: archive it by hand.")
