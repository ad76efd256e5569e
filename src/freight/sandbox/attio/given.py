"""One value as a client sent it, and the complaints about it."""

from typing import Any

import msgspec

from freight.sandbox.attio.errors import Path, malformed, refused, unrecognised
from freight.sandbox.attio.schema import Attribute
from freight.sandbox.attio.values import Actor
from freight.sandbox.attio.workspace import Workspace


class Given(msgspec.Struct, frozen=True):
    """One value as a client sent it, with what is needed to understand it."""

    raw: Any
    attribute: Attribute
    path: Path
    workspace: Workspace
    active_from: str
    actor: Actor

    def bad(self, reason: str, code: str = "validation_type") -> Exception:
        """The error that names the attribute."""
        return refused(f'An invalid value was passed to attribute with slug "{self.attribute.slug}". {reason}', code)

    def part(self, key: str) -> Any:
        """The raw value itself, or what stands under the only key of its object form."""
        if isinstance(self.raw, dict):
            require_keys(self.raw, (key,), self.path)
            return self.raw[key]
        return self.raw

    def text(self, key: str) -> str:
        """As `part`, and a string."""
        part = self.part(key)
        if not isinstance(part, str):
            raise malformed((*self.path, key), "string", part)
        return part

    @property
    def common(self) -> dict[str, Any]:
        """What every value carries."""
        return {"active_from": self.active_from, "created_by_actor": self.actor}


def require_keys(raw: dict[str, Any], required: tuple[str, ...], path: Path, optional: tuple[str, ...] = ()) -> None:
    """Raises 400 unless the object has all the required keys and no unknown ones."""
    for key in required:
        if key not in raw:
            raise malformed((*path, key), "string")
    if unknown := [key for key in raw if key not in required and key not in optional]:
        raise unrecognised(path, unknown)
