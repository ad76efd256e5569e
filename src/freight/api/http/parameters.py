"""Query parameters: unknown ones are refused."""

from collections.abc import Collection
from functools import cache
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from freight.api.http.request_log import answer_options
from freight.api.http.validation import Problem, listed, shortened, suggestion


async def before_handler(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Answer OPTIONS, and refuse parameters that the handler would ignore."""
    if (answer := await answer_options(request)) is None:
        check_parameters(request)
    return answer


def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise `HTTPException` for unknown query parameters, and for several values of one that takes a single value.

    Litestar would ignore them, and answer another question than was asked.
    """
    if not request.scope["query_string"]:
        return
    known = _parameters(request.route_handler)
    given = request.query_params.dict()
    found = [_unknown(name, known) for name in given if name not in known]
    found += [
        Problem(type="repeated_parameter", message="This parameter takes only one value.", field=name)
        for name, values in given.items()
        if len(values) > 1 and not known.get(name, True)
    ]
    if found:
        raise HTTPException(status_code=422, extra=listed(found))


@cache
def _parameters(handler: BaseRouteHandler) -> dict[str, bool]:
    """Return the query parameters of a handler, and whether each can have several values."""
    return {
        field.kwarg_definition.name or field.kwarg_definition.query or name: _is_list(field)
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }


def _is_list(field: FieldDefinition) -> bool:
    return field.is_non_string_sequence or any(inner.is_non_string_sequence for inner in field.inner_types)


def _unknown(name: str, known: Collection[str]) -> Problem:
    message = "Unknown parameter."
    if known:
        message += suggestion(name, known) or f" Known parameters: {', '.join(sorted(known))}."
    return Problem(type="unknown_parameter", message=message, field=shortened(name))
