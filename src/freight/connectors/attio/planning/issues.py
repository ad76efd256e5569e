"""Issues that the precheck finds in an Attio workspace."""

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.standard import ManagedAttribute
from freight.connectors.planning.issues import advisory, blocker, quoted, records_of
from freight.connectors.protocols import Issue
from freight.model.crm import List


def scope_missing(scope: str) -> Issue:
    """Return the issue of a scope that the key lacks."""
    return blocker(
        "scope_missing",
        f"The Attio API key lacks the scope {scope}: ask an admin to grant it in Attio under Workspace settings, "
        f"Developers, in the settings of the key. Then create the job again.",
        value=scope,
    )


def deals_disabled() -> Issue:
    """Return the issue of a workspace without deals."""
    return blocker(
        "deals_disabled",
        "Deals are switched off in this Attio workspace, and no API can switch them on: ask an admin to do that in "
        "Attio under Workspace settings, Objects, Deals, or remove deals from the entities of the job.",
        field="entities",
    )


def list_needs_deals(given: List) -> Issue:
    """Return the warning of a list of deals in a workspace without deals."""
    return advisory(
        "list_needs_deals",
        f"The list {quoted(given)} holds deals, and these are switched off in this Attio workspace: the list "
        "and its entries are left out. To migrate it, ask an admin to switch deals on in Attio under Workspace "
        "settings, Objects, Deals.",
        field=f"lists.{given.id}",
        value=given.name,
    )


def own_attribute_incompatible(owner: str, added: ManagedAttribute) -> Issue:
    """Return the issue of an attribute of the firm with a slug that Freight needs."""
    kind = f"{'a unique' if added.unique else 'a'} {added.type}{' with several values' if added.multiple else ''}"
    return blocker(
        "attribute_incompatible",
        f"In Attio {records_of(owner)} have an attribute {added.slug} which is not {kind} that can be written. "
        f"Freight needs that slug: give the attribute another slug in Attio and create the job again.",
        field=added.slug,
    )


def attribute_demanded(owner: str, attribute: Attribute) -> Issue:
    """Return the warning of an attribute that requires a value which the source may not have."""
    return advisory(
        "attribute_demanded",
        f"Attio requires that {records_of(owner)} have a value for {attribute.title or attribute.slug}: records "
        f"without one will fail. Make the attribute optional in Attio, or map a field to it that always has a value.",
        field=attribute.slug,
        value=attribute.title or attribute.slug,
    )


def no_deal_owner() -> Issue:
    """Return the issue of deals that may have no owner, which Attio requires."""
    return blocker(
        "no_deal_owner",
        "In Attio every deal must have an owner, and Attio does not name the creator of this API key. Name the e-mail "
        "address "
        "of a member as `default_owner` in the mapping, to own the deals whose owner is not a member.",
        field="default_owner",
    )
