"""Commands of whoever runs this Freight: tenants, settings, secrets, the database."""

import asyncio

import click
from rich.console import Console
from rich.table import Table

from freight import database, deployment, encryption, settings
from freight.domain import keys
from freight.domain import tenants as tenants_of
from freight.settings import SettingsError


@click.group()
def tenants() -> None:
    """The firms that use this Freight."""


@tenants.command("create")
@click.argument("name")
def create_tenant(name: str) -> None:
    """Create the tenant NAME and print its first API key, which is shown only this once."""
    click.echo(asyncio.run(_create_tenant(name)))


@click.command("settings")
def show_settings() -> None:
    """Show every setting: its value in force, secrets hidden, and what it is for.

    Each is an environment variable, or a line of a file named .env in the working folder.
    """
    table = Table("Variable", "In force", "What it is for", show_lines=True)
    for variable, value, description in settings.describe(settings.load()):
        table.add_row(variable, value, description)
    console = Console()
    # Where no terminal gives a width, lines are not to be broken in the middle of a value.
    console.print(table, width=None if console.is_terminal else 200)


@click.command("generate-secret")
def generate_secret() -> None:
    """Print a new secret for FREIGHT_SECRET_KEYS."""
    click.echo(encryption.generate_secret())


@click.command("migrate-database")
def migrate_database() -> None:
    """Bring the tables in FREIGHT_DATABASE_URL to the version that this Freight needs."""
    url = settings.load().database_url
    if url is None:
        raise SettingsError("FREIGHT_DATABASE_URL is not set. An embedded database migrates itself at each start.")
    click.echo(asyncio.run(_migrate(url)))


async def _create_tenant(name: str) -> str:
    chosen = settings.load()
    async with deployment.opened(chosen) as opened, database.as_platform() as tx:
        tenant_id = await tenants_of.create(tx, name)
        return await keys.issue(
            tx,
            opened.vault,
            tenant_id,
            name="first key",
            environment=chosen.environment,
            scopes=("jobs:read", "jobs:write", "admin"),
        )


async def _migrate(url: str) -> str:
    async with database.connected(url, pool_size=2):
        return (await database.migrate()).strip()
