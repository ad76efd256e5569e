"""Outside of its own package no module knows a vendor: what has to be known is asked of the specifications."""

import re
from pathlib import Path

import pytest

import freight
from freight.connectors import registry

ROOT = Path(freight.__file__).parent

VENDORS = re.compile("|".join(registry.SPECS), re.IGNORECASE)

EXCEPTIONS = {
    # The lines that register the connectors.
    "connectors/registry.py": r"from freight\.connectors\.|^(SPECS|SOURCES|TARGETS): ",
    # The names of settings are the operators', and one vendor's limits are no other's.
    "settings.py": r"^    (affinity|attio)_\w+_per_(minute|second): |Meta\(ge=0, description=",
    # Texts for people, and the demonstration, which runs on the simulated vendors.
    "cli/": r"",
}
"""Where a vendor may be named: the modules that begin with this, and of these the lines that match."""

PATHS = [
    path
    for path in sorted(ROOT.rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts and path.suffix in (".py", ".sql", ".html", ".css", ".js")
    if not any(path.is_relative_to(ROOT / "connectors" / system) for system in registry.SPECS)
]


def allowed(path: Path, line: str) -> bool:
    name = path.relative_to(ROOT).as_posix()
    return any(name.startswith(start) and re.search(pattern, line) for start, pattern in EXCEPTIONS.items())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_outside_of_the_vendors_packages_names_no_vendor(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not VENDORS.search(path.name)
    assert [line for line in lines if VENDORS.search(line) and not allowed(path, line)] == []


def test_each_exception_is_needed() -> None:
    for start in EXCEPTIONS:
        texts = [path.read_text(encoding="utf-8") for path in PATHS if f"{path.relative_to(ROOT)}".startswith(start)]
        assert any(VENDORS.search(text) for text in texts), start


@pytest.mark.parametrize("system", registry.SOURCES)
def test_a_source_names_no_target(system: str) -> None:
    targets = re.compile("|".join(registry.TARGETS.keys() - {system}), re.IGNORECASE)
    for path in (ROOT / "connectors" / system).rglob("*.py"):
        assert not targets.search(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("system", registry.TARGETS)
def test_a_target_names_no_source_but_in_the_marks_of_earlier_versions(system: str) -> None:
    sources = re.compile("|".join(registry.SOURCES.keys() - {system}), re.IGNORECASE)
    for path in (ROOT / "connectors" / system).rglob("*.py"):
        named = [line for line in path.read_text(encoding="utf-8").splitlines() if sources.search(line)]
        assert [line for line in named if not line.startswith("FIRST_ID = ")] == [], path
