"""The OpenAPI documents that the vendors publish, and whether a conversation keeps to them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs

from support.real_data import SHARED
from support.traffic import Exchange, Message

Json = dict[str, Any]

FOLDER = SHARED / "specs"


class Specification:
    """One vendor's document."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._routes = [(_pattern(route), route) for route in sorted(document["paths"], key=_parameters)]
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def operation(self, request: Message) -> tuple[str, Json] | None:
        """Return the operation that a request asks for, with its name as `post /v2/notes`; None if the document lacks
        it."""
        for pattern, route in self._routes:
            method = str(request.start).lower()
            if pattern.fullmatch(request.path) and method in self._document["paths"][route]:
                shared = self._document["paths"][route].get("parameters", [])
                operation = self._document["paths"][route][method]
                return f"{method} {route}", {**operation, "parameters": [*shared, *operation.get("parameters", [])]}
        return None

    def findings(self, name: str, operation: Json, exchange: Exchange) -> Iterator[str]:
        """Whatever in a request or its answer is not as the document says."""
        yield from self._about_query(name, operation, exchange.request)
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        if "application/json" in content:
            yield from self._about_body(f"{name} request", content["application/json"]["schema"], exchange.request)
        status = str(exchange.answer.start)
        responses = operation["responses"]
        if status not in responses and "default" not in responses:
            yield f"{name} {status} is not declared"
            return
        content = self._resolved(responses.get(status) or responses["default"]).get("content", {})
        if "application/json" in content:
            yield from self._about_body(f"{name} {status}", content["application/json"]["schema"], exchange.answer)

    def _about_query(self, name: str, operation: Json, request: Message) -> Iterator[str]:
        declared = {
            given["name"]: given for given in map(self._resolved, operation["parameters"]) if given["in"] == "query"
        }
        for param, texts in request.params.items():
            if param not in declared:
                yield f"{name} query: {param} is not declared"
                continue
            schema = self._resolved(declared[param]["schema"])
            value = (
                [_typed(text, schema["items"]) for text in texts]
                if schema.get("type") == "array"
                else _typed(texts[0], schema)
            )
            yield from self._errors(f"{name} query {param}", schema, value)
        for param, given in declared.items():
            if given.get("required") and param not in request.params:
                yield f"{name} query: {param} is required"

    def _about_body(self, what: str, schema: Json, message: Message) -> Iterator[str]:
        if not message.has_json:
            yield f"{what} is no JSON: {message.body[:100]!r}"
            return
        yield from self._errors(what, schema, message.json())

    def _errors(self, what: str, schema: Json, value: Any) -> Iterator[str]:
        if what not in self._validators:
            whole = {**schema, "components": self._document.get("components", {})}
            self._validators[what] = jsonschema_rs.Draft202012Validator(whole)
        for error in self._validators[what].iter_errors(value):
            yield f"{what}: {'/'.join(map(str, error.instance_path))}: {error.message[:300]}"

    def _resolved(self, part: Json) -> Json:
        found: Any = part
        while "$ref" in found:
            at = found["$ref"].removeprefix("#/").split("/")
            found = self._document
            for key in at:
                found = found[key]
        result: Json = found
        return result


@cache
def specification(name: str) -> Specification:
    """Return the document of `affinity-v2` or of `attio-v2`."""
    return Specification(_nullable_spelt_out(json.loads((FOLDER / f"{name}.openapi.json").read_text())))


def _nullable_spelt_out(schema: Any) -> Any:
    """OpenAPI's older `nullable`, which JSON Schema does not know, and enums that forget the null of their type."""
    if isinstance(schema, list):
        return [_nullable_spelt_out(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    spelt = {key: _nullable_spelt_out(part) for key, part in schema.items()}
    if spelt.get("nullable") is True and isinstance(spelt.get("type"), str):
        spelt["type"] = [spelt["type"], "null"]
    if isinstance(spelt.get("enum"), list) and isinstance(spelt.get("type"), list) and "null" in spelt["type"]:
        spelt["enum"] = [*spelt["enum"], None]
    return spelt


def _typed(text: str, schema: Json) -> Any:
    """Return a text of a query as what the schema wants."""
    match schema.get("type"):
        case "integer" | "number" if re.fullmatch(r"-?\d+", text):
            return int(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
        case _:
            return text


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", route))


def _parameters(route: str) -> int:
    """Routes with fewer parameters come first, so that `/companies/fields` is no company."""
    return route.count("{")
