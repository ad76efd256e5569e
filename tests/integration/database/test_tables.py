"""The tables as Piccolo declares them are those that the migrations make."""

import asyncpg
from piccolo.columns import Array, BigSerial, Column
from piccolo.table import Table

from freight.piccolo_app import APP_CONFIG

CATALOGUE_NAMES = {
    "BOOLEAN": "bool",
    "BYTEA": "bytea",
    "BIGINT": "int8",
    "BIGSERIAL": "int8",
    "DOUBLE PRECISION": "float8",
    "INTEGER": "int4",
    "JSONB": "jsonb",
    "TEXT": "text",
    "TIMESTAMPTZ": "timestamptz",
    "UUID": "uuid",
    "VARCHAR": "varchar",
}


async def test_every_declared_column_is_in_the_database_with_its_type_and_nullability(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """SELECT table_name, column_name, udt_name, is_nullable, character_maximum_length
           FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration'"""
    )
    await connection.close()
    in_database: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in rows:
        columns = in_database.setdefault(row["table_name"], {})
        columns[row["column_name"]] = (row["udt_name"], row["is_nullable"] == "YES")
    declared = {
        table._meta.tablename: {
            column._meta.name: (catalogue_name(column), column._meta.null) for column in table._meta.columns
        }
        for table in tables()
    }
    assert declared == in_database


def tables() -> list[type[Table]]:
    return APP_CONFIG.table_classes


def catalogue_name(column: Column) -> str:
    if isinstance(column, Array):
        return "_" + catalogue_name(column.base_column)
    if isinstance(column, BigSerial):
        return "int8"
    return CATALOGUE_NAMES[column.column_type.partition("(")[0]]
