"""Schema: the structure of a source, as needed before any record is read."""

import msgspec

from freight.model.crm import Entity, List
from freight.model.fields import Fact, Field, PersonRef


class Schema(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields, lists and users of a workspace."""

    companies: tuple[Field, ...] = ()
    """Fields of companies other than the standard facts of `freight.model.crm.Company`."""
    people: tuple[Field, ...] = ()
    """The same of people."""
    facts: dict[Entity, tuple[Fact, ...]] = {}
    """What the source calls the standard parts of records."""
    lists: tuple[List, ...] = ()
    users: tuple[PersonRef, ...] | None = None
    """The internal users; None if the source does not list them."""
    own_domains: tuple[str, ...] = ()
    """The firm's own e-mail domains."""
    counts: dict[Entity, int] = {}
    """The numbers of records according to the source, where it gives them."""
    uncarried: dict[str, int] = {}
    """Counts of what is not written to any target, by a code such as `saved_views`."""

    def fields_of(self, owner: str) -> tuple[Field, ...]:
        """Return the fields of `companies`, of `people`, or of the list with this id."""
        if owner == "companies":
            return self.companies
        if owner == "people":
            return self.people
        return next((given.fields for given in self.lists if given.id == owner), ())
