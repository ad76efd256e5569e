"""The fields of generated workspaces: those that Affinity fills, and custom ones of every value type."""

from collections.abc import Iterable, Sequence

from freight_sandbox.affinity.generator.word_lists import COMPANY_SECOND_WORDS, INDUSTRIES, SECTORS
from freight_sandbox.affinity.rows import DropdownOption, Entity, FieldDefinition

FIRST_SECTOR_ID = 6000
COMPANY_FIELD_NUMBER = 3110
PERSON_FIELD_NUMBER = 3210
LIST_FIELD_NUMBER = 10_000
"""The number of the first custom field of each entity and, with its position added, of a list."""
FIELDS_OF_A_LIST = 100
OPTIONS_OF_A_FIELD = 1000

STATUSES = (
    ("New", "gray"), ("Contacted", "blue"), ("Due Diligence", "yellow"), ("Term Sheet", "orange"), ("Won", "green"),
    ("Lost", "red"), ("On Hold", "purple"),
)  # fmt: skip
UNUSED_STATUS = "On Hold"
STAGES = ("Pre-Seed", "Seed", "Series A", "Series B", "Growth", "Public")
LIST_THEMES = INDUSTRIES
THEMES = tuple(f"{industry}: {word}" for industry in INDUSTRIES for word in COMPANY_SECOND_WORDS)

CUSTOM = (
    ("Thesis", "text"),
    ("Account Code", "filterable-text"),
    ("Tags", "filterable-text-multi"),
    ("Deal Size", "number"),
    ("Ownership History", "number-multi"),
    ("Next Review", "datetime"),
    ("Headquarters", "location"),
    ("Regions", "location-multi"),
    ("Stage", "dropdown"),
    ("Themes", "dropdown-multi"),
    ("Status", "ranked-dropdown"),
    ("Introduced By", "person"),
    ("Owners", "person-multi"),
    ("Parent Company", "company"),
    ("Co-Investors", "company-multi"),
    ("Weighted Score", "formula-number"),
    # A custom field can have the same name as one of Affinity's own.
    ("Description", "text"),
)
OWNERS = "Owners"


def _enriched(entity: Entity, name: str, title: str, value_type: str, source: str = "affinity-data") -> FieldDefinition:
    return FieldDefinition(entity, f"{source}-{name}", title, "enriched", source, value_type)


def _own(entity: Entity, number: int, title: str, value_type: str, list_id: int | None = None) -> FieldDefinition:
    return FieldDefinition(
        entity=entity,
        id=f"field-{number}",
        name=title,
        type="global" if list_id is None else "list",
        enrichment_source=None,
        value_type=value_type,
        list_id=list_id,
        dropdown_options=_options(number, value_type, THEMES if list_id is None else LIST_THEMES),
    )


def _options(number: int, value_type: str, themes: Sequence[str]) -> tuple[DropdownOption, ...]:
    first_id = number * OPTIONS_OF_A_FIELD + 1
    if value_type == "ranked-dropdown":
        ranked = enumerate(STATUSES)
        return tuple(DropdownOption(first_id + rank, text, rank, color) for rank, (text, color) in ranked)
    texts: Iterable[str] = {"dropdown": STAGES, "dropdown-multi": themes}.get(value_type, ())
    return tuple(DropdownOption(first_id + place, text) for place, text in enumerate(texts))


def custom_fields(entity: Entity, first_number: int, list_id: int | None = None) -> tuple[FieldDefinition, ...]:
    """Return a field of every value type that a customer can choose, for an entity or a list."""
    return tuple(
        _own(entity, first_number + place, title, value_type, list_id)
        for place, (title, value_type) in enumerate(CUSTOM)
    )


DESCRIPTION = _enriched("company", "description", "Description", "text")
INDUSTRY = _enriched("company", "industry", "Industry", "filterable-text-multi")
INDUSTRY_AGAIN = _enriched("company", "industry", "Industry", "filterable-text-multi", "dealroom")
LINKEDIN = _enriched("company", "linkedin-url", "LinkedIn URL", "text")
LOCATION = _enriched("company", "location", "Location", "location")
EMPLOYEES = _enriched("company", "number-of-employees", "Number of Employees", "number")
FOUNDED = _enriched("company", "year-founded", "Year Founded", "number")
COMPANY_SECTOR = FieldDefinition(
    "company", "field-3101", "Sector", "global", None, "dropdown",
    dropdown_options=tuple(DropdownOption(FIRST_SECTOR_ID + place, text) for place, text in enumerate(SECTORS)),
)  # fmt: skip
COMPANY_OFFICES = _own("company", 3102, "Offices", "location-multi")
COMPANY_FIELDS = (
    DESCRIPTION, INDUSTRY, INDUSTRY_AGAIN, LINKEDIN, LOCATION, EMPLOYEES, FOUNDED, COMPANY_SECTOR, COMPANY_OFFICES,
)  # fmt: skip

JOB_TITLE = _enriched("person", "current-job-title", "Current Job Title", "filterable-text")
PAST_TITLES = _enriched("person", "job-titles", "Job Titles", "filterable-text-multi")
ORGANIZATION = _enriched("person", "current-organization", "Current Organization", "company")
PHONE = _enriched("person", "phone-number", "Phone Number", "filterable-text-multi")
PERSON_LOCATION = _enriched("person", "location", "Location", "location")
PERSON_INDUSTRY = _enriched("person", "industry", "Industry", "filterable-text-multi")
PERSON_LINKEDIN = _enriched("person", "linkedin-url", "LinkedIn URL", "text")
PERSON_OFFICES = _own("person", 3201, "Location", "location-multi")
MET_AT = _own("person", 3202, "Met at", "text")
PERSON_FIELDS = (
    JOB_TITLE, PAST_TITLES, ORGANIZATION, PHONE, PERSON_LOCATION, PERSON_INDUSTRY, PERSON_LINKEDIN, PERSON_OFFICES,
    MET_AT,
)  # fmt: skip


def _last_contact(entity: Entity) -> FieldDefinition:
    return FieldDefinition(entity, "last-contact", "Last Contact", "relationship-intelligence", None, "interaction")


COMPANY_LAST_CONTACT = _last_contact("company")
PERSON_LAST_CONTACT = _last_contact("person")
COMPANY_CUSTOM = custom_fields("company", COMPANY_FIELD_NUMBER)
PERSON_CUSTOM = custom_fields("person", PERSON_FIELD_NUMBER)


def list_fields(entity: Entity, list_id: int, place: int) -> Sequence[FieldDefinition]:
    """Return the own fields of the list at a position."""
    return custom_fields(entity, LIST_FIELD_NUMBER + place * FIELDS_OF_A_LIST, list_id)
