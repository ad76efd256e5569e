"""The specification of Affinity."""

from typing import Annotated

from msgspec import Meta

from freight.connectors.codes import Code, coded
from freight.connectors.spec import ApiKey, Configuration, ConnectorSpec, NotMigrated, Rate, SourceRole


class AffinityConfiguration(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An Affinity account."""

    api_key: Annotated[ApiKey, Meta(description="An Affinity API key, preferably of an administrator.")]


CODES = {
    **coded("interpreted", "damaged_text", "date_uncertain", "file_size_differs"),
    **coded("interpreted", "unknown_person_type", level="info"),
    **coded("not_writable", "association_left_out", "not_writable", level="info"),
    **coded("unknown", "field_type_changed", "unknown_value_type", "unreadable_value"),
    **coded("not_shown", "list_hidden", "list_read_before", "not_all_read", "values_cut_off"),
    **coded("not_shown", "list_forbidden", "list_gone", level="error"),
    **coded("job", "definitions_refused", "unknown_list_type"),
    **coded("job", "fields_refused", level="error"),
    **coded("job", "list_not_chosen", level="info"),
    "hidden_at_source": Code(
        section="not_shown", advice="Give the user of the source's key access to these, and run the job again."
    ),
    "unreadable_row": Code(
        level="error", advice="The source returned these in a form that Freight does not know. Enter them by hand."
    ),
}

NOT_MIGRATED = {
    "saved_views": NotMigrated(
        message="The API of the target cannot create saved views. Set up there those that you need."
    ),
    "relationship_intelligence": NotMigrated(
        message="Records with values that the source computed from mailboxes and calendars. The target computes its "
        "own, which cannot be written.",
        counted_by="not_writable",
    ),
    "interactions": NotMigrated(
        message="E-mails, meetings and calls are not read: they cannot be written to the target, which reads them "
        "itself from mailboxes and calendars. Connect these there.",
        is_read=False,
    ),
    "relationship_strength": NotMigrated(
        message="Relationship strength is not read: the target computes its own from mailboxes and calendars.",
        is_read=False,
    ),
}

SPEC = ConnectorSpec(
    system="affinity",
    label="Affinity",
    base_url="https://api.affinity.co",
    hosts=frozenset({"api.affinity.co"}),
    # docs/vendors/affinity.md: 900 requests a minute and user.
    rates={"read": Rate(requests=900, seconds=60, setting="affinity_requests_per_minute")},
    codes=CODES,
    source=SourceRole(
        configuration=AffinityConfiguration, deal="opportunity", task="reminder", not_migrated=NOT_MIGRATED
    ),
)
