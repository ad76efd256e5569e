"""The commands, started as an operator starts them: what they print, and what they say when something is wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from freight import encryption
from freight.domain.tenancy import api_keys
from freight.settings import Settings
from freight_embedded import Servers
from support import processes
from support.servers import as_superuser, embedded_servers

REPOSITORY = Path(__file__).parents[2]
OPERATOR = "freight_operator"


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    printed: str
    complained: str


async def run(*command: str, cwd: Path, settings: Settings | None = None, **variables: str) -> Ended:
    program = str(processes.BIN / command[0])
    env = processes.environment(settings, **variables)
    # Freight sets it for itself, and so in this process, but piccolo shall find the file in its working folder.
    env.pop("PICCOLO_CONF", None)
    process = await asyncio.create_subprocess_exec(
        program,
        *command[1:],
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complained = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, printed.decode(), complained.decode())


def check_one_sentence(ended: Ended, *parts: str) -> None:
    """It failed with a sentence for people, and shows nothing of its inside."""
    assert ended.status == 1
    assert "Traceback" not in ended.printed + ended.complained
    (line,) = ended.complained.strip().splitlines()
    assert line.endswith(".")
    for part in parts:
        assert part in line


async def test_settings_are_listed_and_secrets_are_not_shown(tmp_path: Path) -> None:
    secret = encryption.generate_secret()
    ended = await run(
        *("freight", "settings"),
        cwd=tmp_path,
        FREIGHT_DATABASE_URL="postgresql://someone:very-secret@db.example.com/freight",
        FREIGHT_REDIS_URL="redis://:just-as-secret@redis.example.com:6379/0",
        FREIGHT_SECRET_KEYS=secret,
    )
    assert ended.status == 0
    assert "postgresql://someone:(hidden)@db.example.com/freight" in ended.printed
    assert "redis://:(hidden)@redis.example.com:6379/0" in ended.printed
    for hidden in ("very-secret", "just-as-secret", secret):
        assert hidden not in ended.printed


async def test_settings_are_also_read_from_a_file_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FREIGHT_PORT=8111\nFREIGHT_HOST=192.0.2.1\n")
    ended = await run("freight", "settings", cwd=tmp_path, FREIGHT_PORT="8222")
    assert "8222" in ended.printed
    assert "8111" not in ended.printed
    assert "192.0.2.1" in ended.printed


@pytest.mark.parametrize(("variable", "value"), [("PORT", "70000"), ("ENVIRONMENT", "prod")])
async def test_a_value_that_does_not_fit_is_a_sentence_that_names_the_variable(
    tmp_path: Path, variable: str, value: str
) -> None:
    ended = await run("freight", "serve", cwd=tmp_path, **{f"FREIGHT_{variable}": value})
    check_one_sentence(ended, f"FREIGHT_{variable}")


async def test_a_variable_that_is_no_setting_is_a_sentence_that_names_it(tmp_path: Path) -> None:
    ended = await run("freight", "serve", cwd=tmp_path, FREIGHT_PROT="8000")
    check_one_sentence(ended, "FREIGHT_PROT is not a setting")


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        (("freight", "serve"), {"FREIGHT_DATABASE_URL": "postgresql://localhost/freight"}),
        (("arq", "freight.worker"), {"FREIGHT_REDIS_URL": "redis://localhost:6379"}),
    ],
)
async def test_one_of_two_urls_is_a_sentence_that_names_both(
    tmp_path: Path, command: tuple[str, ...], variables: dict[str, str]
) -> None:
    check_one_sentence(await run(*command, cwd=tmp_path, **variables), "FREIGHT_DATABASE_URL", "FREIGHT_REDIS_URL")


async def test_a_worker_with_nothing_to_work_with_is_told_what_it_needs(tmp_path: Path) -> None:
    ended = await run("arq", "freight.worker", cwd=tmp_path, FREIGHT_HOME=str(tmp_path / "home"))
    check_one_sentence(ended, "FREIGHT_DATABASE_URL", "freight serve")


async def test_a_port_that_is_taken_is_a_sentence_that_names_it(tmp_path: Path, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await run("freight", "serve", cwd=tmp_path, settings=settings, FREIGHT_PORT=port)
    assert ended.status == 1
    assert "Traceback" not in ended.complained
    assert f"The API cannot listen on 127.0.0.1:{port}." in ended.complained


async def test_a_database_that_is_not_there_is_a_sentence(tmp_path: Path, settings: Settings) -> None:
    ended = await run(
        *("freight", "serve"), cwd=tmp_path, settings=settings, FREIGHT_DATABASE_URL="postgresql://127.0.0.1:1/freight"
    )
    check_one_sentence(ended, "PostgreSQL could not be reached", "FREIGHT_DATABASE_URL")


async def test_a_new_tenants_key_is_printed_once_and_its_name_is_taken(tmp_path: Path, settings: Settings) -> None:
    created = await run("freight", "tenants", "create", "Example Ventures", cwd=tmp_path, settings=settings)
    assert created.status == 0, created.complained
    (key,) = created.printed.splitlines()
    assert key.startswith("frt_test_")
    assert api_keys.is_well_formed(key)
    assert key not in created.complained
    again = await run("freight", "tenants", "create", "Example Ventures", cwd=tmp_path, settings=settings)
    check_one_sentence(again, "'Example Ventures'", "Choose another name")
    assert again.printed == ""


async def test_a_generated_secret_is_one_that_can_be_used(tmp_path: Path) -> None:
    one, two = await asyncio.gather(*(run("freight", "generate-secret", cwd=tmp_path) for _ in range(2)))
    assert one.printed != two.printed
    cipher = encryption.CredentialCipher((one.printed.strip(),))
    assert cipher.open(cipher.seal("text", bound_to="row"), bound_to="row") == "text"


@pytest.fixture(scope="module")
async def other_servers() -> AsyncIterator[Servers]:
    """A PostgreSQL that no Freight has ever used, with a login role that may make roles, and no more."""
    async with embedded_servers() as servers:
        connection = await asyncpg.connect(as_superuser(servers.database_url))
        await connection.execute(f"CREATE ROLE {OPERATOR} LOGIN NOSUPERUSER CREATEROLE")
        for name in ("by_freight", "by_piccolo"):
            await connection.execute(f"CREATE DATABASE {name} OWNER {OPERATOR}")
        await connection.close()
        yield servers


@pytest.mark.parametrize(
    ("name", "command"),
    [("by_freight", ("freight", "migrate-database")), ("by_piccolo", ("piccolo", "migrations", "forwards", "freight"))],
)
async def test_an_empty_database_is_migrated_and_used_by_a_login_role_that_is_no_superuser(
    settings: Settings, other_servers: Servers, name: str, command: tuple[str, ...]
) -> None:
    url = other_servers.database_url.replace("freight@/freight", f"{OPERATOR}@/{name}")
    create = ("freight", "tenants", "create", "Example Ventures")
    before = await run(*create, cwd=REPOSITORY, settings=settings, FREIGHT_DATABASE_URL=url)
    check_one_sentence(before, "freight migrate-database")
    for _ in range(2):
        migrated = await run(*command, cwd=REPOSITORY, settings=settings, FREIGHT_DATABASE_URL=url)
        assert migrated.status == 0, migrated.printed + migrated.complained
    after = await run(*create, cwd=REPOSITORY, settings=settings, FREIGHT_DATABASE_URL=url)
    assert after.status == 0, after.complained
    assert api_keys.is_well_formed(after.printed.strip())


async def test_there_is_nothing_to_migrate_without_a_database_of_ones_own(tmp_path: Path) -> None:
    check_one_sentence(await run("freight", "migrate-database", cwd=tmp_path), "FREIGHT_DATABASE_URL is not set")
