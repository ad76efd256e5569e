"""Both sides, and what on one of them is what on the other."""

from typing import Any

from support.comparison.source import Row, Source
from support.comparison.target import OBJECTS, Attribute, Target, by_source_id, plain
from support.comparison.values import Known, read


class Sides:
    """A source and a target."""

    def __init__(self, source: Source, target: Target) -> None:
        self.source = source
        self.target = target
        self.rows = {"companies": source.companies, "people": source.people, "deals": source.deals}
        self.records = {entity: by_source_id(target.records[entity]) for entity in OBJECTS}
        self.known = Known(
            carried={
                (entity, source_id): records[0]["id"]["record_id"]
                for entity, found in self.records.items()
                for source_id, records in found.items()
            },
            source_ids=target.source_ids(),
            members=target.members,
        )
        self.list_ids = {row["api_slug"].rpartition("_affinity_")[2]: list_id for list_id, row in target.lists.items()}
        """The target's lists, by the id of the list that each was made of, with which its slug ends."""
        self._domains = {
            record["id"]["record_id"]: set(plain(record["values"], "domains")) for record in target.records["companies"]
        }

    def attributes(self, owner: str) -> list[Attribute]:
        """Return the attributes of `companies`, of `people`, or of what became of the list with this id."""
        return self.target.attributes.get(owner) or self.target.attributes.get(self.list_ids.get(owner, ""), [])

    def attribute(self, owner: str, field: Row) -> Attribute | None:
        """Return the attribute that was made of a field, as its description says; None if there is none, or several."""
        marked = [given for given in self.attributes(owner) if field_of(given) == field["id"]]
        return marked[0] if len(marked) == 1 else None

    def held(self, values: dict[str, Any], slug: str) -> list[Any]:
        """Return the values of an attribute in comparable terms."""
        return [read(value["attribute_type"], value, self.known) for value in values.get(slug, [])]

    def joined(self, person: dict[str, Any]) -> list[tuple[str, str]]:
        """Return the company that Attio itself joined a person to, the one with the domain of an e-mail address of
        theirs."""
        domains = {email.rpartition("@")[2] for email in plain(person, "email_addresses")}
        return [
            self.known.source_ids[value["target_record_id"]]
            for value in person.get("company", [])
            if self._domains[value["target_record_id"]] & domains
        ]


def field_of(attribute: Attribute) -> str:
    """Return the id of the field that an attribute was made of, with which its description ends; empty for none."""
    return (attribute.description.split() or [""])[-1]
