"""What the precheck says of an Attio workspace, each with the sentence that tells what to do."""

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.standard import ManagedAttribute
from freight.connectors.planning.issues import advisory, blocker, quoted, records_of
from freight.connectors.protocols import Issue
from freight.model.crm import List


def scope_missing(scope: str) -> Issue:
    """Say that the key lacks a scope."""
    return blocker(
        "scope_missing",
        f"The Attio API key lacks the scope {scope}: an admin grants it in Attio under Workspace settings, Developers, "
        "in the settings of the key. Then create the job again.",
        value=scope,
    )


def deals_disabled() -> Issue:
    """Say that the workspace has no deals."""
    return blocker(
        "deals_disabled",
        "Deals are switched off in this Attio workspace, and no API can switch them on: an admin does that in Attio "
        "under Workspace settings, Objects, Deals. Or leave deals out of the entities of the job.",
        field="entities",
    )


def list_needs_deals(given: List) -> Issue:
    """Say that a list holds deals and the workspace has none."""
    return advisory(
        "list_needs_deals",
        f"The list {quoted(given)} holds deals, and these are switched off in this Attio workspace: the list "
        "and its entries are left out. An admin can switch deals on in Attio under Workspace settings, Objects, Deals.",
        field=f"lists.{given.id}",
        value=given.name,
    )


def own_attribute_incompatible(owner: str, added: ManagedAttribute) -> Issue:
    """Say that an attribute of the firm has a slug that Freight needs."""
    kind = f"{'a unique' if added.unique else 'a'} {added.type}{' with several values' if added.multiple else ''}"
    return blocker(
        "attribute_incompatible",
        f"In Attio {records_of(owner)} have an attribute {added.slug} which is not {kind} that can be written. Freight "
        "needs that slug for itself: give the attribute another slug in Attio and create the job again.",
        field=added.slug,
    )


def attribute_demanded(owner: str, attribute: Attribute) -> Issue:
    """Say that no record can be made without a value that the source may not have."""
    return advisory(
        "attribute_demanded",
        f"Attio demands that {records_of(owner)} have a value for {attribute.title or attribute.slug}: those that come "
        "without one will fail. Make the attribute optional in Attio, or send a field to it that always has a value.",
        field=attribute.slug,
        value=attribute.title or attribute.slug,
    )


def no_deal_owner() -> Issue:
    """Say that deals may have no owner, whom Attio demands."""
    return blocker(
        "no_deal_owner",
        "In Attio every deal must have an owner, and Attio does not say who made this API key. Name the e-mail address "
        "of a member as `default_owner` in the mapping, to own the deals whose owner is not a member.",
        field="default_owner",
    )
