"""A deployment opened from its settings: servers, database, Redis, secrets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import structlog

import freight_embedded
from freight import database, encryption
from freight.encryption import CredentialCipher
from freight.settings import Settings, SettingsError
from freight_embedded.processes import shared_user_warning

log = structlog.get_logger()


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that every process of Freight uses."""

    settings: Settings
    database_url: str
    redis_url: str
    cipher: CredentialCipher


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Deployment]:
    """Open the deployment: start or join the embedded servers if no others are set, connect, and load the secrets.

    An embedded database is migrated; any other must be migrated already. Raise `SettingsError`, `EmbeddedError`,
    `DatabaseError` or `SecretError`, each with a message for the operator.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url and settings.redis_url:
            database_url, redis_url = settings.database_url, settings.redis_url
            cipher = CredentialCipher(settings.secrets)
        else:
            _check_both_or_none(settings)
            servers = await stack.enter_async_context(freight_embedded.hold(settings.home_path))
            database_url, redis_url = servers.database_url, servers.redis_url
            cipher = CredentialCipher(settings.secrets or (encryption.secret_in(settings.home_path),))
        await stack.enter_async_context(database.connected(database_url, pool_size=settings.database_pool_size))
        if settings.database_url:
            if not await database.is_migrated():
                raise database.DatabaseError(
                    "The database lacks Freight's tables or has older ones. Run `freight migrate-database` first."
                )
        else:
            await database.migrate()
        yield Deployment(settings=settings, database_url=database_url, redis_url=redis_url, cipher=cipher)


def warn_of_shared_user(settings: Settings) -> None:
    """Log a warning if other programs have access to the embedded servers."""
    embeds = not settings.database_url
    if embeds and (sentence := shared_user_warning(settings.home_path / "postgres")):
        log.warning("embedded_servers_run_as_shared_user", consequence=sentence)


def redis_url(settings: Settings) -> str:
    """Return the URL of Redis, for callers that need it before anything is started. Raise `SettingsError`."""
    if settings.redis_url and settings.database_url:
        return settings.redis_url
    _check_both_or_none(settings)
    servers = freight_embedded.running(settings.home_path)
    if servers is None:
        raise SettingsError(
            "A worker of its own needs FREIGHT_DATABASE_URL and FREIGHT_REDIS_URL, or a running `freight serve` on "
            "this machine whose embedded servers it can share."
        )
    return servers.redis_url


def _check_both_or_none(settings: Settings) -> None:
    if settings.database_url or settings.redis_url:
        raise SettingsError(
            "Set both FREIGHT_DATABASE_URL and FREIGHT_REDIS_URL, or neither to have both servers embedded."
        )
