"""The report knows every code that Freight can give: none of them is silent or ends among the rest."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import freight
from freight.domain.report.reasons import REASONS
from freight.domain.report.sections import APART, CODES, HEADINGS, JOB_CODES, section_of

ROOT = Path(freight.__file__).parent
MODULES = [
    path
    for package in ("connectors", "domain")
    for path in sorted((ROOT / package).rglob("*.py"))
    # What a client is answered is no part of a report, and a report gives no codes itself.
    if path != ROOT / "domain" / "errors.py" and path.parent.name != "report"
]

IN_SQL = re.compile(r"'(?:info|warning|error)',\s*'([a-z]+_[a-z_]+)'")
"""A level and a code among the values of an INSERT."""

CODE = re.compile(r"[a-z]+(_[a-z]+)*")

TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def constants_of(tree: ast.Module) -> dict[str, object]:
    """The constants of a module, by their names."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


ANYWHERE = {name: value for tree in TREES.values() for name, value in constants_of(tree).items()}

KNOWN = frozenset(REASONS) | JOB_CODES | APART | {code for codes in CODES.values() for code in codes}


def codes_of(tree: ast.Module, taking: dict[str, int | None]) -> Iterator[str]:
    """The codes that a module gives as an argument, a class's own, in SQL, or as a key of a table of messages."""
    names = ANYWHERE | constants_of(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                yield from codes_in(argument(node, taking), names)
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                yield from codes_in(value, names)
            case ast.Constant(value=str(text)):
                yield from IN_SQL.findall(text)
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="LEFT_OUT")], value=ast.Dict(keys=keys)):
                for key in keys:
                    yield from codes_in(key, names)


def taking_codes(tree: ast.Module) -> dict[str, int | None]:
    """The functions with a parameter called `code`, with its place; None where it is given by name only."""
    found: dict[str, int | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg != "self"]
            if "code" in names:
                found[node.name] = names.index("code")
    return found


def argument(call: ast.Call, taking: dict[str, int | None]) -> ast.expr | None:
    """What a call gives as `code`."""
    for keyword in call.keywords:
        if keyword.arg == "code":
            return keyword.value
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = taking.get(name)
    return call.args[place] if place is not None and place < len(call.args) else None


def codes_in(value: ast.expr | None, names: dict[str, object]) -> Iterator[str]:
    """The codes that an expression may stand for, as far as they are written there or as a constant."""
    assert not isinstance(value, ast.JoinedStr), f"A code must be written out: {ast.unparse(value)}"
    match value:
        case ast.IfExp():
            yield from codes_in(value.body, names)
            yield from codes_in(value.orelse, names)
        case ast.BoolOp():
            for part in value.values:
                yield from codes_in(part, names)
        case ast.Constant(value=str(text)) if CODE.fullmatch(text):
            yield text
        case ast.Name() if isinstance(text := names.get(value.id), str):
            yield text


def given() -> dict[str, str]:
    """Every code in the code base, with the module that gives it."""
    # Private functions of modules may share a name; public ones are called from everywhere.
    public = {
        name: place for tree in TREES.values() for name, place in taking_codes(tree).items() if not name.startswith("_")
    }
    return {
        code: path.relative_to(ROOT).as_posix()
        for path, tree in TREES.items()
        for code in codes_of(tree, public | taking_codes(tree))
    }


GIVEN = given()


def test_the_codes_are_found():
    assert {"invalid_email", "gone_from_source", "rejected_by_target", "not_writable", "job_paused"} <= GIVEN.keys()
    assert len(GIVEN) > 80


@pytest.mark.parametrize("code", sorted(GIVEN))
def test_every_code_has_its_place_in_the_report(code):
    assert code in KNOWN, f"{GIVEN[code]} gives {code}, and no part of the report is about it"


def test_the_report_knows_no_code_that_is_never_given():
    assert KNOWN - GIVEN.keys() == set()


def test_every_section_and_every_reason_says_what_can_be_done():
    for heading in HEADINGS.values():
        assert re.fullmatch(r"[A-Z].*[^.]", heading.title)
        assert heading.advice.endswith(".")
    assert all(re.fullmatch(r"[A-Z].*\.", advice) for advice in REASONS.values())


def test_no_code_is_in_two_sections():
    listed = [code for codes in CODES.values() for code in codes]
    assert len(listed) == len(set(listed))
    assert all(section_of(code) == section for section, codes in CODES.items() for code in codes)
