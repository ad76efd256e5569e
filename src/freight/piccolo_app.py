"""What Piccolo needs to know to migrate Freight's tables."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="freight",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(modules=["freight.domain.tables"]),
    migration_dependencies=[],
    commands=[],
)
