"""Schema: what a source can hold, as far as it must be known before any record is read."""

import msgspec

from freight.model.crm import Entity, List
from freight.model.fields import Fact, Field, PersonRef


class Schema(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields, lists and users of a workspace."""

    companies: tuple[Field, ...] = ()
    """Fields of companies that are none of the standard facts of `freight.model.crm.Company`."""
    people: tuple[Field, ...] = ()
    """The same of people."""
    facts: dict[Entity, tuple[Fact, ...]] = {}
    """What the source calls the standard parts of records."""
    lists: tuple[List, ...] = ()
    users: tuple[PersonRef, ...] | None = None
    """The firm's own people; None where the source does not say."""
    own_domains: tuple[str, ...] = ()
    """The firm's own e-mail domains."""
    counts: dict[Entity, int] = {}
    """How many records the source says it holds, as far as it says."""
    uncarried: dict[str, int] = {}
    """What no target is written, counted by a code, as `saved_views`."""

    def fields_of(self, owner: str) -> tuple[Field, ...]:
        """The fields of `companies`, of `people`, or of the list with this id."""
        if owner == "companies":
            return self.companies
        if owner == "people":
            return self.people
        return next((given.fields for given in self.lists if given.id == owner), ())
