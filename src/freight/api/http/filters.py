"""Query parameters that pages and downloads have in common."""

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
    Entity | None, QueryParameter(description="Only what is about this entity.", examples=[Example(value="people")])
]
WithOutcome = Annotated[
    Outcome | None, QueryParameter(description="Only records with this outcome.", examples=[Example(value="failed")])
]
WithLevel = Annotated[
    Level | None, QueryParameter(description="Only rows of this level.", examples=[Example(value="warning")])
]
WithCode = Annotated[
    str | None,
    QueryParameter(
        pattern="^[a-z0-9_]{1,64}$",
        description="Only what has this code.",
        examples=[Example(value="invalid_phone_number")],
    ),
]
WithText = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        pattern=NO_NUL,
        description="Only what has this text in its source id or its message, in capitals or not.",
        examples=[Example(value="acme.com")],
    ),
]
WithSourceId = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        pattern=NO_NUL,
        description="Only what is about the record with this id in the source; best together with `entity`.",
        examples=[Example(value="4711")],
    ),
]
InFormat = Annotated[
    Format,
    QueryParameter(
        description="`csv` for spreadsheets (UTF-8 with a byte order mark; an apostrophe stands before whatever a "
        "spreadsheet could take for a formula), `ndjson` for programs: one JSON object a line.",
        examples=[Example(value="ndjson")],
    ),
]
