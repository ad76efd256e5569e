"""Conversion to the Markdown of Attio's notes: headings of three levels, lists, emphasis and links, as documented.

`markdown-it-py` parses it. Writing is our own: no library writes a subset of Markdown, and the result must be the same
in every run.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, paragraph, reference
from markdown_it.rules_core import StateCore
from markdown_it.tree import SyntaxTreeNode

from freight.connectors.attio.drafting.inline import IMAGE, Inline, escape_line_start, escape_marks, inline_of

BREAK = "  \n"
"""Ends a line within a paragraph."""

MAX_NESTING = 60
"""The maximum depth of lists and quotations. The parser would omit what is nested deeper."""

MAX_INLINE = 50_000
MAX_BRACKETS = 300
"""The maximum characters and brackets of a paragraph that is parsed for markup, which takes quadratic time."""

TITLE_SOURCE = 4_000
"""The characters that are parsed first to find the first line."""

LANGUAGE = re.compile(r"\s*[\w+#.-]*\s*")
"""The text after a fence, which is not shown."""

WORD = re.compile(r"[^\W_]+|[^\w\s\\`*\[\]()#|!<>~=]")
"""A word or a sign, except the signs of Markdown."""

MAX_ITEM_NUMBER = 999_999_999
"""The maximum number of a list item."""

TASK = re.compile(r"\\\[([ xX])\\\](?=\s)")
TASK_BOX = re.compile(r"^\[[ xX]\]\s")
HIGHLIGHTED = re.compile(r"==(?=\S)(.+?)(?<=\S)==")
CLOSING_MARKS = re.compile(r"(?:^|(?<=\s))#+\s*$")
QUOTE_MARKS = re.compile(r"^[\s>]+")

OTHER_MARKUP = {"-": "*", "*": "-", "+": "-", ".": ")", ")": "."}
"""The separator between two adjacent lists."""


def escape(text: str) -> str:
    """Return plain text as Markdown that shows it unchanged, line by line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _joined([_escaped_line(line) for line in lines])


def simplify(markdown: str) -> str:
    """Return Markdown without what Attio's notes do not support: tables, code, images, quotations and HTML become text.

    Simplifying the result again does not change it.
    """
    source = _lines_of(markdown)
    blocks = _Document(source).blocks()
    return escape(source) if blocks is None else _join(blocks)


def first_line(text: str, *, is_markdown: bool) -> str:
    """Return the first line with text, without markup."""
    if not is_markdown:
        return next((line.strip() for line in text.splitlines() if line.strip()), "")
    source = _lines_of(text)
    beginning = source[:TITLE_SOURCE].rpartition("\n")[0] if len(source) > TITLE_SOURCE else source
    for part in dict.fromkeys((beginning, source)):
        for line in _Document(part).plain_lines():
            if words := " ".join(line.split()):
                return words
    return ""


def is_older_form(older: str, newer: str) -> bool:
    """Return whether `older` is `newer` in a form that only earlier versions of Freight wrote."""
    simplified = simplify(older)
    if simplified == older.strip("\n"):
        return False
    before, now = _words(simplified), _words(newer)
    return not before - now and (now - before).keys() <= {IMAGE}


def _words(markdown: str) -> Counter[str]:
    return Counter(WORD.findall(markdown))


def _lines_of(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def _paragraph(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a paragraph, and keep the no-break spaces around it, which can be an indentation."""
    found = paragraph(state, start, end, silent)
    state.tokens[-2].content = state.getLines(start, state.line, state.blkIndent, False).strip(" \t\n")
    return found


def _reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read the definition of a link. A footnote looks the same and is text."""
    is_footnote = state.src.startswith("[^", state.bMarks[start] + state.tShift[start])
    return not is_footnote and reference(state, start, end, silent)


def _read_long_paragraphs(state: StateCore) -> None:
    """Read long paragraphs, and those with very many brackets, as text with escapes alone."""
    for token in state.tokens:
        if token.type == "inline" and (len(token.content) > MAX_INLINE or token.content.count("[") > MAX_BRACKETS):
            token.type = "long_inline"
            token.children = []
            PLAIN_PARSER.inline.parse(token.content, PLAIN_PARSER, state.env, token.children)


class _Parser(MarkdownIt):
    """Parses CommonMark, tables and strikethrough."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": True, "maxNesting": MAX_NESTING})
        self.enable(["table", "strikethrough"])
        # HTML is read tag by tag, whether it begins a line or not. Escaped text is kept apart from other text.
        self.disable(["html_block", "text_join"])
        self.block.ruler.at("paragraph", _paragraph)
        self.block.ruler.at("reference", _reference)
        self.core.ruler.before("inline", "long_paragraphs", _read_long_paragraphs)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's name
        """Return an address unchanged."""
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the parser's name
        """Return an address unchanged."""
        return link


PARSER = _Parser()
PLAIN_PARSER = _Parser().disable(["link", "image", "emphasis", "strikethrough", "backticks", "autolink", "html_inline"])


class _References(dict[str, Any]):
    """The definitions of links, and which of them are used."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            self.used.add(key)
        return super().get(key, default)


class _Block:
    """Lines of Markdown; `markup` is that of a list."""

    def __init__(self, text: str, *, markup: str = "", start: int = 1, is_heading: bool = False) -> None:
        self.text = text
        self.markup = markup
        self.start = start
        self.is_heading = is_heading

    def may_follow_directly(self, other: "_Block") -> bool:
        """Return whether it needs no empty line after the other block."""
        interrupts = self.markup not in (".", ")") or self.start == 1
        return bool(self.markup) and (interrupts or bool(other.markup) or other.is_heading)


class _Document:
    """Parsed Markdown."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._references = _References()
        self._env: dict[str, Any] = {"references": self._references}
        self._tokens = PARSER.parse(source, self._env)
        self.is_too_deep = any(token.level >= MAX_NESTING - 1 for token in self._tokens)

    def blocks(self) -> list[_Block] | None:
        """Return the blocks; None if they are nested too deep."""
        if self.is_too_deep:
            return None
        return [*_blocks(SyntaxTreeNode(self._tokens).children), *self._unused_definitions()]

    def plain_lines(self) -> Iterator[str]:
        """Return its lines that have text, without markup."""
        if self.is_too_deep:
            yield from self._lines
            return
        for node in SyntaxTreeNode(self._tokens).walk():
            if node.type in ("inline", "long_inline") and (node.parent is None or node.parent.type not in ("th", "td")):
                plain = inline_of(node.to_tokens()[0].children or (), PARSER).plain
                yield from TASK_BOX.sub("", HIGHLIGHTED.sub(r"\1", plain)).split("\n")
            elif node.type in ("fence", "code_block"):
                yield from _code(node).split("\n")
            elif node.type == "tr":
                yield " | ".join(_cell(cell).plain for cell in node.children).strip(" |")
        for block in self._unused_definitions():
            yield block.text

    def _unused_definitions(self) -> Iterator[_Block]:
        """Return as text the definitions of links that are not used."""
        unused = [given for label, given in self._references.items() if label not in self._references.used]
        for given in sorted([*unused, *self._env.get("duplicate_refs", ())], key=lambda given: given["map"]):
            lines = [QUOTE_MARKS.sub("", line) for line in self._lines[slice(*given["map"])]]
            yield _Block(escape("\n".join(lines)))


def _blocks(nodes: Sequence[SyntaxTreeNode], before: str = "") -> list[_Block]:
    """Return the blocks of nodes, directly after a list with the markup `before`, if that is not empty."""
    found: list[_Block] = []
    for node in nodes:
        markup = found[-1].markup if found else before
        match node.type:
            case "paragraph":
                found += map(_Block, _inline(node).paragraphs())
            case "heading":
                found += _heading(node)
            case "blockquote":
                found += _blocks(node.children, markup)
            case "fence" | "code_block":
                found += map(_Block, filter(None, escape(_code(node)).split("\n\n")))
            case "table":
                found += _table(node)
            case "bullet_list" | "ordered_list":
                found += _list(node, markup)
    return found


def _inline(node: SyntaxTreeNode) -> Inline:
    return inline_of(node.children[0].to_tokens()[0].children or () if node.children else (), PARSER)


def _cell(node: SyntaxTreeNode) -> Inline:
    return _inline(node).on_one_line()


def _heading(node: SyntaxTreeNode) -> list[_Block]:
    text = escape_line_start(_inline(node).on_one_line().markdown)
    text = CLOSING_MARKS.sub(lambda found: f"\\{found[0]}", text)
    return [_Block(f"{'#' * min(int(node.tag[1]), 3)} {text}", is_heading=True)] if text else []


def _code(node: SyntaxTreeNode) -> str:
    words = "" if LANGUAGE.fullmatch(node.info) else node.info.strip()
    return f"{words}\n{node.content}" if words else node.content


def _table(node: SyntaxTreeNode) -> list[_Block]:
    rows = [
        " | ".join(_cell(cell).markdown for cell in row.children).strip()
        for part in node.children
        for row in part.children
    ]
    text = BREAK.join(escape_line_start(row) for row in rows if row.strip("| "))
    return [_Block(text)] if text else []


def _list(node: SyntaxTreeNode, before: str) -> list[_Block]:
    markup = OTHER_MARKUP[node.markup] if node.markup == before else node.markup
    items = [blocks for item in node.children if (blocks := _blocks(item.children))]
    start = int(node.attrs.get("start", 1))
    is_tight = all(
        child.hidden for item in node.children for child in item.children if child.type == "paragraph"
    ) and all(following.may_follow_directly(block) for blocks in items for block, following in pairwise(blocks))
    gap = "\n" if is_tight else "\n\n"
    written = []
    for number, blocks in enumerate(items, start):
        mark = f"{min(number, MAX_ITEM_NUMBER)}{markup} " if markup in ".)" else f"{markup} "
        first, *rest = _task(gap.join(block.text for block in blocks)).split("\n")
        written.append("\n".join([mark + first, *(" " * len(mark) + line if line else "" for line in rest)]))
    return [_Block(gap.join(written), markup=markup, start=start)] if written else []


def _task(text: str) -> str:
    """Leave the check box of a task unchanged: elsewhere it is read as text anyway."""
    return TASK.sub(r"[\1]", text, count=1) if TASK.match(text) else text


def _join(blocks: Sequence[_Block]) -> str:
    return "\n\n".join(block.text for block in blocks)


def _escaped_line(line: str) -> str:
    text = line.strip()
    # Attio would read an indented line as code; a no-break space keeps the indentation.
    indent = "\u00a0" * (len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()))
    escaped = escape_marks(text)
    return indent + (escaped if indent else escape_line_start(escaped)) if text else ""


def _joined(lines: list[str]) -> str:
    """Join lines with a break; an empty one begins a new paragraph."""
    paragraphs = (group for has_text, group in groupby(lines, bool) if has_text)
    return "\n\n".join(BREAK.join(group) for group in paragraphs)
