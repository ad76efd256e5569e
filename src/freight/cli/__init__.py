"""The command line: `freight …`."""

import click

from freight import __version__
from freight.cli.administration import admin, generate_secret, migrate_database, show_settings, tenants
from freight.cli.demo import demo
from freight.cli.serve import serve
from freight.database import DatabaseError
from freight.domain.errors import DomainError
from freight.embedded import EmbeddedError
from freight.encryption import SecretError
from freight.sandbox.command import sandbox
from freight.settings import SettingsError


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (SettingsError, EmbeddedError, DatabaseError, SecretError, DomainError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="freight")
def main() -> None:
    """Freight moves a firm's CRM workspace from Affinity to Attio."""


for command in (serve, demo, sandbox, tenants, admin, show_settings, generate_secret, migrate_database):
    main.add_command(command)
