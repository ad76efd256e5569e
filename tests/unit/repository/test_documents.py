"""The documents name what there is: every link, path, test and log event that they mention exists."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = sorted(
    [
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    ]
)

BASES = ("", "src", "src/freight")
"""Folders from which paths may be given."""

VENDORS = {"docs/vendors/affinity.md": "affinity", "docs/vendors/attio.md": "attio"}
"""Documents in which paths may also be given from the connector that they are about."""

FOLDERS = frozenset(path.name for base in BASES for path in (REPOSITORY / base).iterdir() if path.is_dir())
FILE_NAME = re.compile(r"[\w.-]+\.(?:py|md|toml|ya?ml|lock|json)")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")

FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
TEST = re.compile(r"\btest_[a-z0-9_]+\b(?!\.py)")

OF_CLIENTS = frozenset({"job.json", "answer.json"})
"""Files that the README has its reader make."""

LOGGERS = {"log": ("info", "warning", "error", "exception"), "throttled": ("warning",)}
"""What logs, by the names under which modules know it, with the methods whose first argument is an event."""

EVENT_FUNCTIONS = frozenset({"_optional"})
"""Functions that log what they are given first."""

REPEATED = ("sweep", "purge")
"""What workers do repeatedly: `tasks.py` logs `…_interrupted` of each."""


def text_of(document: Path) -> str:
    """The text without its code blocks."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def named(document: Path) -> Iterator[str]:
    """What a document has in backticks, each without arguments."""
    for quoted in QUOTED.findall(text_of(document)):
        yield quoted.split()[0]


def is_path(text: str) -> bool:
    """Whether it is meant as a path of the repository."""
    if PATH.fullmatch(text) is None or text in OF_CLIENTS:
        return False
    first, slash, _ = text.partition("/")
    return (first in FOLDERS) if slash else FILE_NAME.fullmatch(text) is not None


def exists(path: str, document: Path) -> bool:
    bases = [REPOSITORY / base for base in BASES]
    if (vendor := VENDORS.get(document.relative_to(REPOSITORY).as_posix())) is not None:
        bases.append(REPOSITORY / "src/freight/connectors" / vendor)
    return any((base / path).exists() for base in bases)


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(text_of(document))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def events() -> dict[str, str]:
    """The log events of the service, with the module that logs each."""
    found = {f"{name}_interrupted": "tasks.py" for name in REPEATED}
    for path in sorted((REPOSITORY / "src/freight").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and logs(node.func) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = path.name
    return found


def logs(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id=name), attr=method):
            return method in LOGGERS.get(name, ())
        case ast.Name(id=name):
            return name in EVENT_FUNCTIONS
        case _:
            return False


def documented_events() -> set[str]:
    section = text_of(REPOSITORY / "docs/operations.md").partition("\n## Log events\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return {event for cell in cells for event in QUOTED.findall(cell)}


class Stop(NamedTuple):
    """A row of the table under "What to read": a module, what to read in it, and which function calls the first."""

    module: Path
    functions: list[str]
    caller: Path
    caller_function: str
    details: list[str]


def walk() -> list[Stop]:
    section = text_of(REPOSITORY / "docs/architecture.md").partition("\n### What to read\n")[2].partition("\n### ")[0]
    stops: list[Stop] = []
    for row in re.findall(r"^\| \d+ \|.*", section, re.MULTILINE):
        number, module, read, called_from, _, details = (cell.strip() for cell in row.strip("|").split(" | "))
        assert int(number) == len(stops) + 1
        *quoted_caller, caller_function = QUOTED.findall(called_from)
        earlier = re.match(r"\d+", called_from)
        caller = stops[int(earlier[0]) - 1].module if earlier else REPOSITORY / "src/freight" / quoted_caller[0]
        path = REPOSITORY / "src/freight" / module.strip("`")
        stops.append(Stop(path, QUOTED.findall(read), caller, caller_function, QUOTED.findall(details)))
    return stops


def definition(module: Path, name: str) -> ast.AST | None:
    """The function or class of a module with this name, which may be that of a method after its class's."""
    found: ast.AST | None = ast.parse(module.read_text(encoding="utf-8"))
    for part in name.split("."):
        named = [
            node
            for node in ast.iter_child_nodes(found or ast.Pass())
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == part
        ]
        found = named[0] if named else None
    return found


def imports(module: Path, other: Path, name: str) -> bool:
    """Whether a module imports another one, or this function or class of it."""
    package = ".".join(other.relative_to(REPOSITORY / "src").with_suffix("").parts)
    return any(
        (node.module == package and alias.name == name) or f"{node.module}.{alias.name}" == package
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def mentions(body: ast.AST | None, name: str) -> bool:
    """Whether a function calls another one of this name, or hands it over to be called."""
    return any(
        (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
        for node in ast.walk(body or ast.Pass())
    )


def test_the_way_of_a_record_leads_through_at_most_eight_modules_and_goes_back_at_most_twice() -> None:
    stops = walk()
    modules = [stop.module for stop in stops]
    assert [path.name for path in (modules[0], modules[-1])] == ["extract.py", "ledger.py"]
    assert len(modules) == len(set(modules)) <= 8
    back = [stop for before, stop in pairwise(stops) if stop.caller in modules and stop.caller != before.module]
    assert len(back) <= 2


def test_each_module_on_the_way_of_a_record_is_called_from_where_the_document_says() -> None:
    for stop in walk():
        missing = [name for name in stop.functions if definition(stop.module, name) is None]
        assert missing == [], stop.module
        owner, _, _ = stop.functions[0].partition(".")
        assert imports(stop.caller, stop.module, owner), stop
        called = stop.functions[0].rpartition(".")[2]
        assert mentions(definition(stop.caller, stop.caller_function), called), stop


def test_the_details_of_the_way_of_a_record_exist() -> None:
    folder = REPOSITORY / "src/freight/domain/migration"
    details = [detail for stop in walk() for detail in stop.details]
    assert len(details) > 8
    for detail in details:
        module, _, name = detail.partition(".")
        assert [path for path in folder.rglob(f"{module}.py") if definition(path, name)], detail


def test_a_call_that_is_not_there_would_be_noticed() -> None:
    _, staging, *_ = walk()
    assert mentions(definition(staging.caller, "_Extraction._save"), "stage")
    assert not mentions(definition(staging.caller, "_Extraction._stop"), "stage")
    assert definition(staging.module, "no_such_function") is None
    assert not imports(staging.module, staging.caller, "extract")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(text_of(document)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(REPOSITORY), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_path_that_is_named_exists(document: Path) -> None:
    assert [text for text in named(document) if is_path(text) and not exists(text, document)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_test_that_is_named_exists(document: Path) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py"))
    known = set(re.findall(r"def (test_[a-zA-Z0-9_]+)\(", sources))
    assert [name for quoted in named(document) for name in TEST.findall(quoted) if name not in known] == []


def test_operations_say_what_to_do_about_every_log_event() -> None:
    logged = events()
    assert len(logged) > 40
    assert {event: module for event, module in logged.items() if event not in documented_events()} == {}
    assert documented_events() - logged.keys() == set()


@pytest.mark.parametrize("text", ["src/freight/no.py", "domain/jobs/no.py", "tests/no/", "no.py", "docs/no.md"])
def test_a_path_that_does_not_exist_would_be_noticed(text: str) -> None:
    assert is_path(text)
    assert not exists(text, REPOSITORY / "README.md")


@pytest.mark.parametrize("text", ["application/json", "/v2/notes", "affinity_id", "frt_live_", "https://x.y/z.py"])
def test_what_is_no_path_is_not_taken_for_one(text: str) -> None:
    assert not is_path(text)
