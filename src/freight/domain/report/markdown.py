"""The report of a job as a Markdown document, for people."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from freight.connectors import registry
from freight.domain.jobs.model import Counts
from freight.domain.jobs.statistics import Outcomes
from freight.domain.report.contents import (
    EntityReport,
    Gone,
    JobIssue,
    JobReport,
    LeftValues,
    MadeByTarget,
    Section,
    Uncarried,
)
from freight.domain.report.mapping import MappedFact, MappedField, MappedList, MappingInForce, Members
from freight.model.resolved_mapping import Action

MAX_VALUE_LENGTH = 60
MAX_MESSAGE_LENGTH = 300
MAX_LISTED_VALUES = 100
"""Values listed in one sentence."""

SPECIAL = re.compile(r"[\\`*_{}\[\]<>#~$]")
"""Characters that Markdown, or HTML in it, would interpret."""

MARKER = re.compile(r"^\d{1,9}(?=[.)])|^(?=[-+=])")
"""The position before the character that makes the start of a line a list or a heading's underline."""

PLAIN = re.compile(r"[\w.\-]+")

NUMBER, TEXT = "---:", "---"

DONE: dict[Action, str] = {
    "use": "exists there",
    "make": "new",
    "restore": "restored",
    "skip": "not migrated",
}


def render(report: JobReport) -> str:
    """Return the report in GitHub Flavored Markdown. Texts from outside are escaped, long ones shortened."""
    parts = [
        *_head(report),
        "## What to do next",
        _steps(report),
        f"## What {'would become' if report.job.mode == 'dry_run' else 'became'} of the records",
        *_entities(report),
        *_sections(report.sections),
        *_issues(report.issues, report.further_issues),
        *_uncarried(report.uncarried),
        *_gone(report.gone_from_source),
        *_made_by_target(report.made_by_target, writes=report.job.mode != "dry_run"),
        *_mapping(report.mapping),
        *_cost(report),
    ]
    return "\n\n".join(parts) + "\n"


def text(given: str, longest: int = MAX_MESSAGE_LENGTH) -> str:
    """Return a text from outside on one line, shortened, and escaped so that it is shown literally."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in given).split())
    shown = line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
    # Neither entities nor the ends of cells: not all renderers of tables understand a backslash before a pipe.
    escaped = SPECIAL.sub(r"\\\g<0>", shown.replace("&", "&amp;"))
    return MARKER.sub(r"\g<0>\\", escaped).replace("|", "&#124;")


def _head(report: JobReport) -> Iterable[str]:
    job = report.job
    yield f"# Report: {text(job.name or '') or 'migration'}"
    rows = [
        ("Job", _code(str(job.id))),
        ("Status", _words(job.status)),
        ("Mode", _words(job.mode)),
        ("From", f"{_label(job.source.system)}: {text(job.source.name)} ({_code(job.source.id)})"),
        ("To", f"{_label(job.target.system)}: {text(job.target.name)} ({_code(job.target.id)})"),
        ("Started", _moment(job.started_at)),
        ("Ended", _moment(job.completed_at)),
        ("Duration", _duration(job.duration_seconds)),
        *([] if job.resume_at is None else [("Resumes", _moment(job.resume_at))]),
    ]
    yield _table([("", TEXT), ("", TEXT)], rows)
    if job.error is not None:
        yield f"> **The job failed ({_code(job.error.code)}):** {text(job.error.message)}"
    for remark in report.remarks:
        yield f"> {text(remark)}"


def _label(system: str) -> str:
    spec = registry.SPECS.get(system)
    return text(system) if spec is None else spec.label


def _steps(report: JobReport) -> str:
    address = f"/api/v1/jobs/{report.job.id}"
    steps = []
    if stopping := sum(issue.level == "error" for issue in report.issues):
        steps.append(f"Fix what stopped the job ({_number(stopping)}), listed under “Issues about the whole job”.")
    if report.outcomes.failed:
        dry = report.job.mode == "dry_run"
        again = "" if dry else f", then load them again with `POST {address}/retry`"
        steps.append(
            f"Check why {_records(report.outcomes.failed)} {'would fail' if dry else 'failed'}, "
            f"and correct them at the source{again}. `GET {address}/failed` lists them all."
        )
    steps += [
        f"{section.title} ({_number(section.rows)}): {section.advice}"
        for section in report.sections
        if any(row.level != "info" for row in section.values) and section.code != "records"
    ]
    if report.gone_from_source:
        gone = sum(one.records for one in report.gone_from_source)
        steps.append(f"Decide what to do with {_records(gone)} that are gone from the source and still in the target.")
    if report.job.status == "paused" and report.job.resume_at is None:
        steps.append(f"Resume the job with `POST {address}/resume` when the cause of the pause is fixed.")
    elif not report.ended:
        steps.append("Wait for the job to end, then read the report again.")
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)) or "Nothing to do."


def _entities(report: JobReport) -> Iterable[str]:
    if not report.entities:
        yield "Nothing has been read yet."
        return
    names = list(Outcomes.__struct_fields__)
    yield _table(
        [("Entity", TEXT), *((name.title(), NUMBER) for name in names)],
        [
            *((_words(one.entity), *_figures(one, names)) for one in report.entities),
            ("**All**", *(f"**{figure}**" for figure in _figures(report.outcomes, names))),
        ],
    )
    if any(one.reasons for one in report.entities):
        yield "### Why records were skipped or failed"
        yield _reasons(report.entities)
        yield _advice(report.entities)


def _figures(counts: Counts | Outcomes, names: Sequence[str]) -> list[str]:
    return [_number(getattr(counts, name)) for name in names]


def _reasons(entities: Iterable[EntityReport]) -> str:
    return _table(
        [("Entity", TEXT), ("Outcome", TEXT), ("Code", TEXT), ("Records", NUMBER), ("Example", TEXT)],
        [
            (
                _words(one.entity),
                reason.outcome,
                _code(reason.code),
                _number(reason.records),
                _example(reason.example.source_id, None, reason.example.message),
            )
            for one in entities
            for reason in one.reasons
        ],
    )


def _advice(entities: Iterable[EntityReport]) -> str:
    advice = {reason.code: reason.advice for one in entities for reason in one.reasons}
    return "\n".join(f"- {_code(code)}: {text(said)}" for code, said in advice.items())


def _sections(sections: Iterable[Section]) -> Iterable[str]:
    # The log rows about skipped and failed records repeat the reasons of these records.
    told = [section for section in sections if section.code != "records"]
    if told:
        yield "## Values that did not arrive as they were"
    for section in told:
        yield f"### {section.title} ({_number(section.rows)})"
        yield section.advice
        yield _table(
            [("Entity", TEXT), ("Field", TEXT), ("Code", TEXT), ("Level", TEXT), ("Times", NUMBER), ("Example", TEXT)],
            [
                (
                    _words(row.entity),
                    _field_of(row),
                    _code(row.code),
                    row.level,
                    _number(row.rows),
                    _example(row.example.source_id, row.example.value, row.example.message),
                )
                for row in section.values
            ],
        )


def _field_of(row: LeftValues) -> str:
    if row.fields > 1:
        return f"*{_number(row.fields)} further fields*"
    return "" if row.field is None else text(row.field, MAX_VALUE_LENGTH)


def _issues(issues: Sequence[JobIssue], further: int) -> Iterable[str]:
    if not issues:
        return
    yield "## Issues about the whole job"
    yield _table(
        [("Level", TEXT), ("Code", TEXT), ("Message", TEXT)],
        [(issue.level, _code(issue.code), text(issue.message)) for issue in issues],
    )
    if further:
        yield f"The log has {_number(further)} more."


def _uncarried(uncarried: Iterable[Uncarried]) -> Iterable[str]:
    yield "## What cannot be migrated"
    yield _table(
        [("What", TEXT), ("Number", NUMBER), ("Meaning", TEXT)],
        [
            (_words(one.code), "never read" if one.count is None else _number(one.count), text(one.message))
            for one in uncarried
        ],
    )


def _gone(gone: Sequence[Gone]) -> Iterable[str]:
    if not gone:
        return
    yield "## Gone from the source"
    yield "An earlier job migrated these, and the source no longer returns them. They stay in the target."
    yield _table(
        [("Entity", TEXT), ("Records", NUMBER), ("Example", TEXT)],
        [
            (_words(one.entity), _number(one.records), _example(one.example.source_id, None, one.example.message))
            for one in gone
        ],
    )


def _made_by_target(made: MadeByTarget, *, writes: bool) -> Iterable[str]:
    if not made.records:
        return
    yield "## Companies that the target creates by itself"
    shown = ", ".join(text(value, MAX_VALUE_LENGTH) for value in made.values[:MAX_LISTED_VALUES])
    rest = made.records - min(len(made.values), MAX_LISTED_VALUES)
    more = f" and {_number(rest)} more" if rest else ""
    yield (
        f"For each domain of a new person's e-mail address that no company has, the target creates a company: "
        f"{_companies(made.records)}{'' if writes else ' in a full run'}. Their domains are {shown}{more}."
    )
    yield made.advice


def _mapping(mapping: MappingInForce | None) -> Iterable[str]:
    if mapping is None:
        return
    yield "## Where everything goes"
    if mapping.facts:
        yield "### Standard and enriched values"
        yield _facts(mapping.facts)
    for owner, fields in groupby(mapping.fields, key=lambda field: (field.owner, field.owner_name)):
        yield f"### Fields of {text(owner[1])}"
        yield _fields(fields)
    if mapping.lists:
        yield "### Lists"
        yield _lists(mapping.lists)
    if mapping.stages:
        new = f" New: {', '.join(map(text, mapping.new_stages))}." if mapping.new_stages else ""
        yield f"Stages of deals: {', '.join(map(text, mapping.stages))}.{new}"
    yield "### Members"
    yield from _members(mapping.members)


def _facts(facts: Iterable[MappedFact]) -> str:
    return _table(
        [("Entity", TEXT), ("At the source", TEXT), ("Attribute", TEXT)],
        [
            (
                _words(fact.entity),
                text(fact.name, MAX_VALUE_LENGTH),
                "not migrated" if fact.attribute is None else _code(fact.attribute),
            )
            for fact in facts
        ],
    )


def _fields(fields: Iterable[MappedField]) -> str:
    return _table(
        [("Field", TEXT), ("Type", TEXT), ("Attribute", TEXT), ("Title", TEXT), ("Attribute type", TEXT),
         ("Action", TEXT), ("New options", NUMBER)],
        [
            (
                text(field.name, MAX_VALUE_LENGTH),
                field.field_type,
                _code(field.attribute or ""),
                text(field.title or "", MAX_VALUE_LENGTH),
                f"{field.type or ''}{', several' if field.multiple else ''}",
                DONE[field.action],
                _number(field.new_options),
            )
            for field in fields
        ],
    )  # fmt: skip


def _lists(lists: Iterable[MappedList]) -> str:
    return _table(
        [("List", TEXT), ("Entity", TEXT), ("Slug", TEXT), ("Action", TEXT), ("Stage, owner, value", TEXT)],
        [
            (
                text(one.name, MAX_VALUE_LENGTH),
                _words(one.parent),
                _code(one.slug),
                f"{DONE[one.action]}{', shared' if one.shared else ''}",
                ", ".join(text(name, MAX_VALUE_LENGTH) for name in (one.stage, one.owner, one.value) if name),
            )
            for one in lists
        ],
    )


def _members(members: Members) -> Iterable[str]:
    if members.users is None:
        yield "The source does not say who its users are."
    else:
        yield f"{_number(members.matched)} of the source's {_number(members.users)} users are members in the target."
    if members.unmatched:
        yield "These are not:\n\n" + "\n".join(
            f"- {text(user.name or 'no name')} ({text(user.email or 'no e-mail address')})"
            for user in members.unmatched
        )
    if members.default_owner is not None:
        yield f"What has no owner in the target goes to {text(members.default_owner)}."
    elif members.deal_owner is not None:
        yield f"Deals without an owner go to {text(members.deal_owner)}."


def _cost(report: JobReport) -> Iterable[str]:
    calls, expected = report.cost.vendor_calls, report.estimate
    titles = ("A full run", "This dry run") if report.job.mode == "dry_run" else ("Expected", "Actual")
    yield "## What it cost"
    yield _table(
        [("", TEXT), *((title, NUMBER) for title in titles)],
        [
            ("Requests that read the source", _number(expected.source_reads), _number(calls.source_reads)),
            ("Requests that read the target", _number(expected.target_reads), _number(calls.target_reads)),
            ("Requests that write the target", _number(expected.target_writes), _number(calls.target_writes)),
            ("Time", _duration(expected.seconds), _duration(report.job.duration_seconds)),
            ("Waiting for limits, summed over requests", "", _duration(report.cost.waited_seconds)),
        ],
    )


def _table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    lines = [[title for title, _ in columns], [line for _, line in columns], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _example(source_id: str | None, value: str | None, message: str) -> str:
    where = "" if source_id is None else f"{text(source_id, MAX_VALUE_LENGTH)}: "
    quoted = "" if value is None else f"“{text(value, MAX_VALUE_LENGTH)}” "
    return f"{where}{quoted}{text(message)}"


def _code(given: str) -> str:
    return f"`{given}`" if PLAIN.fullmatch(given) else text(given, MAX_VALUE_LENGTH)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(figure: int | None) -> str:
    return "" if figure is None else f"{figure:,}"


def _records(number: int) -> str:
    return "record" if number == 1 else f"{_number(number)} records"


def _companies(number: int) -> str:
    return "1 company" if number == 1 else f"{_number(number)} companies"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    named = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in named if number) or "0 s"
