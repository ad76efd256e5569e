from collections.abc import AsyncIterator

import pytest
from pacing_parts import Clock, RedisServer
from redis.asyncio import Redis


@pytest.fixture
async def server(tmp_path_factory) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis(unix_socket_path=server.socket)
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> Clock:
    return Clock()
