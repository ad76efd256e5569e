"""Every code that Freight gives is declared once, where it belongs: none is silent or ends among the rest."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import freight
from freight.connectors import registry
from freight.connectors.codes import SHARED, Code
from freight.domain.report.codes import OWN, code_of
from freight.domain.report.sections import HEADINGS

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


def levels(tree: ast.Module, taking: dict[str, int | None]) -> Iterator[tuple[str, str | None]]:
    """The codes of issues together with their levels; None for one that is not written out."""
    names = ANYWHERE | constants_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for code in codes_in(argument(node, taking), names):
                yield code, level_of(node)


def level_of(call: ast.Call) -> str | None:
    """The level of the issue that a call makes, as far as it is written out there."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    match ast.unparse(call.func).rpartition(".")[2], given.get("level"), given.get("info"):
        case "Issue", ast.Constant(value=str(level)), _:
            return level
        case "_error" | "blocker", _, _:
            return "error"
        case (("Issue" | "_warning" | "advisory" | "add_issue"), None, None):
            return "warning"
        case "add_issue", None, ast.Constant(value=True):
            return "info"
        case _:
            return None


def package_of(path: Path) -> str:
    """The connector that a module belongs to, or else `connectors` or `domain`."""
    top, inner, *_ = path.relative_to(ROOT).parts
    return inner if top == "connectors" and inner in registry.SPECS else top


# Private functions of modules may share a name; public ones are called from everywhere.
PUBLIC = {
    name: place for tree in TREES.values() for name, place in taking_codes(tree).items() if not name.startswith("_")
}


def given() -> dict[str, set[str]]:
    """Every code in the code base, with the packages that give it."""
    found: dict[str, set[str]] = {}
    for path, tree in TREES.items():
        for code in codes_of(tree, PUBLIC | taking_codes(tree)):
            found.setdefault(code, set()).add(package_of(path))
    return found


GIVEN = given()

GRAVITY = ["info", "warning", "error"]

DECLARED: dict[str, Mapping[str, Code]] = {
    "domain": OWN,
    "connectors": SHARED,
    **{system: spec.codes for system, spec in registry.SPECS.items()},
}


def test_the_codes_are_found():
    assert {"invalid_email", "gone_from_source", "rejected_by_target", "not_writable", "job_paused"} <= GIVEN.keys()
    assert len(GIVEN) > 80


@pytest.mark.parametrize("code", sorted(GIVEN))
def test_every_code_is_declared_where_it_is_given(code):
    for package in GIVEN[code]:
        assert code in DECLARED[package] or code in SHARED, f"{package} gives {code} and does not declare it"


@pytest.mark.parametrize("package", DECLARED)
def test_no_code_is_declared_that_is_never_given(package):
    codes = {code for code, packages in GIVEN.items() if package in packages or package == "connectors"}
    assert DECLARED[package].keys() - codes == set()


def test_no_code_is_declared_twice():
    shared, *others = (DECLARED[package].keys() for package in ("connectors", "domain", *registry.SPECS))
    assert all(shared.isdisjoint(codes) for codes in others)
    assert all(OWN.keys().isdisjoint(spec.codes) for spec in registry.SPECS.values())
    for spec in registry.SPECS.values():
        # Two connectors may say the same, and then mean the same.
        assert all(code_of(name) == code for name, code in spec.codes.items())


def test_the_level_of_a_connectors_code_is_the_gravest_that_it_is_given_with():
    said: dict[str, set[str | None]] = {}
    for path, tree in TREES.items():
        if package_of(path) != "domain":
            for code, level in levels(tree, PUBLIC | taking_codes(tree)):
                said.setdefault(code, set()).add(level)
    gravest = {code: max(found, key=GRAVITY.index) for code, found in said.items() if found <= set(GRAVITY)}
    assert len(gravest) > 60
    assert {code: code_of(code).level for code in gravest} == gravest


def test_the_migration_names_no_code_of_a_connector():
    named = {
        node.value
        for path, tree in TREES.items()
        if package_of(path) == "domain"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {code for spec in registry.SPECS.values() for code in spec.codes} & named == set()


def test_every_section_and_every_advice_says_what_can_be_done():
    for heading in HEADINGS.values():
        assert re.fullmatch(r"[A-Z].*[^.]", heading.title)
        assert heading.advice.endswith(".")
    advice = [code.advice for codes in DECLARED.values() for code in codes.values() if code.advice is not None]
    assert len(advice) > 20
    assert all(re.fullmatch(r"[A-Z].*\.", sentence) for sentence in advice)


def test_every_section_that_a_code_names_has_a_heading():
    sections = {code.section for codes in DECLARED.values() for code in codes.values()}
    assert sections - HEADINGS.keys() == {"job", "apart"}
