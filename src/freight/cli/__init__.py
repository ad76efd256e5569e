"""The command line: `freight …`."""

from importlib import import_module

import click

from freight import __version__
from freight.cli.administration import admin, generate_secret, migrate_database, show_settings, tenants
from freight.cli.serve import serve
from freight.database import DatabaseError
from freight.domain.errors import DomainError
from freight.encryption import SecretError
from freight.settings import SettingsError
from freight_embedded import EmbeddedError

SIMULATED = {"demo": "freight.cli.demo", "sandbox": "freight_sandbox.command"}
"""Commands that need the simulated vendors, by their module, which is imported on use: production installations lack
it.
"""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *SIMULATED]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in SIMULATED:
            return super().get_command(ctx, name)
        try:
            module = import_module(SIMULATED[name])
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("freight_sandbox"):
                raise
            return _missing(name)
        command: click.Command = getattr(module, name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (SettingsError, EmbeddedError, DatabaseError, SecretError, DomainError) as error:
            raise click.ClickException(str(error)) from error


def _missing(name: str) -> click.Command:
    @click.command(name, help="Not part of this installation.", context_settings={"ignore_unknown_options": True})
    @click.argument("ignored", nargs=-1)
    def missing(ignored: tuple[str, ...]) -> None:  # noqa: ARG001 - whatever it was to be told
        raise click.ClickException(
            f"`freight {name}` needs the simulated vendors, which this installation lacks. Run it from a clone of the "
            "repository: scripts/setup, then .venv/bin/freight."
        )

    return missing


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="freight")
def main() -> None:
    """Migrate a firm's CRM workspace from Affinity to Attio."""


for command in (serve, tenants, admin, show_settings, generate_secret, migrate_database):
    main.add_command(command)
