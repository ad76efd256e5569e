"""Discovery: the contents of an Affinity workspace and what its key can read, before anything is read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from freight.connectors.affinity.client import PAGE_SIZE, PAGE_SIZE_V1, AffinityClient, optional
from freight.connectors.affinity.fields import id_of, integer_of, person_ref, text_of
from freight.connectors.affinity.offset_pagination import FILES, NOTES, REMINDERS
from freight.connectors.affinity.schema import Definitions, facts_of, fields_of, merged_options, options_of
from freight.connectors.affinity.standard_fields import ALWAYS
from freight.connectors.answers import Json
from freight.connectors.errors import NotFound, PermissionMissing
from freight.connectors.protocols import Discovery, Issue
from freight.model.addresses import comparable
from freight.model.crm import LOAD_ORDER, Entity, List
from freight.model.fields import Fact, Field, PersonRef
from freight.model.mapping import Mapping as JobMapping
from freight.model.platforms import shared_as
from freight.model.schema import Schema

COLLECTIONS: dict[Entity, str] = {"companies": "companies", "people": "persons"}
"""The names in version 2 of the entities with fields of their own."""

NEED_LISTS = frozenset[Entity]({"deals", "lists", "list_entries"})

ListOf = Literal["companies", "people", "deals"]

LISTS_OF: dict[str | int, ListOf] = {
    "company": "companies",
    "person": "people",
    "opportunity": "deals",
    1: "companies",
    0: "people",
    8: "deals",
}
"""The kind of record on a list, by its type in version 2, and by the number of that type in version 1."""

COUNTED = {"notes": NOTES.counted_at, "tasks": REMINDERS.counted_at, "files": FILES.counted_at}

PERMISSIONS: dict[Entity, str] = {
    "companies": "Export All Organizations directory",
    "people": "Export All People directory",
    "deals": "Export data from Lists",
    "list_entries": "Export data from Lists",
}
"""The permission that the role of the key's user needs to read an entity, in Affinity's words."""


async def discover(client: AffinityClient, entities: Collection[Entity], mapping: JobMapping) -> Discovery:
    """Return the workspace's contents of these entities, and what reading them with this mapping costs.

    Results of a beta of Affinity's API are left out if it is refused. Raise a `ConnectorError`.
    """
    wanted = [entity for entity in LOAD_ORDER if entity in entities]
    user = await client.whoami()
    needs_lists = not NEED_LISTS.isdisjoint(wanted)
    needs_fields = needs_lists or not COLLECTIONS.keys().isdisjoint(wanted)
    defined = await optional(client.get("/fields")) if needs_fields else []
    fields = _Fields(client, Definitions(defined), mapping)
    lists, issues = await _lists(client, fields) if needs_lists else ([], [])
    users = await _users(client)
    counts = await _counts(client, wanted, lists)
    schema = Schema(
        companies=await fields.of("companies") if "companies" in wanted else (),
        people=await fields.of("people") if "people" in wanted else (),
        lists=tuple(lists),
        users=users,
        own_domains=_own_domains(user, users or ()),
        counts=counts,
        uncarried=await _uncarried(client, lists),
    )
    facts = {entity: (*always, *fields.facts.get(entity, ())) for entity, always in ALWAYS.items() if entity in wanted}
    schema = msgspec.structs.replace(schema, facts=facts)
    issues += [*fields.issues, *await _missing_permissions(client, wanted, lists)]
    if not isinstance(defined, list):
        issues.append(DEFINITIONS_REFUSED)
    selected = [given for given in lists if mapping.migrates_list(given.id)]
    return Discovery(
        schema=schema,
        issues=tuple(issues),
        reads=_reads(counts, wanted, selected),
        calls_left=await _calls_left(client),
    )


class _Fields:
    """Reads the fields, and collects in `issues` what concerns fields that the key cannot see."""

    def __init__(self, client: AffinityClient, definitions: Definitions, mapping: JobMapping) -> None:
        self.issues: list[Issue] = []
        self.facts: dict[str, list[Fact]] = {}
        """The fields of each owner that are standard parts of records."""
        self._client = client
        self._definitions = definitions
        self._mapping = mapping

    async def of(self, owner: Literal["companies", "people"]) -> tuple[Field, ...]:
        """Return the fields of companies or people."""
        try:
            return await self._ask(f"/v2/{COLLECTIONS[owner]}/fields", owner)
        except PermissionMissing as refusal:
            self.issues.append(_fields_refused(owner, f"leave {owner} out of the job", refusal))
            return ()

    async def of_list(self, list_id: str, name: str) -> tuple[Field, ...]:
        """Return the fields of a list. Raise `NotFound` for a list that was deleted meanwhile."""
        try:
            return await self._ask(f"/v2/lists/{list_id}/fields", list_id)
        except PermissionMissing as refusal:
            if self._mapping.migrates_list(list_id):
                way_out = f"skip the list {list_id} in the mapping of the job"
                self.issues.append(_fields_refused(f"the list {name!r}", way_out, refusal))
            return ()

    async def _ask(self, path: str, owner: str) -> tuple[Field, ...]:
        fields = []
        metadata = await self._client.all_rows(path)
        self.facts[owner] = facts_of(metadata, owner, self._mapping.fields_of(owner))
        for field in fields_of(metadata, self._definitions, owner, self._mapping.fields_of(owner)):
            if field.type in ("select", "status") and self._is_wanted(owner, field):
                current = options_of(await optional(self._client.all_rows(f"{path}/{field.id}/dropdown-options")))
                field = msgspec.structs.replace(field, options=merged_options(field.options, current))
            fields.append(field)
        return tuple(fields)

    def _is_wanted(self, owner: str, field: Field) -> bool:
        named = self._mapping.fields_of(owner).get(field.id)
        return (owner in COLLECTIONS or self._mapping.migrates_list(owner)) and not (named is not None and named.skip)


def _fields_refused(what: str, way_out: str, refusal: PermissionMissing) -> Issue:
    return Issue(
        level="error",
        code="fields_refused",
        message=f"The key's user has no access to the fields of {what}, and without them none of their values can "
        f"be migrated: have an administrator of Affinity give the user access, or {way_out}. {refusal}",
    )


DEFINITIONS_REFUSED = Issue(
    code="definitions_refused",
    message="Affinity did not return the definitions of fields in version 1 of its API, the only source for which "
    "fields have several values and the best one for dropdown options: options may be missing or in another order. To "
    "get all of them, give the key's user access to the fields and create the job again.",
)


async def _lists(client: AffinityClient, fields: _Fields) -> tuple[list[List], list[Issue]]:
    """Return the lists that the key has access to, each with its own fields, and the issues of those that cannot be
    read.
    """
    # Version 2 gives wrong sizes, and in its oldest version no types.
    in_version_1 = await optional(client.get("/lists"))
    by_id = {id_of(row): row for row in in_version_1 if isinstance(row, dict)} if isinstance(in_version_1, list) else {}
    lists, issues = [], []
    for row in await client.all_rows("/v2/lists"):
        id_ = id_of(row)
        same = by_id.get(id_, {})
        of = _list_of(row) or _list_of(same)
        if id_ is None or of is None:
            issues.append(_unknown_list(row))
            continue
        name = text_of(row.get("name")) or f"List {id_}"
        try:
            own = await fields.of_list(id_, name)
        except NotFound:
            continue
        lists.append(List(id=id_, name=name, of=of, fields=own, size=integer_of(same.get("list_size"))))
    return lists, issues


def _list_of(row: object) -> ListOf | None:
    kind = row.get("type") if isinstance(row, dict) else None
    return LISTS_OF.get(kind) if isinstance(kind, str | int) and not isinstance(kind, bool) else None


def _unknown_list(row: Json) -> Issue:
    name = text_of(row.get("name")) if isinstance(row, dict) else None
    return Issue(
        code="unknown_list_type",
        message=f"Affinity does not give a known type for the list {name or id_of(row)!r}: it is skipped.",
        value=name,
    )


async def _users(client: AffinityClient) -> tuple[PersonRef, ...] | None:
    rows = await optional(client.all_rows("/v2/users"))
    if rows is None:
        return None
    return tuple(user for row in rows if (user := _user(row)) is not None)


def _user(row: object) -> PersonRef | None:
    user = person_ref(row)
    if user is None or not isinstance(row, dict):
        return None
    email = text_of(row.get("emailAddress")) or user.email
    return msgspec.structs.replace(user, email=email, internal=True)


def _own_domains(whoami: Json, users: Iterable[PersonRef]) -> tuple[str, ...]:
    match whoami:
        case {"user": {"emailAddress": str(own)}}:
            emails = [own]
        case _:
            emails = []
    emails += [user.email for user in users if user.email]
    domains = (comparable(email.rpartition("@")[2]) for email in emails if "@" in email)
    return tuple(dict.fromkeys(domain for domain in domains if domain and shared_as(domain) is None))


async def _counts(client: AffinityClient, wanted: Collection[Entity], lists: Sequence[List]) -> dict[Entity, int]:
    counts: dict[Entity, int | None] = {}
    for entity in wanted:
        match entity:
            case "companies" | "people":
                counts[entity] = await optional(client.count_by_search(COLLECTIONS[entity]))
            case "notes" | "tasks" | "files":
                counts[entity] = await optional(client.count(COUNTED[entity]))
            case "lists":
                counts[entity] = len(lists)
            case "list_entries":
                counts[entity] = _sum(given.size for given in lists)
            case "deals":
                counts[entity] = await _deals(client, lists)
    return {entity: count for entity, count in counts.items() if count is not None}


async def _deals(client: AffinityClient, lists: Sequence[List]) -> int | None:
    """Return the number of opportunities on the lists; None if some are on lists that are hidden from the key."""
    count = _sum(given.size for given in lists if given.of == "deals")
    if count == 0:
        page = await optional(client.page("/v2/opportunities", None, {"limit": 1}))
        return 0 if page is not None and not page.rows else None
    return count


def _reads(counts: Mapping[Entity, int], wanted: Collection[Entity], lists: Sequence[List]) -> int | None:
    """Estimate the calls to read all of these, and the list entries and deals of these lists, if all counts are known.

    Lists themselves are read by the discovery.
    """
    if any(entity not in counts for entity in wanted):
        return None
    calls = 0
    for entity in wanted:
        match entity:
            case "companies" | "people":
                calls += _pages(counts[entity])
            case "list_entries":
                calls += sum(_pages(given.size or 0) for given in lists)
            case "deals":
                calls += sum(_pages(given.size or 0) for given in lists if given.of == "deals")
                calls += _pages_v1(counts[entity])
            case "notes" | "tasks":
                calls += _pages_v1(counts[entity])
            case "files":
                calls += _pages_v1(counts[entity]) + counts[entity]
    return calls


def _pages(count: int) -> int:
    return max(1, -(-count // PAGE_SIZE))


def _pages_v1(count: int) -> int:
    """Return the number of pages in version 1, which marks the end of a collection by a page without rows."""
    return -(-count // PAGE_SIZE_V1) + 1


async def _uncarried(client: AffinityClient, lists: Sequence[List]) -> dict[str, int]:
    views = [await optional(client.all_rows(f"/v2/lists/{given.id}/saved-views")) or [] for given in lists]
    return {"saved_views": sum(map(len, views))} if views else {}


async def _missing_permissions(
    client: AffinityClient, wanted: Collection[Entity], lists: Sequence[List]
) -> list[Issue]:
    """Return the issues of entities that need a missing permission, found by reading one row of each."""
    entries = [f"/v2/lists/{given.id}/list-entries" for given in lists]
    paths: dict[Entity, list[str]] = {
        "companies": ["/v2/companies"],
        "people": ["/v2/persons"],
        "deals": ["/v2/opportunities"],
        "list_entries": entries,
    }
    issues = []
    for entity, asked in paths.items():
        if entity in wanted or (entity == "list_entries" and "deals" in wanted):
            refusal = await _refusal(client, asked)
            if refusal is not None:
                issues.append(_permission_missing(entity, refusal))
    return issues


async def _refusal(client: AffinityClient, paths: Iterable[str]) -> PermissionMissing | None:
    """Return why none of these can be read, or None as soon as one can.

    A single list that is refused, or deleted, is named when it is read.
    """
    refusal: PermissionMissing | None = None
    for path in paths:
        try:
            await client.get(path, {"limit": 1})
        except PermissionMissing as error:
            refusal = error
        except NotFound:
            continue
        else:
            return None
    return refusal


def _permission_missing(entity: Entity, refusal: PermissionMissing) -> Issue:
    what = entity.replace("_", " ")
    return Issue(
        level="error",
        code=refusal.code,
        message=f"The key's user cannot read all {what}: have an administrator of Affinity give the user's role the "
        f'permission "{PERMISSIONS[entity]}", or leave {what} out of the job. {refusal}',
    )


async def _calls_left(client: AffinityClient) -> int | None:
    match await optional(client.get("/rate-limit")):
        case {"rate": {"org_monthly": {"remaining": remaining}}}:
            return integer_of(remaining)
        case _:
            return None


def _sum(sizes: Iterable[int | None]) -> int | None:
    """Return the sum, or None if a part is unknown."""
    known = list(sizes)
    return sum(size for size in known if size is not None) if None not in known else None
