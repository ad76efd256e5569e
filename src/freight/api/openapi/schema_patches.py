"""The OpenAPI document as it is served: Litestar's, with msgspec's schemas and examples of responses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

from freight.api.openapi.response_examples import ANSWERS

REFERENCE = "#/components/schemas/"


@dataclass
class Description(OpenAPIConfig):
    """Litestar's OpenAPI configuration, with the generated document patched."""

    def to_openapi_schema(self) -> OpenAPI:
        """Return the document without its paths, which Litestar adds."""
        return _Document(**vars(super().to_openapi_schema()))


@dataclass
class _Document(OpenAPI):
    def __post_init__(self) -> None:
        self._made: dict[str, Any] | None = None

    def to_schema(self) -> dict[str, Any]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> dict[str, Any]:
        # Only the types of JSON, whatever the examples and defaults are made of.
        document: dict[str, Any] = msgspec.to_builtins(super().to_schema())
        _describe_structs(document["components"]["schemas"])
        for operation in _operations(document):
            _add_examples(operation["responses"])
        return document


def _describe_structs(schemas: dict[str, Any]) -> None:
    """Restore constraints within unions, and that unknown fields are refused, which Litestar loses."""
    _, exact = msgspec.json.schema_components(_structs(set(schemas)), ref_template=REFERENCE + "{name}")
    for name, schema in exact.items():
        examples = {key: value for key, value in schemas.get(name, {}).items() if key == "examples"}
        schemas[name] = {**schema, **examples}


def _structs(names: set[str]) -> list[type[msgspec.Struct]]:
    """Return Freight's structs of these names; of two with one name, clients see that of the API."""
    found: dict[str, type[msgspec.Struct]] = {}
    for struct in _descendants(msgspec.Struct):
        # In a test or a demonstration the simulated vendors run in the same process.
        own = struct.__module__.startswith("freight.")
        if struct.__name__ in names and own:
            known = found.setdefault(struct.__name__, struct)
            found[struct.__name__] = struct if struct.__module__.startswith("freight.api.") else known
    return list(found.values())


def _descendants(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (part for part in path.values() if isinstance(part, dict) and "responses" in part)


def _add_examples(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        for media_type, content in response.get("content", {}).items() if status < "3" else ():
            name = content.get("schema", {}).get("$ref", media_type).removeprefix(REFERENCE)
            if name in ANSWERS and "examples" not in content:
                content["examples"] = {"example": {"value": ANSWERS[name]}}
