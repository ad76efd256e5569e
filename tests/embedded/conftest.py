import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_parts import Holder, eventually, keepers


def assert_nothing_is_left(home: Path) -> None:
    for holder in list(Holder.alive):
        holder.kill()
    assert eventually(lambda: not keepers(home))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everyone may pass through, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="freight-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    """A home folder that does not exist yet. At the end nothing of it may be running."""
    path = open_folder / "home"
    yield path
    assert_nothing_is_left(path)


@pytest.fixture
def closed_home(tmp_path: Path) -> Iterator[Path]:
    """A home folder below one that only its owner may pass through."""
    (tmp_path / "closed").mkdir(mode=0o700)
    path = tmp_path / "closed" / "home"
    yield path
    assert_nothing_is_left(path)


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")


@pytest.fixture
def ordinary_user(as_root: None) -> pwd.struct_passwd:
    return pwd.getpwnam("daemon")
