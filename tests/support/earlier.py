"""Databases as earlier versions left them."""

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from freight.piccolo_app import APP_CONFIG
from freight.piccolo_engine import migrating


def versions() -> list[str]:
    """Return the ids of all migrations, oldest first."""
    manager = ForwardsMigrationManager(app_name="freight")
    modules = manager.get_migration_modules(APP_CONFIG.resolved_migrations_folder_path)
    return sorted(manager.get_migration_ids(modules))


async def migrate_to(version: str) -> None:
    """Apply the migrations up to this one to the connected database."""
    with migrating():
        result = await ForwardsMigrationManager(app_name="freight", migration_id=version).run()
    assert result.success, result.message
