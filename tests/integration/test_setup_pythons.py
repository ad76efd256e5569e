"""The set-up refuses a Python on which Freight does not run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("version", "status"), [((3, 10), 1), ((3, 11), 0), ((3, 14), 0), ((3, 15), 1)])
def test_the_set_up_says_which_pythons_it_takes(tmp_path: Path, version: tuple[int, int], status: int) -> None:
    # A program that is asked as a Python would be, and says that it is of this version.
    python = tmp_path / "a python"
    python.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"sys.version_info = {(*version, 0)}\n"
        "if '-c' in sys.argv: exec(sys.argv[sys.argv.index('-c') + 1])\n"
        "else: print('installs', *sys.argv[3:])\n"
    )
    python.chmod(0o755)
    ended = subprocess.run(
        [ROOT / "scripts" / "setup", "demo"],
        env={"PATH": os.environ["PATH"], "FREIGHT_PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    if status:
        assert f"is Python {version[0]}.{version[1]}: install one of these" in ended.stderr
    else:
        assert re.fullmatch(r"installs .*/scripts/install.py demo\n", ended.stdout)
