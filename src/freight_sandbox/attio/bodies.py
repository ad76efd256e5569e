"""Request bodies: their shapes, and Attio's complaint about one that has another."""

import re
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from freight_sandbox.attio.errors import AttioError, Path, malformed, refused, unrecognised
from freight_sandbox.attio.schema import AccessLevel, DefaultValue, MemberAccess

T = TypeVar("T")
NonEmpty = Annotated[str, Meta(min_length=1)]
CreatableType = Literal[
    "text", "number", "checkbox", "currency", "date", "timestamp", "rating", "status", "select", "record-reference",
    "actor-reference", "location", "domain", "email-address", "phone-number",
]  # fmt: skip
CurrencyCode = Literal[
    "ARS", "AUD", "BRL", "BGN", "CAD", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "FJD", "GHS", "HKD", "HUF",
    "ISK", "INR", "IDR", "ILS", "JPY", "KES", "KRW", "MYR", "MXN", "NTD", "NZD", "NGN", "NOK", "OMR", "XPF", "PEN",
    "PHP", "PLN", "GBP", "QAR", "RWF", "SAR", "SGD", "ZAR", "SEK", "CHF", "THB", "TRY", "AED", "UYU", "USD",
]  # fmt: skip
"""Attio's own list; Taiwan's dollar is NTD in it. Four are known from clients and not from the specification."""


class Data(msgspec.Struct, Generic[T]):
    """Nearly every body is wrapped like this."""

    data: T


class Values(msgspec.Struct, forbid_unknown_fields=True):
    """A record to be written."""

    values: dict[str, Any]


class CurrencyConfig(msgspec.Struct):
    """How a currency attribute shows its amounts."""

    default_currency_code: CurrencyCode
    display_type: Literal["code", "name", "narrowSymbol", "symbol"]


class RecordReferenceConfig(msgspec.Struct):
    """What a record reference may point to: slugs or ids of objects."""

    allowed_objects: Annotated[list[str], Meta(min_length=1)] | None = None


class Config(msgspec.Struct):
    """What only some types of attributes have."""

    currency: CurrencyConfig | None = None
    record_reference: RecordReferenceConfig | None = None


class Relationship(msgspec.Struct, forbid_unknown_fields=True):
    """The other side of a new relationship."""

    object: str
    title: NonEmpty
    api_slug: NonEmpty
    is_multiselect: bool


class NewAttribute(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An attribute to be made."""

    title: NonEmpty
    description: str | None
    api_slug: NonEmpty
    type: CreatableType
    is_required: bool
    is_unique: bool
    is_multiselect: bool
    config: Config
    default_value: DefaultValue | None = None
    relationship: Relationship | None = None


class AttributeChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What shall change on an attribute."""

    title: NonEmpty | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    api_slug: NonEmpty | UnsetType = UNSET
    is_required: bool | UnsetType = UNSET
    is_unique: bool | UnsetType = UNSET
    default_value: DefaultValue | UnsetType | None = UNSET
    config: Config | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


class NewOption(msgspec.Struct):
    """A select option to be made."""

    title: NonEmpty


class OptionChange(msgspec.Struct):
    """What shall change on a select option."""

    title: NonEmpty | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


class NewStatus(msgspec.Struct):
    """A status to be made."""

    title: NonEmpty
    celebration_enabled: bool = False
    target_time_in_status: str | None = None


class StatusChange(msgspec.Struct):
    """What shall change on a status."""

    title: NonEmpty | UnsetType = UNSET
    celebration_enabled: bool | UnsetType = UNSET
    target_time_in_status: str | UnsetType | None = UNSET
    is_archived: bool | UnsetType = UNSET


class NewObject(msgspec.Struct, forbid_unknown_fields=True):
    """An object to be made."""

    api_slug: NonEmpty
    singular_noun: NonEmpty
    plural_noun: NonEmpty


class ObjectChange(msgspec.Struct, forbid_unknown_fields=True):
    """What shall change on an object."""

    api_slug: NonEmpty | UnsetType = UNSET
    singular_noun: NonEmpty | UnsetType = UNSET
    plural_noun: NonEmpty | UnsetType = UNSET


class NewList(msgspec.Struct, forbid_unknown_fields=True):
    """A list to be made."""

    name: NonEmpty
    api_slug: NonEmpty
    parent_object: str
    workspace_access: AccessLevel | None
    workspace_member_access: list[MemberAccess]


class ListChange(msgspec.Struct, forbid_unknown_fields=True):
    """What shall change on a list."""

    name: NonEmpty | UnsetType = UNSET
    api_slug: NonEmpty | UnsetType = UNSET
    workspace_access: AccessLevel | UnsetType | None = UNSET
    workspace_member_access: list[MemberAccess] | UnsetType = UNSET


class NewEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A list entry to be written, by the record that it stands for."""

    parent_record_id: str
    parent_object: str
    entry_values: dict[str, Any]


class EntryChange(msgspec.Struct, forbid_unknown_fields=True):
    """What shall change on a list entry; another parent is refused."""

    entry_values: dict[str, Any]
    parent_record_id: str | UnsetType = UNSET
    parent_object: str | UnsetType = UNSET


def decode(body: bytes, shape: type[T]) -> T:
    """The body in that shape. Raises `AttioError`."""
    try:
        return msgspec.json.decode(body or b"null", type=shape)
    except msgspec.ValidationError as error:
        raise _complaint(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refused("The request body is not valid JSON.") from None


def _complaint(message: str) -> AttioError:
    """Attio's form of msgspec's message, such as "Object missing required field `title` - at `$.data`"."""
    reason, _, place = message.partition(" - at `$")
    path = _path(place.rstrip("`"))
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", reason):
        return malformed((*path, missing[1]), "a value")
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", reason):
        return unrecognised(path, [unknown[1]])
    return AttioError(
        400,
        "validation_type",
        "Body payload validation error.",
        validation_errors=[{"code": "invalid_type", "path": list(path), "message": reason}],
    )


def _path(text: str) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[\w-]+", text) if part != "")
