"""Pages that lead back: what the fault `cursor_loop` makes of an answer."""

from urllib.parse import urlencode

import msgspec

from freight_sandbox.answers import Answer
from freight_sandbox.faults import Asked


class CursorLoops:
    """Remembers which pages were asked for, and leads to the one before instead of to the next."""

    def __init__(self) -> None:
        self._followed: dict[str, list[str]] = {}

    def see(self, asked: Asked) -> None:
        """Take note of a request for a further page."""
        if (cursor := asked.cursor) is not None:
            others = [before for before in self._followed.get(asked.reading, []) if before != cursor]
            self._followed[asked.reading] = [*others[-1:], cursor]

    def lead_back(self, asked: Asked, origin: str, answer: Answer) -> Answer:
        """Return the page with a link to the page that was asked for before it; as it is if there was none."""
        before, *rest = self._followed.get(asked.reading, [""])
        if not rest or answer.status != 200:
            return answer
        page = msgspec.json.decode(answer.body)
        if "next_page_token" in page:
            page["next_page_token"] = before
        elif "nextUrl" in page.get("pagination", {}):
            query = urlencode([*asked.other_parameters, ("cursor", before)])
            page["pagination"]["nextUrl"] = f"{origin}{asked.path}?{query}"
        elif "pagination" in page:
            page["pagination"]["next_cursor"] = before
        return Answer(answer.status, msgspec.json.encode(page), answer.headers)
