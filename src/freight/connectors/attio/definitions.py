"""The schema of an Attio workspace: objects and lists with their attributes and choices, and the members."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.planning.choices import Choice
from freight.connectors.planning.lists import ListDefinition

PAGE_SIZE = 500


class Container(msgspec.Struct, frozen=True):
    """An object or a list, by its slug or id."""

    kind: Literal["objects", "lists"]
    name: str

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/v2/{self.kind}/{quote(self.name, safe='')}"


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute of an object or a list."""

    id: str
    slug: str
    title: str = ""
    description: str | None = None
    type: str
    is_system: bool = False
    is_writable: bool = True
    is_archived: bool = False
    is_unique: bool = False
    is_required: bool = False
    """Whether every record must have a value for it."""
    multiple: bool = False
    allowed: frozenset[str] | None = None
    """The slugs of the objects that a record reference may point to; None for any."""


class ChoiceAttribute(msgspec.Struct, frozen=True):
    """A select or status attribute, by its slug."""

    container: Container
    slug: str
    type: Literal["select", "status"]

    @property
    def path(self) -> str:
        """The path of its choices in the API."""
        noun = "statuses" if self.type == "status" else "options"
        return f"{self.container.path}/attributes/{quote(self.slug, safe='')}/{noun}"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the workspace."""

    id: str
    email: str
    """In lower case."""


class Definitions:
    """The definitions of a workspace, read and changed. Every method raises a `ConnectorError` on failure."""

    def __init__(self, client: AttioClient) -> None:
        self._client = client
        self._objects: dict[str, str] = {}

    async def objects(self) -> dict[str, str]:
        """Return the slugs of the enabled objects, by id."""
        if not self._objects:
            items = await self._client.read_list("/v2/objects")
            self._objects = {read_id(item, "object_id"): str(item.get("api_slug")) for item in items}
        return self._objects

    async def attributes(self, container: Container) -> dict[str, Attribute]:
        """Return all attributes by slug, archived ones included."""
        objects = await self.objects()
        found: dict[str, Attribute] = {}
        while True:
            page = await self._client.read_list(
                f"{container.path}/attributes",
                params={"limit": PAGE_SIZE, "offset": len(found), "show_archived": "true"},
            )
            # Attio documents no maximum page size here, so a short page need not be the last.
            new = [attribute for item in page if (attribute := _attribute(item, objects)).slug not in found]
            if not new:
                return found
            found |= {attribute.slug: attribute for attribute in new}

    async def make_attribute(self, container: Container, definition: Mapping[str, Any]) -> None:
        """Make an attribute. Raise `Rejected` with `slug_conflict` for a slug that exists, archived or not."""
        # Idempotent, because Attio accepts a slug only once.
        await self._client.write("POST", f"{container.path}/attributes", definition, idempotent=True)

    async def restore_attribute(self, container: Container, slug: str) -> None:
        """Restore an attribute from the archive."""
        path = f"{container.path}/attributes/{quote(slug, safe='')}"
        await self._client.write("PATCH", path, {"is_archived": False}, idempotent=True)

    async def choices(self, choice_attribute: ChoiceAttribute) -> list[Choice]:
        """Return the options of a select attribute or the statuses of a status one, archived ones included."""
        items = await self._client.read_list(choice_attribute.path, params={"show_archived": "true"})
        key = "status_id" if choice_attribute.type == "status" else "option_id"
        return [
            Choice(id=read_id(item, key), title=str(item.get("title")), is_archived=bool(item.get("is_archived")))
            for item in items
        ]

    async def make_choice(self, choice_attribute: ChoiceAttribute, title: str) -> None:
        """Make an option or a status. Raise `Rejected` with `slug_conflict` for a title that exists, or is archived."""
        await self._client.write("POST", choice_attribute.path, {"title": title}, idempotent=True)

    async def restore_choice(self, choice_attribute: ChoiceAttribute, choice: Choice) -> None:
        """Restore an option or a status from the archive."""
        path = f"{choice_attribute.path}/{quote(choice.id, safe='')}"
        await self._client.write("PATCH", path, {"is_archived": False}, idempotent=True)

    async def lists(self) -> list[ListDefinition]:
        """Return the lists that the key has access to."""
        return [_list(item) for item in await self._client.read_list("/v2/lists")]

    async def make_list(self, *, slug: str, name: str, parent: str) -> ListDefinition:
        """Make a list for the whole workspace. Raise `Rejected` with `slug_conflict` for a slug that exists."""
        body = {
            "name": name,
            "api_slug": slug,
            "parent_object": parent,
            "workspace_access": "full-access",
            "workspace_member_access": [],
        }
        return _list(await self._client.write("POST", "/v2/lists", body, idempotent=True))

    async def rename_list(self, list_id: str, name: str) -> None:
        """Rename a list."""
        await self._client.write("PATCH", Container("lists", list_id).path, {"name": name}, idempotent=True)

    async def members(self) -> list[Member]:
        """Return the members of the workspace, suspended ones included."""
        items = await self._client.read_list("/v2/workspace_members")
        return [
            Member(id=read_id(item, "workspace_member_id"), email=str(item.get("email_address") or "").strip().lower())
            for item in items
        ]


def _attribute(item: Mapping[str, Any], objects: Mapping[str, str]) -> Attribute:
    config = (item.get("config") or {}).get("record_reference") or {}
    allowed = config.get("allowed_object_ids")
    return Attribute(
        id=read_id(item, "attribute_id"),
        slug=str(item.get("api_slug")),
        title=str(item.get("title") or ""),
        description=item.get("description"),
        type=str(item.get("type")),
        is_system=bool(item.get("is_system_attribute")),
        is_writable=bool(item.get("is_writable", True)),
        is_required=bool(item.get("is_required")) and item.get("default_value") is None,
        is_archived=bool(item.get("is_archived")),
        is_unique=bool(item.get("is_unique")),
        multiple=bool(item.get("is_multiselect")),
        allowed=None if allowed is None else frozenset(objects.get(id_, id_) for id_ in allowed),
    )


def _list(item: Mapping[str, Any]) -> ListDefinition:
    parents = item.get("parent_object") or ()
    return ListDefinition(
        id=read_id(item, "list_id"),
        slug=str(item.get("api_slug")),
        name=str(item.get("name") or ""),
        parents=(parents,) if isinstance(parents, str) else tuple(parents),
    )
