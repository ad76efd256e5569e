"""What the precheck says of settings that differ from those of earlier jobs."""

from collections.abc import Sequence
from typing import Any

import pytest

from freight.domain.jobs.earlier import JobSettings
from freight.domain.migration.planning.changes import CODE, changed_settings
from freight.model.crm import Entity
from freight.model.mapping import FieldMapping, ListMapping, Mapping


def settings(*entities: Entity, on_existing: Any = "fill", **mapping: Any) -> JobSettings:
    return JobSettings(
        mapping=Mapping(**mapping), entities=entities or ("companies", "people"), on_existing=on_existing, layout=None
    )


def named(now: JobSettings, *earlier: JobSettings) -> list[tuple[str | None, str]]:
    issues = changed_settings(earlier, now)
    assert {issue.code for issue in issues} <= {CODE}
    return [(issue.field, issue.level) for issue in issues]


def test_nothing_is_said_without_an_earlier_job_or_a_change() -> None:
    assert named(settings()) == []
    assert named(settings(), settings()) == []


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (settings("companies", "notes"), settings("companies"), [("entities", "warning")]),
        (settings(on_existing="fill"), settings(on_existing="overwrite"), [("on_existing", "info")]),
        (settings(default_owner="a@firm.com"), settings(), [("default_owner", "info")]),
        (settings("notes", notes="all"), settings("notes"), [("notes", "warning")]),
        (settings("notes"), settings("notes", notes="all"), [("notes", "info")]),
        (
            settings("companies", companies={"7": FieldMapping(skip=True)}),
            settings("companies"),
            [("companies.7.skip", "info")],
        ),
        (
            settings("companies"),
            settings("companies", companies={"7": FieldMapping(to="industry")}),
            [("companies.7.to", "warning")],
        ),
        (settings("lists"), settings("lists", lists={"8": ListMapping(skip=True)}), [("lists.8.skip", "warning")]),
    ],
)
def test_each_setting_that_differs_is_named_with_its_level(
    before: JobSettings, now: JobSettings, expected: Sequence[tuple[str, str]]
) -> None:
    assert named(now, before) == expected


def test_an_entity_is_compared_with_the_last_job_that_migrated_it() -> None:
    skipped = {"companies": {"7": FieldMapping(skip=True)}}
    latest, older, oldest = settings("people"), settings("companies", **skipped), settings("companies")
    assert ("companies.7.skip", "info") in named(settings("companies", "people"), latest, older, oldest)
    assert named(settings("companies", "people", **skipped), latest, older, oldest) == []
