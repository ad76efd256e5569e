"""Redis: its data folder and its server."""

import shutil
import signal
import socket
from contextlib import closing
from pathlib import Path

import msgspec

from freight_embedded.processes import Launcher, Server, say
from freight_embedded.redis_program import Program

FIRST = Program(product="Redis", version=(6, 2))
"""The program that wrote data which do not name it."""


def redis_url(sockets: Path) -> str:
    """Return the server's URL for redis-py."""
    return f"unix://{_socket(sockets)}"


def prepare(data: Path, launcher: Launcher, program: Program) -> None:
    """Create the data folder if it is missing or holds data of another program that this one cannot read.

    In the latter case the data are moved to `redis.old`. Freight does not need them: PostgreSQL holds everything that
    must last.
    """
    note = data.with_name(f"{data.name}.json")
    writer = _writer(note)
    if data.exists() and not program.can_read_data_of(writer):
        old = data.with_name(f"{data.name}.old")
        if old.exists():
            shutil.rmtree(old)
        data.rename(old)
        say(f"{program} cannot read what {writer} wrote to {data}. It starts empty; the old data are in {old}.")
    if not data.exists():
        launcher.account.make_folder(data)
    note.write_bytes(msgspec.json.encode(program))


def server(path: str, data: Path, sockets: Path, launcher: Launcher, log: Path) -> Server:
    """Return the server of a prepared data folder. It persists to an append-only file, so it takes no snapshots."""
    return Server(
        "Redis",
        launcher=launcher,
        command=[
            *(path, "--dir", str(data), "--port", "0"),
            *("--unixsocket", str(_socket(sockets)), "--unixsocketperm", "700"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", ""),
        ],
        folders=[data, sockets],
        log=log,
        stop_signal=signal.SIGTERM,
        is_ready=lambda _: _answers(_socket(sockets)),
    )


def _writer(note: Path) -> Program:
    try:
        return msgspec.json.decode(note.read_bytes(), type=Program)
    except (FileNotFoundError, msgspec.DecodeError):
        return FIRST


def _socket(sockets: Path) -> Path:
    return sockets / "redis.sock"


def _answers(path: Path) -> bool:
    """Return whether the server answers a ping; while it loads its data it answers that it is loading."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
