"""The defaults of the sandbox, which its options alone decide."""

from freight_sandbox import SandboxOptions
from freight_sandbox.command import sandbox


def test_the_command_has_the_defaults_of_the_options() -> None:
    assert SandboxOptions(**sandbox.make_context("sandbox", []).params) == SandboxOptions()
