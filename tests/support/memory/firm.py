"""A small firm in the in-memory source: something of every entity, with references in every direction."""

from datetime import UTC, datetime

from freight.model.crm import Company, Deal, File, List, ListEntry, Note, Person, Reply, Task
from freight.model.fields import CompanyRef, Field, Location, Option, PersonRef
from freight.model.schema import Schema
from support.memory.workspaces import SourceWorkspace

THEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
COLLEAGUE = PersonRef(id="u1", name="Colleague", email="colleague@firm.example", internal=True)

SECTORS = (Option(id="1", text="Grain"), Option(id="2", text="Tin"))
STAGES = (Option(id="1", text="New"), Option(id="2", text="Won"))

SCHEMA = Schema(
    companies=(
        Field(id="10", name="Sector", type="select", options=SECTORS),
        Field(id="11", name="Founders", type="person", multiple=True),
        Field(id="12", name="Parent", type="company"),
        Field(id="13", name="Seats", type="number"),
    ),
    people=(Field(id="20", name="Met", type="date"),),
    lists=(
        List(id="1", name="Pipeline", of="deals", fields=(
            Field(id="30", name="Stage", type="status", options=STAGES),
        )),
        List(id="2", name="Watched", of="companies", fields=(Field(id="40", name="Why", type="text"),)),
    ),
    users=(COLLEAGUE,),
)  # fmt: skip


def fill(workspace: SourceWorkspace, *, companies: int = 3) -> None:
    """Put the firm into a workspace; of the companies after the first three only the number is different."""
    workspace.schema = SCHEMA
    workspace.put(
        Company(
            id="1", name="Acme", domains=("acme.example",), location=Location(city="Oslo", country="Norway"),
            fields={"10": ("Grain",), "11": (PersonRef(id="2"), PersonRef(id="1"), COLLEAGUE), "13": (40,)},
        ),
        # Without unique values a target keeps two companies with one domain.
        Company(id="2", name="Acme Sales", domains=("acme.example",), fields={"12": (CompanyRef(id="1"),)}),
        *(Company(id=str(number), name=f"Company {number}") for number in range(3, companies + 1)),
        Person(id="1", first_name="Ann", last_name="Lee", emails=("Ann@acme.example",), company_id="1"),
        Person(id="2", first_name="Bo", emails=("bo@acme.example", "bo@home.example"), fields={"20": ("2026-01-05",)}),
        Deal(
            id="1", name="Silo", list_id="1", person_ids=("1",), company_ids=("1", "2"), fields={"30": ("Won",)}
        ),
        ListEntry(id="1", list_id="1", parent=("deals", "1"), fields={"30": ("Won",)}),
        ListEntry(id="2", list_id="2", parent=("companies", "1"), fields={"40": ("Growing",)}),
        ListEntry(id="3", list_id="2", parent=("companies", "1"), fields={"40": ("Again",)}),
        Note(
            id="1", content="Met in Oslo.", created_at=THEN, company_ids=("1", "2"), person_ids=("1",),
            replies=(Reply(id="2", content="Call again."),),
        ),
        Task(id="1", content="Call Ann", due_at=THEN, person_id="1", company_id="1"),
        File(id="1", name="deck.pdf", size=4, company_id="1", content_type="application/pdf"),
    )  # fmt: skip
    workspace.contents["1"] = b"deck"
