"""The answer to a query, the same for records and entries: what is found, and the score in a header."""

from collections.abc import Callable
from typing import Any

from litestar.response.base import ASGIResponse

from freight_sandbox.attio.bodies import decode
from freight_sandbox.attio.filters import AnyTable
from freight_sandbox.attio.query import Body, run_query
from freight_sandbox.attio.requests import AnyRequest, workspace_of
from freight_sandbox.attio.scores import HEADER, QueryScores
from freight_sandbox.attio.tables import Record
from freight_sandbox.control import answer


def scores_of(request: AnyRequest) -> QueryScores:
    """The scores of all queries of the workspace."""
    scores: QueryScores = request.app.state.scores
    return scores


async def query_answer(
    request: AnyRequest, table: AnyTable, render: Callable[[Record], dict[str, Any]]
) -> ASGIResponse:
    """Run the query in the body of a request. An empty answer has no score."""
    body = decode(await request.body() or b"{}", Body)
    score = scores_of(request).admit(table, body)
    found = run_query(workspace_of(request), table, body)
    return answer({"data": [render(record) for record in found]}, headers={HEADER: str(score)} if found else None)
