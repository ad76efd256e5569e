"""Provenance: which system records come from, as the target's data and the sentences about a record name it."""

import msgspec


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source system. Targets build their marks from it, so that the ids of two systems never meet in one target."""

    system: str
    """Its name in the registry: lower-case letters, digits and underscores."""
    label: str
    """Its name for people, whose words begin with capital letters."""
    deal: str = "deal"
    """What it calls a deal, in lower case."""
    task: str = "task"
    """What it calls a task, in lower case."""
