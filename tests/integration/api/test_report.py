"""The report of a job."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from markdown_it import MarkdownIt

from freight import database
from freight.connectors.protocols import MADE_BY_TARGET, Issue
from freight.domain.jobs.model import PausedBy
from freight.domain.migration.records import logs
from freight.domain.migration.records.logs import Entry
from freight.domain.report import gather
from freight.domain.report.codes import advice_on
from freight.domain.report.sections import HEADINGS
from freight.model.crm import Entity, List
from freight.model.fields import Fact, PersonRef
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping
from freight.model.schema import Schema
from support import filled
from support.errors import error_of
from support.service import Tenant

STARTED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ENDED = STARTED + timedelta(hours=1, minutes=2, seconds=5)

LAYOUT = ResolvedMapping(
    entities=("companies", "deals"),
    parts={"companies": {"id": "affinity_id", "location": "primary_location"}},
    places=(
        Place(
            owner="companies",
            field="field-1",
            name="Sector",
            field_type="select",
            action="make",
            attribute="sector",
            title="Sector",
            type="select",
            multiple=True,
            options=("Food", "Tech"),
            new_options=("Tech",),
        ),
        Place(owner="companies", field="field-2", name="Old", field_type="text", action="skip"),
        Place(
            owner="7", field="field-3", name="Status", field_type="status", action="use", attribute="stage",
            title="Deal stage", type="status",
        ),
    ),
    lists=(
        ListPlace(
            list_id="7", name="Pipeline", slug="pipeline_affinity_7", parent="deals", action="make", stage="field-3"
        ),
    ),
    members={"jane@example.com": "member-1"},
    deal_owner="member-1",
    stages=("Lead", "Won"),
    new_stages=("Won",),
)  # fmt: skip

SCHEMA = Schema(
    facts={
        "companies": (
            Fact(part="id", name="ID"),
            Fact(part="location", name="Location", field="affinity-data-location"),
            Fact(part="mood", name="Mood", field="affinity-data-mood"),
        )
    },
    lists=(List(id="7", name="Pipeline", of="deals"),),
    users=(
        PersonRef(id="1", name="Jane", email="Jane@Example.com", internal=True),
        PersonRef(id="2", name="John", email="john@example.com", internal=True),
    ),
    uncarried={"saved_views": 4},
)


async def surveyed_job(tenant: Tenant, **changes: Any) -> UUID:
    """A job whose precheck is done."""
    schema, layout = (msgspec.json.encode(given).decode() for given in (SCHEMA, LAYOUT))
    return await filled.a_job(tenant, source_schema=schema, layout=layout, **changes)


async def log(tenant: Tenant, job_id: UUID, entity: Entity | None, *issues: Issue) -> None:
    """One row for each issue, about records with the numbers from 1 on."""
    entries = [
        Entry(entity=entity, source_id=None if entity is None else str(number), issue=issue)
        for number, issue in enumerate(issues, 1)
    ]
    async with database.as_tenant(tenant.id) as tx:
        await logs.write(tx, tenant.id, job_id, entries)


async def read(tenant: Tenant, job_id: UUID) -> dict[str, Any]:
    answer = await tenant.client.get(f"/api/v1/jobs/{job_id}/report")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def document(tenant: Tenant, job_id: UUID) -> str:
    answer = await tenant.client.get(f"/api/v1/jobs/{job_id}/report", params={"format": "markdown"})
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    return answer.text


def sections(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {section["code"]: section for section in found["sections"]}


def tables(markdown: str) -> list[list[list[str]]]:
    """The cells of the tables of a document as a reader sees them, without what is marked up."""
    found: list[list[list[str]]] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    for before, token in pairwise(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif before.type in ("th_open", "td_open"):
            found[-1][-1].append("".join(part.content for part in token.children or ()))
    return found


async def test_it_tells_of_each_entity_what_became_of_its_records_and_why_some_were_not_carried_over(
    tenant: Tenant,
) -> None:
    job_id = await filled.a_job(tenant)
    await filled.add_records(tenant, job_id, 1000)
    found = await read(tenant, job_id)
    companies, people = found["entities"]
    assert {name: companies[name] for name in companies if name != "reasons"} == {
        "entity": "companies",
        "read": 500,
        "created": 200,
        "updated": 0,
        "unchanged": 100,
        "skipped": 100,
        "failed": 0,
    }
    assert companies["reasons"] == [
        {
            "outcome": "skipped",
            "code": "skipped_for_a_reason",
            "records": 100,
            "advice": advice_on("skipped_for_a_reason"),
            "example": {"source_id": "source 2", "value": None, "message": "Record 2 is 100% wrong."},
        }
    ]
    assert [(reason["outcome"], reason["records"]) for reason in people["reasons"]] == [("failed", 100)]
    assert found["outcomes"]["read"] == 1000
    assert found["outcomes"]["failed"] == 100


async def test_every_log_row_about_records_is_counted_once_in_the_section_for_its_code(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    codes = {
        "not_writable": "not_writable",
        "owner_without_member": "owners",
        "invalid_email": "refused",
        "internal_person_in_deal": "members",
        "kept_in_target": "kept",
        "reference_not_found": "references",
        "stage_defaulted": "defaults",
        "further_values_left_out": "further_values",
        "list_hidden": "not_shown",
        "unknown_value_type": "unknown",
        "a_code_of_tomorrow": "other",
    }
    issues = [Issue(code=code, message="A sentence.", field="f", value="v") for code in codes]
    for entity in ("companies", "people"):
        await log(tenant, job_id, entity, *issues, *issues)
    await log(tenant, job_id, "people", Issue(level="info", code="gone_from_source", message="It is gone."))
    found = await read(tenant, job_id)
    assert [section["code"] for section in found["sections"]] == [code for code in HEADINGS if code in codes.values()]
    for code, section in codes.items():
        listed = sections(found)[section]
        assert (listed["rows"], listed["title"] != "", listed["advice"] != "") == (4, True, True)
        assert [(row["entity"], row["code"], row["rows"]) for row in listed["values"]] == [
            ("companies", code, 2),
            ("people", code, 2),
        ]
    assert [(gone["entity"], gone["records"]) for gone in found["gone_from_source"]] == [("people", 1)]
    log_rows = (await tenant.client.get(f"/api/v1/jobs/{job_id}/logs")).json()["total"]
    assert sum(section["rows"] for section in found["sections"]) + 1 == log_rows


async def test_values_are_told_apart_by_field_with_the_first_as_an_example(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    issues = [
        Issue(code="unknown_option", message=f"Number {number}.", field="ab"[number % 3 == 0], value=str(number))
        for number in range(9)
    ]
    await log(tenant, job_id, "companies", *issues)
    assert sections(await read(tenant, job_id))["refused"]["values"] == [
        {
            "entity": "companies",
            "code": "unknown_option",
            "field": field,
            "fields": 1,
            "level": "warning",
            "rows": rows,
            "example": {"source_id": str(first + 1), "value": str(first), "message": f"Number {first}."},
        }
        for field, rows, first in (("a", 6, 1), ("b", 3, 0))
    ]


async def test_of_very_many_fields_the_rarest_are_counted_together(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    fields = [f"field {number}" for number in range(gather.FIELDS_PER_CODE + 5)]
    issues = [Issue(code="kept_in_target", message="It stays.", field=field) for field in [*fields, *fields[10:]]]
    await log(tenant, job_id, "companies", *issues)
    kept = sections(await read(tenant, job_id))["kept"]
    assert kept["rows"] == len(issues)
    *told, rest = kept["values"]
    assert len(told) == gather.FIELDS_PER_CODE
    assert {row["rows"] for row in told[:95]} == {2}
    assert (rest["field"], rest["fields"], rest["rows"]) == (None, 5, 5)
    assert "5 further fields" in await document(tenant, job_id)


async def test_log_rows_that_say_why_a_record_was_skipped_are_no_values(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    await filled.add_records(tenant, job_id, 10)
    reason = Issue(code="skipped_for_a_reason", message="So it is.")
    await log(tenant, job_id, "companies", reason)
    await log(tenant, job_id, "people", reason)
    found = sections(await read(tenant, job_id))
    assert [row["entity"] for row in found["records"]["values"]] == ["companies"]
    assert [row["entity"] for row in found["other"]["values"]] == ["people"]
    assert HEADINGS["records"].title not in await document(tenant, job_id)


async def test_what_concerns_the_whole_job_comes_gravest_first_and_each_once(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant, status="failed", error_code="deals_disabled", error_message="Switch them on.")
    info = Issue(level="info", code="job_paused", message="The job was paused.")
    warning = Issue(code="owner_without_member", message="John is no member.", value="john@example.com")
    blocker = Issue(level="error", code="deals_disabled", message="Switch them on.")
    await log(tenant, job_id, None, info, warning, blocker, warning)
    found = await read(tenant, job_id)
    assert [(issue["level"], issue["code"], issue["times"]) for issue in found["issues"]] == [
        ("error", "deals_disabled", 1),
        ("warning", "owner_without_member", 2),
        ("info", "job_paused", 1),
    ]
    assert found["further_issues"] == 0
    assert found["job"]["error"] == {"code": "deals_disabled", "message": "Switch them on."}
    assert "Fix what stopped the job (1)" in await document(tenant, job_id)


async def test_what_cannot_be_carried_is_counted_or_named_as_never_read(tenant: Tenant) -> None:
    job_id = await surveyed_job(tenant)
    issue = Issue(level="info", code="not_writable", message="Worked out from mailboxes.", field="Last Email")
    await log(tenant, job_id, "companies", issue)
    await log(tenant, job_id, "people", issue, issue)
    uncarried = (await read(tenant, job_id))["uncarried"]
    assert {one["code"]: one["count"] for one in uncarried} == {
        "saved_views": 4,
        "relationship_intelligence": 3,
        "interactions": None,
        "relationship_strength": None,
    }
    assert all(one["message"].endswith(".") for one in uncarried)


async def test_it_shows_the_mapping_in_force(tenant: Tenant) -> None:
    found = (await read(tenant, await surveyed_job(tenant)))["mapping"]
    assert found["facts"] == [
        {"entity": "companies", "part": "id", "name": "ID", "field": None, "attribute": "affinity_id"},
        {
            "entity": "companies",
            "part": "location",
            "name": "Location",
            "field": "affinity-data-location",
            "attribute": "primary_location",
        },
        {
            "entity": "companies",
            "part": "mood",
            "name": "Mood",
            "field": "affinity-data-mood",
            "attribute": None,
        },
    ]
    sector, old, status = found["fields"]
    assert sector == {
        "owner": "companies",
        "owner_name": "companies",
        "field": "field-1",
        "name": "Sector",
        "field_type": "select",
        "action": "make",
        "attribute": "sector",
        "title": "Sector",
        "type": "select",
        "multiple": True,
        "new_options": 1,
    }
    assert (old["action"], old["attribute"]) == ("skip", None)
    assert (status["owner"], status["owner_name"]) == ("7", "Pipeline")
    assert [(one["slug"], one["stage"], one["owner"]) for one in found["lists"]] == [
        ("pipeline_affinity_7", "Status", None)
    ]
    assert found["members"] == {
        "users": 2,
        "matched": 1,
        "unmatched": [{"name": "John", "email": "john@example.com"}],
        "default_owner": None,
        "deal_owner": "jane@example.com",
    }
    assert (found["stages"], found["new_stages"], found["notes"]) == (["Lead", "Won"], ["Won"], "one")


async def test_it_tells_what_the_job_cost_beside_what_was_expected(tenant: Tenant) -> None:
    cost = {"source_reads": 7, "target_reads": 20, "target_writes": 3000}
    job_id = await filled.a_job(
        tenant, **cost, waited_seconds=12.25, estimate='{"source_reads": 8, "target_writes": 3100, "seconds": 90}',
        started_at=STARTED, completed_at=ENDED,
    )  # fmt: skip
    found = await read(tenant, job_id)
    assert found["cost"]["vendor_calls"] == cost
    assert found["cost"]["waited_seconds"] == pytest.approx(12.25, abs=0.1)
    assert found["estimate"] == {"source_reads": 8, "target_reads": None, "target_writes": 3100, "seconds": 90}
    assert found["job"]["duration_seconds"] == 3725
    rows = tables(await document(tenant, job_id))[-1]
    assert ["Requests that write the target", "3,100", "3,000"] in rows
    assert ["Time", "1 min 30 s", "1 h 2 min 5 s"] in rows


async def test_a_job_that_has_done_nothing_yet_has_a_report_that_says_so(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant, status="pending")
    found = await read(tenant, job_id)
    assert (found["ended"], found["remarks"]) == (False, [gather.NOT_ENDED])
    assert (found["mapping"], found["job"]["duration_seconds"]) == (None, None)
    assert set(found["estimate"].values()) == {None}
    assert (found["entities"], found["sections"], found["issues"]) == ([], [], [])
    assert "Nothing has been read yet." in await document(tenant, job_id)


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"mode": "dry_run"}, gather.DRY_RUN),
        ({"mode": "sample", "sample_size": 25}, "A sample: up to 25 records of each entity"),
        ({"purged_at": ENDED}, gather.ERASED),
    ],
)
async def test_it_says_what_must_be_known_to_understand_the_figures(
    changes: dict[str, Any], remark: str, tenant: Tenant
) -> None:
    job_id = await filled.a_job(tenant, **changes)
    (found,) = (await read(tenant, job_id))["remarks"]
    assert found.startswith(remark)
    assert f"> {remark}" in await document(tenant, job_id)
    assert (await read(tenant, await filled.a_job(tenant)))["remarks"] == []


async def test_it_comes_as_json_or_markdown_as_the_client_asks(tenant: Tenant) -> None:
    path = f"/api/v1/jobs/{await filled.a_job(tenant)}/report"
    for accept, params, expected in (
        ("*/*", {}, "application/json"),
        ("application/json", {}, "application/json"),
        ("text/html,*/*;q=0.8", {}, "application/json"),
        ("text/markdown", {}, "text/markdown; charset=utf-8"),
        ("text/markdown;q=0.9,application/json;q=0.1", {}, "text/markdown; charset=utf-8"),
        ("text/markdown", {"format": "json"}, "application/json"),
        ("application/json", {"format": "markdown"}, "text/markdown; charset=utf-8"),
    ):
        answer = await tenant.client.get(path, params=params, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)
        assert "Accept" in answer.headers["Vary"]
    error_of(await tenant.client.get(path, params={"format": "pdf"}), 422)


async def test_the_document_for_people_has_tables_with_readable_figures(tenant: Tenant) -> None:
    job_id = await surveyed_job(tenant, name="The move", started_at=STARTED, completed_at=ENDED)
    await filled.add_records(tenant, job_id, 4000)
    await log(tenant, job_id, "people", Issue(code="invalid_email", message="No address.", field="emails", value="x@"))
    written = await document(tenant, job_id)
    assert written.startswith("# Report: The move\n")
    assert ["Ended", "2026-11-23 10:32 UTC"] in tables(written)[0]
    assert ["companies", "2,000", "800", "0", "400", "400", "0"] in tables(written)[1]
    assert ["All", "4,000", "2,000", "400", "400", "400", "400"] in tables(written)[1]
    assert ["people", "emails", "invalid_email", "warning", "1", "1: “x@” No address."] in tables(written)[3]
    assert f"POST /api/v1/jobs/{job_id}/retry" in written
    assert "1 of the source's 2 users are members in the target." in written


async def test_what_the_source_holds_cannot_change_the_document(tenant: Tenant) -> None:
    nasty = "a|b\n| c | *d* __e__ `f` [g](http://x) <img src=x> &amp; # h \\| ~~i~~ \u202e"
    shown = "a|b | c | *d* __e__ `f` [g](http://x) <img src=x> &amp; # h \\| ~~i~~"
    job_id = await filled.a_job(tenant, name=nasty, source_workspace_name=nasty)
    await log(tenant, job_id, "people", Issue(code="odd", message=nasty, field="f|g", value="v" * 200))
    await log(tenant, job_id, None, Issue(code="odd", message=nasty))
    written = await document(tenant, job_id)
    head, values, issues, _, _ = tables(written)
    assert head[4] == ["From", f"Affinity: {shown} ({job_id})"]
    assert values[1][1] == "f|g"
    assert values[1][-1] == f"1: “{'v' * 59}…” {shown}"
    assert issues[1] == ["warning", "odd", shown]
    html = MarkdownIt("commonmark").enable("table").render(written)
    assert "<img" not in html
    assert "<a " not in html


@pytest.mark.parametrize("paused_by", get_args(PausedBy))
async def test_a_paused_job_says_why_and_what_lets_it_go_on(paused_by: str, tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant, status="paused", paused_by=paused_by)
    await log(tenant, job_id, None, Issue(code="plan_limit_reached", message="The plan allows no more records."))
    found = await read(tenant, job_id)
    assert (found["job"]["paused_by"], found["job"]["resume_at"]) == (paused_by, None)
    assert found["remarks"] == [gather.NOT_ENDED, gather.PAUSED[paused_by]]
    written = await document(tenant, job_id)
    assert f"> {gather.PAUSED[paused_by]}" in written
    assert f"POST /api/v1/jobs/{job_id}/resume" in written
    assert ["warning", "plan_limit_reached", "The plan allows no more records."] in tables(written)[1]


async def test_a_job_that_waits_for_a_quota_says_until_when(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant, status="paused", paused_by="quota", resume_at=ENDED)
    written = await document(tenant, job_id)
    assert ["Resumes", "2026-11-23 10:32 UTC"] in tables(written)[0]
    assert f"POST /api/v1/jobs/{job_id}/resume" not in written


async def test_what_can_be_done_about_a_reason_is_said_once_for_its_code(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    await filled.add_records(tenant, job_id, 100)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE records SET code = 'no_parent' WHERE job_id = $1 AND code IS NOT NULL", job_id)
    reasons = [reason for one in (await read(tenant, job_id))["entities"] for reason in one["reasons"]]
    assert {reason["advice"] for reason in reasons} == {advice_on("no_parent")}
    assert len(reasons) > 1
    assert (await document(tenant, job_id)).count(advice_on("no_parent")) == 1


async def test_companies_that_the_target_makes_by_itself_are_counted_once_each_and_listed(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    domains = [f"d{number:03}.example.com" for number in range(gather.MAX_VALUES + 5)]
    issues = [Issue(level="info", code=MADE_BY_TARGET, message="It is made.", value=value) for value in domains]
    await log(tenant, job_id, "people", *issues, issues[0])
    found = await read(tenant, job_id)
    made = found["made_by_target"]
    assert (made["records"], made["values"]) == (len(domains), sorted(domains)[: gather.MAX_VALUES])
    assert found["sections"] == []
    written = await document(tenant, job_id)
    assert "the target creates a company: 1,005 companies." in written
    assert "d000.example.com, d001.example.com" in written
    assert f"and {len(domains) - 100} more." in written
    assert "in a full run" not in written
    dry_run = await filled.a_job(tenant, mode="dry_run")
    await log(tenant, dry_run, "people", issues[0])
    assert "1 company in a full run. Their domains are d000.example.com." in await document(tenant, dry_run)
    nothing = await filled.a_job(tenant)
    assert (await read(tenant, nothing))["made_by_target"]["records"] == 0
    assert "by itself" not in await document(tenant, nothing)


async def test_another_tenant_s_report_does_not_exist(tenant: Tenant, other_tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    for path in (f"/api/v1/jobs/{job_id}/report", f"/api/v1/jobs/{uuid4()}/report"):
        error_of(await other_tenant.client.get(path), 404)


async def test_a_job_leads_to_its_report(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant)
    job = (await tenant.client.get(f"/api/v1/jobs/{job_id}")).json()
    assert (await tenant.client.get(job["links"]["report"])).json()["job"]["id"] == str(job_id)
