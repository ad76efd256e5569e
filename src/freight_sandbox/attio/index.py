"""Which records hold a value."""

from collections.abc import Collection


class Index:
    """Record ids by value. Most values stand on one record only, so a set is kept only where there are more."""

    def __init__(self) -> None:
        self._holders: dict[str, str | set[str]] = {}

    def add(self, key: str, record_id: str) -> None:
        """Note that a record holds the value."""
        held = self._holders.setdefault(key, record_id)
        if isinstance(held, set):
            held.add(record_id)
        elif held != record_id:
            self._holders[key] = {held, record_id}

    def discard(self, key: str, record_id: str) -> None:
        """Note that a record holds the value no more."""
        held = self._holders.get(key)
        if held == record_id:
            del self._holders[key]
        elif isinstance(held, set):
            held.discard(record_id)

    def holders(self, key: str) -> Collection[str]:
        """The ids of the records that hold the value."""
        held = self._holders.get(key, ())
        return (held,) if isinstance(held, str) else held
