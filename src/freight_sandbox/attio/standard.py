"""The standard objects of a new workspace and the initial attributes of lists, as Attio documents them."""

from freight_sandbox.attio.schema import AttioObject, Attribute, AttributeType, DefaultValue

INTERACTIONS = (
    ("first_calendar_interaction", "First calendar interaction"),
    ("last_calendar_interaction", "Last calendar interaction"),
    ("next_calendar_interaction", "Next calendar interaction"),
    ("first_email_interaction", "First email interaction"),
    ("last_email_interaction", "Last email interaction"),
    ("first_interaction", "First interaction"),
    ("last_interaction", "Last interaction"),
    ("next_interaction", "Next interaction"),
)
SOCIAL = {
    "angellist": "AngelList",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "linkedin": "LinkedIn",
    "twitter": "Twitter",
}
"""Titles of the attributes for social profiles, as recorded."""
DISABLED_OBJECTS = frozenset({"deals", "users", "workspaces"})
"""Objects that only an admin can enable."""
DEAL_STAGES = ("Lead", "In Progress", "Won 🎉", "Lost")


def standard_objects(*, deals_enabled: bool) -> list[AttioObject]:
    """Return companies and people, and deals if an admin has enabled them."""
    companies, people, deals = _companies(), _people(), _deals()
    _relate(companies, "team", people, "company")
    objects = [companies, people]
    if deals_enabled:
        companies.add(_reference("associated_deals", "Associated deals", "deals"))
        people.add(_reference("associated_deals", "Associated deals", "deals"))
        _relate(deals, "associated_company", companies, "associated_deals")
        _relate(deals, "associated_people", people, "associated_deals")
        objects.append(deals)
    return objects


def _companies() -> AttioObject:
    return AttioObject(
        "companies",
        "Company",
        "Companies",
        [
            *_common(),
            Attribute(slug="domains", title="Domains", type="domain", is_unique=True, is_multiselect=True),
            _text("name", "Name"),
            _text("description", "Description"),
            _reference("team", "Team", "people"),
            Attribute(slug="categories", title="Categories", type="select", is_multiselect=True),
            Attribute(slug="primary_location", title="Primary location", type="location"),
            *(_text(slug, title) for slug, title in SOCIAL.items()),
            _read_only("logo_url", "Logo URL", "text"),
            _read_only("twitter_follower_count", "Twitter follower count", "number"),
            _read_only("foundation_date", "Foundation date", "date"),
            _read_only("estimated_arr_usd", "Estimated ARR", "select"),
            _read_only("funding_raised_usd", "Funding raised", "currency"),
            _read_only("employee_range", "Employee range", "select"),
            *_relations(),
            _reference("associated_workspaces", "Associated workspaces", "workspaces"),
        ],
    )


def _people() -> AttioObject:
    return AttioObject(
        "people",
        "Person",
        "People",
        [
            *_common(),
            Attribute(
                slug="email_addresses", title="Email addresses", type="email-address", is_unique=True,
                is_multiselect=True,
            ),
            Attribute(slug="name", title="Name", type="personal-name"),
            _reference("company", "Company", "companies", multiple=False),
            _text("description", "Description"),
            _text("job_title", "Job title"),
            _read_only("avatar_url", "Avatar URL", "text"),
            Attribute(slug="phone_numbers", title="Phone numbers", type="phone-number", is_multiselect=True),
            Attribute(slug="primary_location", title="Primary location", type="location"),
            *(_text(slug, title) for slug, title in SOCIAL.items()),
            _read_only("twitter_follower_count", "Twitter follower count", "number"),
            *_relations(),
            _reference("associated_users", "Associated users", "users"),
        ],
    )  # fmt: skip


def _deals() -> AttioObject:
    return AttioObject(
        "deals",
        "Deal",
        "Deals",
        [
            *_common(),
            Attribute(slug="name", title="Deal name", type="text", is_required=True),
            Attribute(slug="stage", title="Deal stage", type="status", is_required=True),
            Attribute(slug="owner", title="Deal owner", type="actor-reference", is_required=True),
            Attribute(
                slug="value", title="Deal value", type="currency",
                currency={"default_currency_code": "USD", "display_type": "symbol"},
            ),
            _reference("associated_people", "Associated people", "people"),
            _reference("associated_company", "Associated company", "companies", multiple=False),
        ],
    )  # fmt: skip


def custom_attributes() -> list[Attribute]:
    """Return the initial attributes of a custom object."""
    return [*_common(), Attribute(slug="name", title="Name", type="text", is_system=False)]


def list_attributes(parent_object: str) -> list[Attribute]:
    """Return the initial attributes of a list."""
    return [
        Attribute(slug="entry_id", title="Entry ID", type="text", is_writable=False, is_unique=True),
        Attribute(
            slug="parent_record", title="Record", type="record-reference", is_writable=False,
            allowed_objects=[parent_object],
        ),
        *_creation(),
    ]  # fmt: skip


def _common() -> list[Attribute]:
    return [
        Attribute(slug="record_id", title="Record ID", type="text", is_writable=False, is_unique=True),
        *_creation(),
    ]


def _creation() -> list[Attribute]:
    return [
        _read_only("created_at", "Created at", "timestamp", DefaultValue("dynamic", "PT0S")),
        _read_only("created_by", "Created by", "actor-reference", DefaultValue("dynamic", "current-user")),
    ]


def _relations() -> list[Attribute]:
    return [
        *(_read_only(slug, title, "interaction") for slug, title in INTERACTIONS),
        _read_only("strongest_connection_strength_legacy", "Connection strength (legacy)", "number"),
        _read_only("strongest_connection_strength", "Connection strength", "select"),
        _read_only("strongest_connection_user", "Strongest connection", "actor-reference"),
    ]


def _text(slug: str, title: str) -> Attribute:
    return Attribute(slug=slug, title=title, type="text")


def _read_only(
    slug: str, title: str, attribute_type: AttributeType, default_value: DefaultValue | None = None
) -> Attribute:
    return Attribute(slug=slug, title=title, type=attribute_type, is_writable=False, default_value=default_value)


def _reference(slug: str, title: str, object_slug: str, *, multiple: bool = True) -> Attribute:
    return Attribute(
        slug=slug, title=title, type="record-reference", is_multiselect=multiple, allowed_objects=[object_slug]
    )


def _relate(first: AttioObject, first_slug: str, second: AttioObject, second_slug: str) -> None:
    one, other = first.attribute(first_slug), second.attribute(second_slug)
    one.inverse, other.inverse = (second.slug, other.id), (first.slug, one.id)
