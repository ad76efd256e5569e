"""The README names what there is: every setting and every script."""

import re

import pytest

from freight import settings as settings_of
from freight.settings import Settings
from support.readme import README, REPOSITORY, section


def test_every_setting_is_in_the_readme() -> None:
    rows = re.findall(r"^\| `(FREIGHT_\w+)` \| (.*) \| (.*) \|$", section("Settings"), re.MULTILINE)
    assert rows == [
        (variable, shown_default(variable, value), description)
        for variable, value, description in settings_of.describe(Settings())
    ]


def shown_default(variable: str, value: str) -> str:
    if variable == "FREIGHT_HOME":
        return "the user's data folder"
    return f"`{value}`" if value else ""


@pytest.mark.parametrize("name", ["demo", "test", "check", "lock"])
def test_every_script_that_the_readme_names_exists(name: str) -> None:
    assert f"scripts/{name}" in README
    assert (REPOSITORY / "scripts" / name).stat().st_mode & 0o111
