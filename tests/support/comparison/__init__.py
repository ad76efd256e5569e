"""An independent comparison of what a target holds with what its source holds, both read over HTTP.

Nothing here is taken from Freight: what the target should hold follows from the vendors' documentation alone.
"""

from freight_sandbox import Sandbox
from support.comparison import source, target
from support.comparison.lists import compare_attributes, compare_entries, compare_lists
from support.comparison.records import compare_records
from support.comparison.sides import Sides
from support.comparison.talk import compare_files, compare_notes, compare_tasks
from support.comparison.values import Difference

COMPARISONS = (
    compare_attributes,
    compare_records,
    compare_lists,
    compare_entries,
    compare_notes,
    compare_tasks,
    compare_files,
)


async def differences(sandbox: Sandbox) -> list[Difference]:
    """Return every difference between the sandbox's Affinity and its Attio, value by value."""
    sides = Sides(await source.read(sandbox), await target.read(sandbox))
    return [difference for compare in COMPARISONS for difference in compare(sides)]
