"""The tables as Piccolo declares them are those that the migrations make."""

from typing import Any

import asyncpg
from piccolo.columns import Array, BigSerial, Column
from piccolo.columns.defaults.uuid import UUID4
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


async def test_every_declared_column_is_in_the_database_with_its_type_length_and_nullability(
    database_url: str,
) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """SELECT table_name, column_name, udt_name, is_nullable, character_maximum_length
           FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration'"""
    )
    await connection.close()
    in_database: dict[str, dict[str, tuple[str, int | None, bool]]] = {}
    for row in rows:
        columns = in_database.setdefault(row["table_name"], {})
        columns[row["column_name"]] = (row["udt_name"], row["character_maximum_length"], row["is_nullable"] == "YES")
    declared = {
        table._meta.tablename: {
            column._meta.name: (catalogue_name(column), getattr(column, "length", None), column._meta.null)
            for column in table._meta.columns
        }
        for table in tables()
    }
    assert declared == in_database


async def test_every_declared_default_is_the_database_s(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """SELECT table_name, column_name, column_default FROM information_schema.columns
           WHERE table_schema = 'public' AND table_name <> 'migration'
             AND column_default NOT LIKE 'nextval(%'"""
    )
    in_database = {(row["table_name"], row["column_name"]): row["column_default"] for row in rows}
    declared = {
        (table._meta.tablename, column._meta.name): column.get_sql_value(default(column))
        for table in tables()
        for column in table._meta.columns
        if default(column) is not None
    }
    assert declared.keys() == in_database.keys()
    for key, expression in declared.items():
        assert await connection.fetchval(f"SELECT {in_database[key]} = {expression}"), key
    await connection.close()


def default(column: Column) -> Any:
    """What the database fills in; None for what it does not, as Freight makes UUIDs."""
    value = None if isinstance(column, BigSerial) else getattr(column, "default", None)
    return None if isinstance(value, UUID4) else value


def tables() -> list[type[Table]]:
    return APP_CONFIG.table_classes


def catalogue_name(column: Column) -> str:
    if isinstance(column, Array):
        return "_" + catalogue_name(column.base_column)
    if isinstance(column, BigSerial):
        return "int8"
    return CATALOGUE_NAMES[column.column_type.partition("(")[0]]
