"""The specification of Attio."""

from typing import Annotated

from msgspec import Meta

from freight.connectors.attio.standard import CAPABILITIES
from freight.connectors.codes import Code, coded
from freight.connectors.protocols import MADE_BY_TARGET
from freight.connectors.spec import ApiKey, ConnectorSpec, Rate, TargetConfiguration, TargetRole


class AttioConfiguration(TargetConfiguration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An Attio workspace."""

    api_key: Annotated[ApiKey, Meta(description="An Attio access token.")]


CODES = {
    **coded(
        "not_writable",
        "continent_not_carried",
        "date_not_carried",
        "phone_extension_dropped",
        "recurrence_not_carried",
        "remark_left_out",
    ),
    **coded(
        "not_writable",
        "completion_date_not_carried",
        "equal_values_left_out",
        "page_left_out",
        "unit_left_out",
        level="info",
    ),
    **coded("owners", "owner_replaced"),
    **coded(
        "members", "internal_person_in_deal", "internal_person_in_field", "internal_person_in_task", "not_a_member"
    ),
    **coded("interpreted", "phone_country_assumed", "phone_rewritten", "rounded", level="info"),
    **coded(
        "refused",
        "ambiguous_number",
        "free_mail_domain",
        "invalid_domain",
        "invalid_email",
        "invalid_phone_number",
        "profile_not_a_domain",
        "shared_domain",
        "unknown_country",
        "unknown_option",
        "value_not_convertible",
        "value_too_long",
        "value_truncated",
    ),
    **coded("defaults", "name_defaulted", "owner_defaulted", "stage_defaulted", level="info"),
    **coded("references", "link_not_kept", "reference_not_found"),
    **coded("further_values", "replaced_by_field"),
    **coded("job", "deals_disabled", "no_deal_owner", "scope_missing", level="error"),
    **coded("job", "list_needs_deals"),
    "file_too_large": Code(
        advice="The target accepts no files of this size. Store them elsewhere and put links to them in the target."
    ),
    "list_not_carried": Code(
        level="info",
        advice="The job does not migrate the list of these. Select it in the mapping if you want it.",
    ),
    MADE_BY_TARGET: Code(
        level="info",
        section="apart",
        advice="They have no id of the source, and the target guesses their names. When the source gets a "
        "company with one of these domains, a later job recognises the company in the target, adds what it lacks and "
        "gives it the id. Delete in the target those that you do not want. Domains of e-mail providers are not "
        "counted, because the target creates no companies for them.",
    ),
}

SPEC = ConnectorSpec(
    system="attio",
    label="Attio",
    base_url="https://api.attio.com",
    hosts=frozenset({"api.attio.com"}),
    # docs/vendors/attio.md: 100 reads and 25 writes a second; limits of their own for notes' lists and for uploads.
    rates={
        "read": Rate(requests=100, setting="attio_reads_per_second"),
        "write": Rate(requests=25, setting="attio_writes_per_second", is_read=False),
        "note_list": Rate(requests=10, unpaced_with="read"),
        "upload": Rate(requests=1, unpaced_with="write", is_read=False),
    },
    codes=CODES,
    target=TargetRole(
        configuration=AttioConfiguration,
        unique={"companies": "domains", "people": "emails", "list_entries": "parent"},
        keyless=frozenset({"notes", "tasks", "files"}),
        capabilities=CAPABILITIES,
        records_per_query=100,
    ),
)
