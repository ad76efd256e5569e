"""Attribute values as Attio stores and returns them: each structure is its own JSON."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec


class Actor(msgspec.Struct, frozen=True, gc=False):
    """The author of a value."""

    type: str
    id: str | None


SYSTEM = Actor("system", None)


class Option(msgspec.Struct):
    """A select option; values refer to it, so a new title shows in them."""

    id: dict[str, str]
    title: str
    is_archived: bool = False

    @property
    def choice_id(self) -> str:
        """The option's own part of the composite id."""
        return self.id["option_id"]


class Status(Option):
    """A status; values refer to it, so a new title shows in them."""

    celebration_enabled: bool = False
    target_time_in_status: str | None = None

    @property
    def choice_id(self) -> str:
        """The status's own part of the composite id."""
        return self.id["status_id"]


class Value(msgspec.Struct, kw_only=True, frozen=True, gc=False, tag_field="attribute_type"):
    """The common part of all values. `active_until` is None while the value is the present one."""

    active_from: str
    active_until: str | None = None
    created_by_actor: Actor

    identity_fields: ClassVar[tuple[str, ...]] = ("value",)

    @property
    def identity(self) -> tuple[Any, ...]:
        """The parts in which equal values of an attribute agree. Attio compares unique text case-sensitively."""
        return tuple(getattr(self, name) for name in self.identity_fields)


class Text(Value, frozen=True, tag="text"):
    """Text."""

    value: str


class Number(Value, frozen=True, tag="number"):
    """A 64-bit number."""

    value: float | int


class Checkbox(Value, frozen=True, tag="checkbox"):
    """True or false."""

    value: bool


class Currency(Value, frozen=True, tag="currency"):
    """An amount; its currency is the attribute's."""

    currency_value: float | int
    currency_code: str

    identity_fields = ("currency_value",)


class Date(Value, frozen=True, tag="date"):
    """A day, `YYYY-MM-DD`."""

    value: str


class Timestamp(Value, frozen=True, tag="timestamp"):
    """A time in UTC with nanoseconds."""

    value: str


class Rating(Value, frozen=True, tag="rating"):
    """Zero to five stars."""

    value: int


class StatusValue(Value, frozen=True, tag="status"):
    """A selected status."""

    status: Status

    @property
    def identity(self) -> tuple[Any, ...]:
        """The status."""
        return (self.status.choice_id,)


class Select(Value, frozen=True, tag="select"):
    """A selected option."""

    option: Option

    @property
    def identity(self) -> tuple[Any, ...]:
        """The option."""
        return (self.option.choice_id,)


class RecordReference(Value, frozen=True, tag="record-reference"):
    """Another record; `target_object` is a slug."""

    target_object: str
    target_record_id: str

    identity_fields = ("target_record_id",)


class ActorReference(Value, frozen=True, tag="actor-reference"):
    """A workspace member, or the creator of a record."""

    referenced_actor_type: str
    referenced_actor_id: str | None

    identity_fields = ("referenced_actor_id",)


LOCATION_PARTS = (
    "line_1", "line_2", "line_3", "line_4", "locality", "region", "postcode", "country_code", "latitude", "longitude",
)  # fmt: skip


class Location(Value, frozen=True, tag="location"):
    """A place."""

    line_1: str | None
    line_2: str | None
    line_3: str | None
    line_4: str | None
    locality: str | None
    region: str | None
    postcode: str | None
    country_code: str | None
    latitude: str | None
    longitude: str | None

    identity_fields = LOCATION_PARTS


class Domain(Value, frozen=True, tag="domain"):
    """An internet domain, lower-case."""

    domain: str
    root_domain: str

    identity_fields = ("domain",)


class EmailAddress(Value, frozen=True, tag="email-address"):
    """An e-mail address; only the original keeps its upper case."""

    original_email_address: str
    email_address: str
    email_domain: str
    email_root_domain: str
    email_local_specifier: str

    identity_fields = ("email_address",)


class PhoneNumber(Value, frozen=True, tag="phone-number"):
    """A telephone number; `phone_number` is in the E.164 form."""

    original_phone_number: str
    country_code: str
    phone_number: str

    identity_fields = ("phone_number",)


class PersonalName(Value, frozen=True, tag="personal-name"):
    """A person's name."""

    first_name: str
    last_name: str
    full_name: str

    identity_fields = ("first_name", "last_name", "full_name")


FILTER_FIELDS: Mapping[str, tuple[str, ...]] = {
    "text": ("value",),
    "number": ("value",),
    "checkbox": ("value",),
    "currency": ("currency_value", "currency_code"),
    "date": ("value",),
    "timestamp": ("value",),
    "rating": ("value",),
    "status": ("status",),
    "select": ("option",),
    "record-reference": ("target_record_id", "target_object"),
    "actor-reference": ("referenced_actor_id", "referenced_actor_type"),
    "location": ("locality", "line_1", "line_2", "line_3", "line_4", "region", "postcode", "country_code"),
    "domain": ("domain", "root_domain"),
    "email-address": ("email_address", "email_domain", "email_root_domain", "email_local_specifier"),
    "phone-number": ("phone_number", "country_code"),
    "personal-name": ("full_name", "first_name", "last_name"),
    "interaction": ("interacted_at", "interaction_type"),
}
"""The fields that filters can name, by attribute type; the first one is the default."""
