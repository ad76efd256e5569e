"""One value as a client sent it, and the complaints about it."""

from typing import Any

import msgspec

from freight_sandbox.attio.errors import AttioError, Path, incomplete, invalid, malformed, unrecognised
from freight_sandbox.attio.schema import Attribute
from freight_sandbox.attio.values import Actor
from freight_sandbox.attio.workspace import Workspace


class Given(msgspec.Struct, frozen=True):
    """One value as a client sent it, with what is needed to understand it."""

    raw: Any
    attribute: Attribute
    workspace: Workspace
    active_from: str
    actor: Actor

    def bad(self, reason: str, *path: str) -> AttioError:
        """The complaint about the value, or about the part of it at `path`."""
        return invalid(path, reason)

    def part(self, key: str) -> Any:
        """The raw value itself, or what stands under the only key of its object form."""
        if isinstance(self.raw, dict):
            require_keys(self.raw, (key,))
            return self.raw[key]
        return self.raw

    def text(self, key: str) -> str:
        """As `part`, and a string."""
        part = self.part(key)
        if not isinstance(part, str):
            raise malformed((key,), "string", part)
        return part

    @property
    def common(self) -> dict[str, Any]:
        """What every value carries."""
        return {"active_from": self.active_from, "created_by_actor": self.actor}


def require_keys(
    raw: dict[str, Any], required: tuple[str, ...], optional: tuple[str, ...] = (), path: Path = ()
) -> None:
    """Raises 400 unless the object has all the required keys and no unknown ones."""
    if lacking := [key for key in required if key not in raw]:
        raise incomplete(path, lacking)
    if unknown := [key for key in raw if key not in required and key not in optional]:
        raise unrecognised(path, unknown)
