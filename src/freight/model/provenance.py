"""Provenance: the system that records come from, as named in the target's data and in messages."""

import msgspec


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source system. Targets build their marks from it, so that the ids of two systems never meet in one target."""

    system: str
    """Its name in the registry: lower-case letters, digits and underscores."""
    label: str
    """Its name for people; each word begins with a capital letter."""
    deal: str = "deal"
    """What it calls a deal, in lower case."""
    task: str = "task"
    """What it calls a task, in lower case."""
