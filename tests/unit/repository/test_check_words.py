"""`scripts/check-words` finds phrases that have plainer ones, and nothing else."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "check-words"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("check_words", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "line",
    ["Nobody else holds it.", "It is read anew.", "Somebody is at it.", "while Redis was away", "is told of the end"],
)
def test_a_phrase_that_has_a_plainer_one_is_found(script: ModuleType, tmp_path: Path, line: str) -> None:
    (tmp_path / "text.md").write_text(f"First line.\n{line}\n")
    assert {number for number, _, _ in script.findings(tmp_path / "text.md")} == {2}


@pytest.mark.parametrize(
    "line", ["Carry out the step.", "redis_unavailable", "The record is removed.", "string, bring, ring"]
)
def test_other_words_are_left_alone(script: ModuleType, tmp_path: Path, line: str) -> None:
    (tmp_path / "text.md").write_text(line)
    assert list(script.findings(tmp_path / "text.md")) == []
