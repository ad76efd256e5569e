"""Commands for the operator: tenants, settings, secrets, the database."""

import asyncio

import click
from rich.console import Console
from rich.table import Table

from freight import database, deployment, encryption, settings
from freight.domain.tenancy import api_keys
from freight.domain.tenancy import tenants as tenants_of
from freight.domain.tenancy.audit import Actor
from freight.domain.tenancy.tenants import TenantRequest
from freight.settings import SettingsError

COMMAND_LINE = Actor(tenant_id=None, name="command line")


@click.group()
def admin() -> None:
    """Manage the platform administrator's keys."""


@admin.command("create-key")
@click.option("--name", default="administrator", show_default=True, help="The name of the key.")
def create_key(name: str) -> None:
    """Print a new administrator key, which is shown only once."""
    click.echo(asyncio.run(_create_key(name)))


@admin.command("revoke-key")
@click.argument("prefix")
def revoke_key(prefix: str) -> None:
    """Revoke the administrator key that begins with PREFIX, `frt_live_` and eight characters."""
    asyncio.run(_revoke_key(prefix))


@click.group()
def tenants() -> None:
    """Manage tenants, the firms that use this Freight."""


@tenants.command("create")
@click.argument("name")
def create_tenant(name: str) -> None:
    """Create the tenant NAME and print its first API key, which is shown only once."""
    click.echo(asyncio.run(_create_tenant(name)))


@click.command("settings")
def show_settings() -> None:
    """Show every setting with its current value and its purpose; secrets are hidden.

    Each is an environment variable, or a line of a file named .env in the working folder.
    """
    table = Table("Variable", "Value", "Description", show_lines=True)
    for variable, value, description in settings.describe(settings.load()):
        table.add_row(variable, value, description)
    # Without a terminal to set the width, lines must not break in the middle of a value.
    Console(width=None if Console().is_terminal else 200).print(table)


@click.command("generate-secret")
def generate_secret() -> None:
    """Print a new secret for FREIGHT_SECRET_KEYS."""
    click.echo(encryption.generate_secret())


@click.command("migrate-database")
def migrate_database() -> None:
    """Migrate the tables in FREIGHT_DATABASE_URL to the version that this Freight needs."""
    url = settings.load().database_url
    if url is None:
        raise SettingsError("FREIGHT_DATABASE_URL is not set. An embedded database migrates itself at each start.")
    click.echo(asyncio.run(_migrate(url)))


async def _create_tenant(name: str) -> str:
    chosen = settings.load()
    async with deployment.opened(chosen) as opened, database.as_platform() as tx:
        tenant = await tenants_of.create(tx, COMMAND_LINE, TenantRequest(name=name))
        first = await api_keys.issue_first(tx, opened.cipher, COMMAND_LINE, tenant.id, environment=chosen.environment)
        return first.key


async def _create_key(name: str) -> str:
    chosen = settings.load()
    async with deployment.opened(chosen) as opened, database.as_platform() as tx:
        new = await api_keys.issue(
            tx,
            opened.cipher,
            COMMAND_LINE,
            tenant_id=None,
            name=name,
            environment=chosen.environment,
            scopes=("admin",),
        )
        return new.key


async def _revoke_key(prefix: str) -> None:
    async with deployment.opened(settings.load()), database.as_platform() as tx:
        await api_keys.revoke_administrators(tx, COMMAND_LINE, prefix)


async def _migrate(url: str) -> str:
    async with database.connected(url, pool_size=2):
        return (await database.migrate()).strip()
