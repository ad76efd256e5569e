"""Query parameters that pages and downloads share."""

from typing import Annotated
from uuid import UUID

from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from freight.domain.jobs.exports import Format
from freight.domain.jobs.requests import NO_NUL
from freight.domain.migration.records.logs import Level
from freight.domain.migration.records.records import Outcome
from freight.model.crm import Entity

JobId = Annotated[UUID, PathParameter(description="The job's id.")]

WithEntity = Annotated[
    Entity | None, QueryParameter(description="Filter by entity.", examples=[Example(value="people")])
]
WithOutcome = Annotated[
    Outcome | None, QueryParameter(description="Filter by outcome.", examples=[Example(value="failed")])
]
WithLevel = Annotated[Level | None, QueryParameter(description="Filter by level.", examples=[Example(value="warning")])]
WithCode = Annotated[
    str | None,
    QueryParameter(
        pattern="^[a-z0-9_]{1,64}$",
        description="Filter by code.",
        examples=[Example(value="invalid_phone_number")],
    ),
]
WithText = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        pattern=NO_NUL,
        description="Case-insensitive substring of the source id or the message.",
        examples=[Example(value="acme.com")],
    ),
]
WithSourceId = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        pattern=NO_NUL,
        description="Filter by the record's id in the source; best combined with `entity`.",
        examples=[Example(value="4711")],
    ),
]
InFormat = Annotated[
    Format,
    QueryParameter(
        description="`csv` for spreadsheets (UTF-8 with a byte order mark; values that a spreadsheet could take "
        "for a formula are prefixed with an apostrophe), `ndjson` for programs: one JSON object per "
        "line.",
        examples=[Example(value="ndjson")],
    ),
]
