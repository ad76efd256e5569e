"""What runs in production brings neither the simulated vendors nor the tools of the tests with it."""

import subprocess
import sys

import pytest

UNWANTED = ("freight_sandbox", "faker", "pytest", "hypothesis", "schemathesis", "support")

PREPARED = """
import importlib, os, sys
os.environ.update(
    FREIGHT_DATABASE_URL="postgresql://freight@localhost/freight",
    FREIGHT_REDIS_URL="redis://localhost:6379/0",
    FREIGHT_SECRET_KEYS="{secret}",
)
importlib.import_module("{module}")
print(*sorted(name for name in sys.modules if name.split(".")[0] in {unwanted}))
"""

WITHOUT_SANDBOX = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "freight_sandbox":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from freight.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("module", ["freight.worker", "freight.cli", "freight.cli.serve"])
def test_serving_and_working_import_neither_the_sandbox_nor_the_tools_of_the_tests(module: str) -> None:
    program = PREPARED.format(module=module, unwanted=UNWANTED, secret="0" * 64)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


@pytest.mark.parametrize("command", [["demo", "--unlimited"], ["sandbox"], ["sandbox", "--companies", "3"]])
def test_a_command_that_needs_the_simulated_vendors_says_so_where_they_are_not_installed(command: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_SANDBOX, *command], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"`freight {command[0]}` needs the simulated vendors" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_list_of_commands_is_printed_where_the_simulated_vendors_are_not_installed() -> None:
    program = [sys.executable, "-c", WITHOUT_SANDBOX, "--help"]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "serve" in ended.stdout
    assert "Not part of this installation." in ended.stdout
