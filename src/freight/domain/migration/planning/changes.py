"""Changes: what happens to earlier jobs' data where this job has other settings. Pure; the precheck logs the result."""

from collections.abc import Collection, Iterable, Sequence

from freight.connectors.protocols import Issue
from freight.domain.jobs.earlier import JobSettings
from freight.domain.jobs.requests import OnExisting
from freight.model.crm import Entity
from freight.model.mapping import FieldMapping, ListMapping
from freight.model.resolved_mapping import ListPlace, Place

CODE = "mapping_changed"

ON_LISTS: tuple[Entity, ...] = ("deals", "lists", "list_entries")

ROLES: dict[str, str] = {
    "stage": "Deals without a value in the new field keep their stage.",
    "owner": "Deals without a value in the new field keep their owner.",
    "value": "Deals without a value in the new field lose their value.",
}
"""The parts of a deal that come from a field of its list, and what happens to deals without a value in it."""

POLICIES: dict[OnExisting, str] = {
    "fill": "Values that people changed in the target stay, and the log names them (kept_in_target).",
    "overwrite": "Values that people changed in the target are replaced by the source's.",
    "skip": "What earlier jobs wrote stays as it is, even if the source has changed.",
}


def changed_settings(earlier: Sequence[JobSettings], now: JobSettings) -> list[Issue]:
    """Return an issue for each setting that differs from the last job that migrated its data, with the consequence."""
    if not earlier:
        return []
    found = [*_entities(earlier[0], now), *_on_existing(earlier[0], now)]
    for owner in ("companies", "people"):
        if (before := _last(earlier, now, [owner])) is not None:
            found += _fields(owner, owner, before, now)
    if (before := _last(earlier, now, ON_LISTS)) is not None:
        found += _only_lists(before, now)
        for list_id in sorted(before.mapping.lists.keys() | now.mapping.lists.keys()):
            found += _list(list_id, before, now)
    found += _default_owner(earlier[0], now)
    if (before := _last(earlier, now, ["notes"])) is not None:
        found += _notes(before, now)
    return found


def _last(earlier: Iterable[JobSettings], now: JobSettings, entities: Collection[Entity]) -> JobSettings | None:
    """Return the settings of the last job that also migrated one of these entities."""
    about = [entity for entity in entities if entity in now.entities]
    return next((before for before in earlier if any(entity in before.entities for entity in about)), None)


def _entities(before: JobSettings, now: JobSettings) -> list[Issue]:
    left = [entity for entity in before.entities if entity not in now.entities]
    if not left:
        return []
    return [
        _issue(
            "entities",
            f"This job leaves out {', '.join(left)}, which an earlier job migrated: what that job wrote stays in the "
            "target and is not updated from the source.",
            before=left,
        )
    ]


def _on_existing(before: JobSettings, now: JobSettings) -> list[Issue]:
    if before.on_existing == now.on_existing:
        return []
    sentence = f"on_existing was {before.on_existing} in an earlier job and is {now.on_existing} now."
    return [_issue("on_existing", f"{sentence} {POLICIES[now.on_existing]}", before=before.on_existing, info=True)]


def _default_owner(before: JobSettings, now: JobSettings) -> list[Issue]:
    old, new = before.mapping.default_owner, now.mapping.default_owner
    if old == new:
        return []
    if new is None:
        message = f"An earlier job assigned records without an owner in the target to {old}, and this job has no "
        message += "default_owner: those records keep their owner."
    elif old is None:
        message = (
            f"Records without an owner in the target are assigned to {new} now, also those that earlier jobs wrote "
        )
        message += "without one. Deals that have an owner keep it."
    else:
        message = (
            f"Records that an earlier job assigned to {old} instead of an owner who is not a member are assigned to "
        )
        message += f"{new} now, unless the owner was changed in the target. Deals without an owner at the source keep "
        message += "theirs."
    return [_issue("default_owner", message, before=old, info=True)]


def _notes(before: JobSettings, now: JobSettings) -> list[Issue]:
    if before.mapping.notes == now.mapping.notes:
        return []
    if now.mapping.notes == "all":
        message = "An earlier job wrote each note to one record, and this job writes it to all of its records: the "
        message += "existing copy stays as it is, and each of the other records gets a copy."
    else:
        message = (
            "An earlier job wrote each note to all of its records, and this job writes it to one: one copy is still "
        )
        message += "updated from the source, and the others stay as they are. The log names them (further_copy_stays)."
    return [_issue("notes", message, before=before.mapping.notes, info=now.mapping.notes == "all")]


def _only_lists(before: JobSettings, now: JobSettings) -> list[Issue]:
    if before.mapping.only_lists == now.mapping.only_lists or now.mapping.only_lists is None:
        return []
    left = [place for place in _lists(before) if place.list_id not in now.mapping.only_lists]
    if not left:
        return []
    named = ", ".join(f'"{place.name}" ({place.list_id})' for place in left)
    return [
        _issue(
            "only_lists",
            f"This job leaves out lists that an earlier job migrated: {named}. They stay in the target with their "
            "entries and deals, and are not updated from the source.",
            before=before.mapping.only_lists,
        )
    ]


def _list(list_id: str, before: JobSettings, now: JobSettings) -> list[Issue]:
    old, new = before.mapping.of_list(list_id), now.mapping.of_list(list_id)
    old_place, new_place = _list_of(before, list_id), _list_of(now, list_id)
    name = _quoted((new_place or old_place), list_id)
    at = f"lists.{list_id}"
    if old.skip and not new.skip:
        return [_issue(f"{at}.skip", f"The list {name}, which an earlier job skipped, is migrated now.", info=True)]
    if new.skip and not old.skip:
        message = f"The list {name} is skipped now: what earlier jobs wrote of it stays in the target, with its "
        return [_issue(f"{at}.skip", f"{message}entries and deals, and is not updated from the source.")]
    if not now.mapping.migrates_list(list_id):
        return []
    return [
        *_list_moved(name, at, (old, new), (old_place, new_place)),
        *_roles(name, at, (old, new), (old_place, new_place), now),
        *(_fields(list_id, f"{at}.fields", before, now) if "list_entries" in now.entities else []),
    ]


def _list_moved(
    name: str, at: str, mapped: tuple[ListMapping, ListMapping], places: tuple[ListPlace | None, ListPlace | None]
) -> list[Issue]:
    (old, new), (old_place, new_place) = mapped, places
    slug = new_place.slug if new_place is not None else new.to
    former = old_place.slug if old_place is not None else old.to
    if old.to != new.to and former != slug:
        message = (
            f"The list {name} is mapped to {slug or 'a new list'} now instead of {former or 'its former list'}: its "
        )
        message += "entries are written there, and those that earlier jobs wrote to the former list stay on it."
        return [_issue(f"{at}.to", message, before=former)]
    if old.name != new.name and new_place is not None and new_place.action != "make":
        if new.to is not None:
            message = f"The list {name} exists in the target and keeps its name."
        else:
            message = f'The list {name} is renamed to "{new_place.name}", unless it was renamed in the target.'
        return [_issue(f"{at}.name", message, before=old.name, info=True)]
    return []


def _roles(
    name: str,
    at: str,
    mapped: tuple[ListMapping, ListMapping],
    places: tuple[ListPlace | None, ListPlace | None],
    now: JobSettings,
) -> list[Issue]:
    found: list[Issue] = []
    for role, without in ROLES.items() if "deals" in now.entities else ():
        old, new = (getattr(place or wanted, role) for wanted, place in zip(mapped, places, strict=True))
        if old != new:
            message = f"The deals of the list {name} take their {role} from another field now, also existing ones, "
            message += f"unless it was changed in the target. {without}"
            found.append(_issue(f"{at}.{role}", message, before=old))
    return found


def _fields(owner: str, at: str, before: JobSettings, now: JobSettings) -> list[Issue]:
    old, new = before.mapping.fields_of(owner), now.mapping.fields_of(owner)
    return [
        issue
        for field_id in sorted(old.keys() | new.keys())
        for issue in _field(
            f"{at}.{field_id}",
            (old.get(field_id, FieldMapping()), new.get(field_id, FieldMapping())),
            (_place_of(before, owner, field_id), _place_of(now, owner, field_id)),
            field_id,
        )
    ]


def _field(
    at: str, mapped: tuple[FieldMapping, FieldMapping], places: tuple[Place | None, Place | None], field_id: str
) -> list[Issue]:
    (old, new), (old_place, new_place) = mapped, places
    name = _quoted(new_place or old_place, field_id)
    former = (old_place and old_place.attribute) or old.to
    slug = (new_place and new_place.attribute) or new.to
    stays = f"What earlier jobs wrote to {former or 'its attribute'} stays there and is not updated from the source, "
    stays += "unless something else is mapped to it now, whose values replace it."
    if old.skip != new.skip:
        if new.skip:
            return [_issue(f"{at}.skip", f"The field {name} is skipped now. {stays}", before=former)]
        message = f"The field {name}, which an earlier job skipped, is migrated now, also to existing records."
        return [_issue(f"{at}.skip", message, info=True)]
    if new.skip:
        return []
    found: list[Issue] = []
    if former != slug:
        if old.to != new.to:
            message = (
                f"The field {name} is mapped to {slug or 'another attribute'} now instead of {former or 'its own'}. "
            )
            found.append(_issue(f"{at}.to", message + stays, before=former))
        if old.type != new.type:
            message = f"The field {name} becomes {new.type or 'its default type'} now, in an attribute of its own"
            message += f" ({slug}). " if slug else ". "
            found.append(_issue(f"{at}.type", message + stays, before=old.type))
    if old.title != new.title and new_place is not None and new_place.action != "make":
        message = f"The attribute {slug} of the field {name} exists and keeps its title. Change it in the target."
        found.append(_issue(f"{at}.title", message, before=old.title, info=True))
    return found


def _place_of(settings: JobSettings, owner: str, field_id: str) -> Place | None:
    places = () if settings.layout is None else settings.layout.places
    return next((place for place in places if (place.owner, place.field) == (owner, field_id)), None)


def _list_of(settings: JobSettings, list_id: str) -> ListPlace | None:
    return next((place for place in _lists(settings) if place.list_id == list_id), None)


def _lists(settings: JobSettings) -> Sequence[ListPlace]:
    return () if settings.layout is None else settings.layout.lists


def _quoted(place: Place | ListPlace | None, id_: str) -> str:
    return id_ if place is None else f'"{place.name}" ({id_})'


def _issue(field: str, message: str, *, before: str | Sequence[str] | None = None, info: bool = False) -> Issue:
    value = before if before is None or isinstance(before, str) else ", ".join(before)
    return Issue(level="info" if info else "warning", code=CODE, message=message, field=field, value=value)
