"""Inline text of a paragraph, as Markdown that Attio's notes support, and as plain text."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

SPECIAL = re.compile(r"[\\`*\[\]<]|(?<![^\W_])_|_(?![^\W_])|~~|==|&(?=#?\w+;)")
"""Markup in the middle of a line. An underscore between letters is none."""

LINE_START = re.compile(r"(~{3,}|#{1,6}(?=\s|$)|[-+](?=\s|$)|>|[-=]+\s*$|[-:|][-:|\s]*$)|(\d{1,9})([.)])(?=\s|$)")
"""Markup at the beginning of a line."""

PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
"""Characters that a backslash escapes."""

HIGHLIGHT = "=="
"""Attio documents it; the parser leaves it as text."""

MARKS = {
    "b": "**",
    "strong": "**",
    "i": "*",
    "em": "*",
    "s": "~~",
    "del": "~~",
    "strike": "~~",
    "mark": HIGHLIGHT,
}
"""HTML elements that Markdown has marks for."""

BREAKS = re.compile(r"article|blockquote|br|div|footer|h[1-6]|header|hr|li|ol|p|pre|section|table|tr|ul")
"""HTML elements that begin a new line."""

UNSEEN = re.compile(
    r"a|abbr|big|body|center|cite|code|font|html|img|ins|kbd|label|o:p|q|small|span|su[bp]|tbody|t[dht]|thead|u"
)
"""HTML elements that show nothing but their address."""

IMAGE = "image"
"""The text of an image without a description."""

HARD, SOFT = "  \n", "\n"

UNUSUAL_ADDRESS = re.compile(r"[\s<>\x00-\x1f\x7f]|^$")
ENTITY = re.compile(r"&(?=#?\w+;)")
AUTOLINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\x00-\x1f]*")


class Inline(msgspec.Struct, frozen=True):
    """Lines of text, with their marks and without."""

    markdown: str
    plain: str

    def paragraphs(self) -> list[str]:
        """Return the Markdown in paragraphs, which empty lines separate."""
        found: list[str] = []
        lines: list[str] = []
        for line in [*self.markdown.split("\n"), ""]:
            text = line.strip(" \t")
            if text:
                lines.append(escape_line_start(text) + ("  " if line.endswith("  ") else ""))
            elif lines:
                found.append("\n".join(lines).rstrip(" "))
                lines = []
        return found

    def on_one_line(self) -> "Inline":
        """Return the Markdown on one line, for a heading or the cell of a table."""
        return Inline(" ".join(self.markdown.split()), " ".join(self.plain.split()))


def escape_marks(text: str, kinds: str = "") -> str:
    """Return plain text as Markdown for the middle of a line.

    `kinds` gives the origin of each character: `r` for text that Markdown does not change, in which `==` remains; `e`
    for escaped text, which is escaped again.
    """
    marked = {place for found in SPECIAL.finditer(text) for place in range(*found.span())}
    if kinds:
        marked -= {place for place in marked if text[place] == "=" and kinds[place] == "r"}
        marked |= {place for place, kind in enumerate(kinds) if kind == "e" and text[place] in PUNCTUATION}
    return "".join(f"\\{character}" if place in marked else character for place, character in enumerate(text))


def escape_line_start(line: str) -> str:
    """Return a line of Markdown whose beginning is no markup."""
    if (start := LINE_START.match(line)) is None:
        return line
    return f"\\{line}" if start[1] is not None else f"{start[2]}\\{start[3]}{line[start.end() :]}"


def inline_of(tokens: Sequence[Token], parser: MarkdownIt) -> Inline:
    """Return the inline text of the tokens of a paragraph.

    Marks that would be read differently, because the surrounding text has changed, are omitted.
    """
    written = _Writer(tokens, with_marks=True).write()
    if all(token.type in ("text", "text_special", "softbreak", "hardbreak") for token in tokens):
        return written
    for attempt in (written, _Writer(tokens, with_marks=False).write()):
        if _is_read_as_meant(attempt, parser):
            return attempt
    lines = written.plain.split("\n")
    return Inline(HARD.join(escape_marks(line) for line in lines), written.plain)


def _is_read_as_meant(written: Inline, parser: MarkdownIt) -> bool:
    words = []
    for part in written.paragraphs():
        (again,) = parser.parseInline(part)
        read = _Writer(again.children or (), with_marks=True).write()
        if read.paragraphs() != [part]:
            return False
        words += read.plain.split()
    return words == written.plain.split()


class _Element(msgspec.Struct):
    """An open element: its mark, and its content so far."""

    mark: str
    tag: str = ""
    address: str = ""
    markdown: str = ""
    plain: str = ""
    trailing: str = ""
    """The addresses of images in a link; these cannot be links themselves."""


class _Tag(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.name = ""
        self.closes = False
        self.attributes: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.name, self.attributes = tag, {key: value or "" for key, value in attrs}

    def handle_endtag(self, tag: str) -> None:
        self.name, self.closes = tag, True


class _Writer:
    """Writes the tokens of a paragraph."""

    def __init__(self, tokens: Sequence[Token], *, with_marks: bool) -> None:
        self._tokens = tokens
        self._with_marks = with_marks
        self._open = [_Element("")]
        self._run = ""
        self._kinds = ""

    def write(self) -> Inline:
        pairs = _pairs(self._tokens)
        for place, token in enumerate(self._tokens):
            self._add(token, is_paired=place in pairs)
        self._flush()
        (whole,) = self._open
        return Inline(whole.markdown, whole.plain)

    def _add(self, token: Token, *, is_paired: bool) -> None:
        match token.type:
            case "text":
                self._text(token.content, "r")
            case "text_special":
                self._text(token.content, "e")
            case "code_inline":
                self._text(token.content, "c")
            case "softbreak" | "hardbreak":
                self._break(SOFT if token.type == "softbreak" else HARD)
            case "link_open" if token.markup == "autolink":
                self._begin(_Element("<"))
            case "link_open":
                self._begin(_Element("[", address=_address(token, "href")))
            case "em_open" | "strong_open" | "s_open":
                self._begin(_Element(token.markup))
            case "link_close" | "em_close" | "strong_close" | "s_close":
                self._end()
            case "image":
                self._image(_plain(token.children or ()), str(token.attrs.get("src", "")), _address(token, "src"))
            case "html_inline":
                self._html(token.content, is_paired=is_paired)

    def _text(self, text: str, kind: str) -> None:
        self._run += text
        self._kinds += kind * len(text)

    def _flush(self, *, before_link: bool = False) -> None:
        if before_link and self._run.endswith("!"):
            # A link after it would be an image.
            self._kinds = f"{self._kinds[:-1]}e"
        inner = self._open[-1]
        inner.markdown += self._run if inner.mark == "<" else escape_marks(self._run, self._kinds)
        inner.plain += self._run
        self._run = self._kinds = ""

    def _break(self, mark: str) -> None:
        self._flush()
        inner = self._open[-1]
        inner.markdown = inner.markdown.rstrip(" \t") + mark
        inner.plain += "\n"

    def _begin(self, element: _Element) -> None:
        self._flush(before_link=element.mark == "[")
        self._open.append(element)

    def _end(self) -> None:
        self._flush()
        element = self._open.pop()
        outer = self._open[-1]
        text = element.markdown
        core = text.strip()
        is_highlight = element.mark == HIGHLIGHT and core and self._with_marks
        # The parser does not read these marks: to it they are text.
        outer.plain += f"{HIGHLIGHT}{element.plain.strip()}{HIGHLIGHT}" if is_highlight else element.plain
        if element.mark == "<":
            outer.markdown += f"<{text}>"
        elif element.mark == "[":
            outer.markdown += f"[{core}]({element.address}){element.trailing}"
            outer.plain += " (image)" * element.trailing.count(f"([{IMAGE}](")
        elif core and self._with_marks and all(around.mark != element.mark for around in self._open):
            # A mark next to a space is none.
            before = text[: len(text) - len(text.lstrip())]
            outer.markdown += f"{before}{element.mark}{core}{element.mark}{text[len(text.rstrip()) :]}"
        else:
            outer.markdown += text

    def _image(self, words: str, source: str, address: str) -> None:
        link = next((element for element in self._open if element.mark == "["), None)
        if link is not None:
            self._text(words or IMAGE, "c")
            link.trailing += f" ([{IMAGE}]({address}))"
            return
        self._flush(before_link=True)
        inner = self._open[-1]
        shown = words or source.strip() or IMAGE
        inner.markdown += f"[{escape_marks(shown)}]({address})"
        inner.plain += shown

    def _html(self, text: str, *, is_paired: bool) -> None:
        if text.startswith("<!--"):
            return
        tag = _Tag(text)
        if BREAKS.fullmatch(tag.name):
            self._break(HARD)
        elif tag.name == "img":
            source = tag.attributes.get("src", "")
            self._image(" ".join(tag.attributes.get("alt", "").split()), source, _written_address(source, ""))
        elif tag.name in ("td", "th"):
            self._text(" ", "r")
        elif is_paired and tag.closes:
            if self._open[-1].tag == tag.name:
                self._end()
        elif is_paired:
            self._begin_html(tag)
        elif tag.name not in MARKS and not UNSEEN.fullmatch(tag.name):
            self._text(text, "c")

    def _begin_html(self, tag: _Tag) -> None:
        if tag.name == "a":
            self._begin(_Element("[", tag="a", address=_written_address(tag.attributes.get("href", ""), "")))
        else:
            self._begin(_Element(MARKS[tag.name], tag=tag.name))


def _pairs(tokens: Sequence[Token]) -> set[int]:
    """Return the positions of matching HTML tags with no unmatched tag in between."""
    found: set[int] = set()
    waiting: list[tuple[int, str]] = []
    for place, token in enumerate(tokens):
        if token.nesting > 0:
            waiting.append((place, ""))
        elif token.nesting < 0:
            while waiting and waiting.pop()[1]:
                pass
        elif token.type == "html_inline":
            tag = _Tag(token.content)
            if tag.name not in MARKS and not (tag.name == "a" and (tag.closes or tag.attributes.get("href"))):
                continue
            names = [name for _, name in waiting]
            if not tag.closes:
                is_within = tag.name in names or (tag.name == "a" and _is_in_link(tokens, place))
                waiting += [] if is_within else [(place, tag.name)]
            elif waiting and waiting[-1][1] == tag.name:
                found |= {waiting.pop()[0], place}
    return found


def _is_in_link(tokens: Sequence[Token], place: int) -> bool:
    depth = 0
    for token in tokens[:place]:
        depth += token.nesting if token.type.startswith("link_") else 0
    return depth > 0


def _plain(tokens: Sequence[Token]) -> str:
    """Return the words of an image on one line."""
    return " ".join(_Writer(tokens, with_marks=False).write().plain.split())


def _address(token: Token, key: str) -> str:
    return _written_address(str(token.attrs.get(key, "")), str(token.attrs.get("title", "")))


def _written_address(address: str, title: str) -> str:
    """Return the address and title of a link as written between the brackets."""
    address = ENTITY.sub(r"\\&", re.sub(r"\s", "%20", address.replace("\\", "\\\\")))
    if UNUSUAL_ADDRESS.search(address) or not _is_balanced(address):
        address = f"<{re.sub('([<>])', _escaped, address)}>"
    if title:
        title = ENTITY.sub(r"\\&", re.sub(r'([\\"])', r"\\\1", " ".join(title.split())))
        return f'{address} "{title}"'
    return address if address != "<>" else ""


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def _is_balanced(address: str) -> bool:
    depth = 0
    for character in address:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or depth > 30:
            return False
    return depth == 0
