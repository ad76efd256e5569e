import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from embedded_parts import Holder, eventually, keepers

import freight_embedded


def assert_nothing_is_left(home: Path) -> None:
    for holder in list(Holder.alive):
        holder.kill()
    assert eventually(lambda: not keepers(home))


@contextmanager
def folder_for_everyone() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="freight-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everyone may pass through, unlike pytest's own."""
    with folder_for_everyone() as path:
        yield path


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    """A home folder that does not exist yet. At the end nothing of it may be running."""
    path = open_folder / "home"
    yield path
    assert_nothing_is_left(path)


@pytest.fixture(scope="session")
async def earlier_home() -> AsyncIterator[Path]:
    """A home folder whose servers have run and hold nothing; only to be copied."""
    with folder_for_everyone() as folder:
        async with freight_embedded.hold(folder / "home"):
            pass
        await freight_embedded.stopped(folder / "home")
        yield folder / "home"


@pytest.fixture
def used_home(home: Path, earlier_home: Path) -> Path:
    """A home folder whose servers have run before, so that PostgreSQL need not make its data folder."""
    # `cp` keeps the owners of the files.
    subprocess.run(["cp", "-a", str(earlier_home), str(home)], check=True)
    return home


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
