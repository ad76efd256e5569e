"""The colours of dropdown options, which API v2 names and API v1 numbers."""

NUMBERS = {"white": 0, "blue": 1, "green": 2, "yellow": 3, "orange": 4, "red": 5, "purple": 6, "gray": 7}
NAMES = {number: name for name, number in NUMBERS.items()}


def color_name(color: str | int | None) -> str | None:
    """The colour as v2 has it."""
    return NAMES.get(color) if isinstance(color, int) else color


def color_number(color: str | int | None) -> int | None:
    """The colour as v1 has it."""
    return NUMBERS.get(color) if isinstance(color, str) else color
