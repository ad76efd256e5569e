"""The remaining values of fields of which Affinity returns only the first hundred with a row."""

from typing import Any

from freight.connectors.affinity.client import AffinityClient, optional
from freight.connectors.affinity.fields import described, is_cut_off
from freight.connectors.affinity.row_parser import FieldSelection


async def fetch_all_values(client: AffinityClient, path: str, holder: object, selection: FieldSelection) -> None:
    """Complete the fields of `holder` that are truncated and migrated. `path` is that of the holder in version 2.

    Affinity has had the pages of values since September 2026 and calls them a beta: if they are refused, the field
    stays as it is and its reader names what is missing.
    """
    fields = holder.get("fields") if isinstance(holder, dict) else None
    for field in fields if isinstance(fields, list) else ():
        match field:
            case {"id": str(id_), "value": {"type": str(type_), "data": list() as data} as value}:
                if is_cut_off(type_, data, value.get("totalCount")) and selection.migrates(described(field, type_)):
                    await _complete(client, f"{path}/fields/{id_}/values", value)


async def _complete(client: AffinityClient, path: str, value: dict[str, Any]) -> None:
    rows = await optional(client.all_rows(path))
    if rows is None:
        return
    values = [row["data"] if isinstance(row, dict) and "data" in row else row for row in rows]
    if len(values) >= len(value["data"]):
        total = value.get("totalCount")
        value.update(data=values, totalCount=len(values) if total is None else total)
