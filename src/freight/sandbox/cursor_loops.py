"""Pages that lead back: what the fault `cursor_loop` makes of an answer."""

from urllib.parse import parse_qsl, urlencode

import msgspec

from freight.sandbox.answers import Answer
from freight.sandbox.faults import CURSORS, Asked


class CursorLoops:
    """Remembers which pages were asked for, and leads to the one before instead of to the next."""

    def __init__(self) -> None:
        self._followed: dict[str, list[str]] = {}

    def see(self, asked: Asked) -> None:
        """Take note of a request for a further page."""
        if (cursor := asked.cursor) is not None:
            others = [before for before in self._followed.get(_reading(asked), []) if before != cursor]
            self._followed[_reading(asked)] = [*others[-1:], cursor]

    def lead_back(self, asked: Asked, origin: str, answer: Answer) -> Answer:
        """Return the page with a link to the page that was asked for before it; as it is if there was none."""
        before, *rest = self._followed.get(_reading(asked), [""])
        if not rest or answer.status != 200:
            return answer
        page = msgspec.json.decode(answer.body)
        if "next_page_token" in page:
            page["next_page_token"] = before
        elif "nextUrl" in page.get("pagination", {}):
            query = urlencode([*_other_parameters(asked), ("cursor", before)])
            page["pagination"]["nextUrl"] = f"{origin}{asked.path}?{query}"
        elif "pagination" in page:
            page["pagination"]["next_cursor"] = before
        return Answer(answer.status, msgspec.json.encode(page), answer.headers)


def _reading(asked: Asked) -> str:
    """What a client reads page by page: the path with all parameters that are no cursor."""
    return f"{asked.path}?{urlencode(sorted(_other_parameters(asked)))}"


def _other_parameters(asked: Asked) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(asked.query) if name not in CURSORS]
