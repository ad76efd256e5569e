"""The source's users as members of the target's workspace; pure."""

from collections.abc import Collection, Mapping

from freight.connectors.planning import issues
from freight.connectors.protocols import Issue
from freight.model.mapping import Mapping as JobMapping
from freight.model.schema import Schema


def resolve_default_owner(
    mapping: JobMapping, members: Mapping[str, str], target: str
) -> tuple[str | None, list[Issue]]:
    """Return the id of the default owner that the job names, or an issue if that is not a member.

    `members` are ids by e-mail address in lower case.
    """
    if mapping.default_owner is None:
        return None, []
    member_id = members.get(mapping.default_owner.strip().lower())
    return member_id, [] if member_id is not None else [issues.unknown_member(mapping.default_owner, target)]


def unmatched_users(schema: Schema, members: Collection[str], target: str) -> list[Issue]:
    """Return an issue for each user of the source whose e-mail address no member has."""
    if schema.users is None:
        return [issues.owners_not_checked(target)]
    return [
        issues.owner_without_member(user, target)
        for user in schema.users
        if (user.email or "").strip().lower() not in members
    ]
