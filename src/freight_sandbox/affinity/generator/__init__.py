"""A generated Affinity workspace: every row is derived from the seed and its position, so none is stored."""

import random

from freight_sandbox.affinity.generator.activity import Files, Notes, Reminders
from freight_sandbox.affinity.generator.fields import (
    COMPANY_CUSTOM,
    COMPANY_FIELDS,
    COMPANY_LAST_CONTACT,
    PERSON_CUSTOM,
    PERSON_FIELDS,
    PERSON_LAST_CONTACT,
)
from freight_sandbox.affinity.generator.lists import Entries, Layout, Lists, Opportunities
from freight_sandbox.affinity.generator.people_graph import Enlarged, PeopleGraph
from freight_sandbox.affinity.generator.records import Companies, Persons
from freight_sandbox.affinity.generator.values import last_contact, make_values
from freight_sandbox.affinity.rows import Field, FieldDefinition
from freight_sandbox.affinity.workspace import Contents, Workspace

__all__ = ["COMPANY_FIELDS", "PERSON_FIELDS", "Companies", "Persons", "generate_workspace"]


def generate_workspace(
    seed: int,
    companies: int,
    people: int,
    *,
    opportunities: int = 0,
    lists: int = 0,
    entries: int = 0,
    notes: int = 0,
    reminders: int = 0,
    files: int = 0,
    custom_fields: bool = False,
) -> Workspace:
    """Return a workspace with that many rows of each collection; the first few persons are its users.

    There are never fewer entries than opportunities on lists that the key has access to. With `custom_fields`,
    companies and persons have a field of every value type.
    """
    made_companies = Companies(seed, companies)
    made_persons = Persons(seed, people, made_companies)
    graph = PeopleGraph(made_companies, made_persons)
    layout = Layout(lists, opportunities, entries, companies, len(graph.outsiders))
    made_opportunities = Opportunities(seed, layout, graph)
    made_entries = Entries(seed, layout, graph)
    deals = made_opportunities.ids
    more = _Further(seed, graph)
    return Workspace(
        Contents(
            companies=Enlarged(made_companies, more.of_company) if custom_fields else made_companies,
            persons=Enlarged(made_persons, more.of_person) if custom_fields else made_persons,
            users=graph.users,
            opportunities=made_opportunities,
            lists=Lists(layout, graph),
            list_entries=made_entries,
            notes=Notes(seed, notes, graph, deals),
            reminders=Reminders(seed, reminders, graph, deals),
            files=Files(seed, files, graph, deals),
            fields=[*COMPANY_FIELDS, *PERSON_FIELDS, *(FURTHER if custom_fields else ()), *made_entries.fields],
        )
    )


FURTHER: tuple[FieldDefinition, ...] = (COMPANY_LAST_CONTACT, *COMPANY_CUSTOM, PERSON_LAST_CONTACT, *PERSON_CUSTOM)


class _Further:
    """The additional fields of companies and persons."""

    def __init__(self, seed: int, graph: PeopleGraph) -> None:
        self._seed = seed
        self._graph = graph

    def of_company(self, row_id: int) -> list[Field]:
        return self._make(row_id, COMPANY_LAST_CONTACT, COMPANY_CUSTOM)

    def of_person(self, row_id: int) -> list[Field]:
        return self._make(row_id, PERSON_LAST_CONTACT, PERSON_CUSTOM)

    def _make(self, row_id: int, contact: FieldDefinition, custom: tuple[FieldDefinition, ...]) -> list[Field]:
        chance = random.Random(f"{self._seed} further {row_id}")  # noqa: S311
        contacted = contact.holding(last_contact(chance, self._graph.user(chance)))
        return [contacted, *make_values(custom, chance, self._graph)]
