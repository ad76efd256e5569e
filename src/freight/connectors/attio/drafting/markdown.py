"""The Markdown that Attio's notes can hold: headings of three levels, lists, emphasis and links, as it documents."""

import re

SPECIAL = re.compile(r"[\\`*\[\]<]|(?<![^\W_])_|_(?![^\W_])|~~|==|&(?=#?\w+;)")
"""What would be read as markup in the middle of a line. An underscore between letters is none."""

LINE_START = re.compile(r"(#{1,6}(?=\s|$)|[-+](?=\s|$)|>|[-=]+\s*$)|(\d{1,9})([.)])(?=\s|$)")
"""What would be read as markup at the beginning of a line."""

FENCE = re.compile(r"\s*(?:(```+)([^`]*)|(~~~+)(.*))")
"""Where code begins; backticks after the words belong to code within the line."""

LANGUAGE = re.compile(r"\s*[\w+#.-]*\s*")
"""What follows a fence and is not shown."""

RULE = re.compile(r"\s*([-*_]\s*){3,}")
TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
TABLE_ROW = re.compile(r"\s*\|(.+)\|\s*")
DEEP_HEADING = re.compile(r"^(\s*)#{4,6}(?=\s)")
QUOTE = re.compile(r"^(\s*>)+ ?")
IMAGE = re.compile(r"(?<!\\)!\[([^\]]*)\]\(([^)\s]*)([^)]*)\)")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
CODE = re.compile(r"(`+)(.+?)\1")
EMPHASIS = re.compile(r"(?<!\\)(\*+|~~|==|(?<!\w)_+|_+(?!\w))")
BLOCK_START = re.compile(r"\s*(#{1,6}\s+|[-*+]\s+(\[[ xX]\]\s+)?|\d{1,9}[.)]\s+|>\s?)*")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")

BREAK = "  \n"
"""Ends a line within a paragraph."""


def escape(text: str) -> str:
    """Plain text as Markdown that shows it as it is, line by line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _joined([_escaped_line(line) for line in lines])


def simplify(markdown: str) -> str:
    """Markdown without what Attio's notes cannot hold: tables, code, images and quotations become plain text."""
    lines: list[str] = []
    fence: str | None = None
    for line in markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        opening = FENCE.fullmatch(line)
        marks, words = (opening[1] or opening[3], opening[2] or opening[4] or "") if opening else ("", "")
        if fence is not None:
            closes = marks.startswith(fence) and not words.strip()
            fence = None if closes else fence
            lines += [] if closes else [_code_line(line)]
        elif opening is not None:
            fence = marks
            lines += [] if LANGUAGE.fullmatch(words) else [_code_line(words.strip())]
        else:
            lines += _simplified_line(line)
    return "\n".join(lines).strip("\n")


def first_line(text: str, *, is_markdown: bool) -> str:
    """The first line that says something, without markup."""
    for line in text.splitlines():
        plain = _plain(line) if is_markdown else line.strip()
        if plain:
            return plain
    return ""


def _escaped_line(line: str) -> str:
    text = line.strip()
    # Attio would take an indented line for code; a no-break space keeps its place.
    indent = "\u00a0" * (len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()))
    escaped = SPECIAL.sub(lambda found: "".join(f"\\{character}" for character in found[0]), text)
    if not indent and (start := LINE_START.match(escaped)):
        escaped = f"\\{escaped}" if start[1] is not None else f"{start[2]}\\{start[3]}{escaped[start.end() :]}"
    return indent + escaped if text else ""


def _code_line(line: str) -> str:
    return _escaped_line(line) + BREAK.rstrip("\n")


def _simplified_line(line: str) -> list[str]:
    if "|" in line and TABLE_RULE.fullmatch(line):
        return []
    if row := TABLE_ROW.fullmatch(line):
        cells = " | ".join(cell.strip() for cell in row[1].split("|"))
        return [_inline(cells) + BREAK.rstrip("\n")]
    if RULE.fullmatch(line):
        return [""]
    return [_inline(DEEP_HEADING.sub(r"\1###", QUOTE.sub("", line)))]


def _inline(text: str) -> str:
    text = CODE.sub(lambda found: SPECIAL.sub(lambda special: f"\\{special[0]}", found[2].strip()), text)
    return IMAGE.sub(lambda found: f"[{found[1] or found[2] or 'image'}]({found[2]}{found[3]})", text)


def _plain(line: str) -> str:
    if RULE.fullmatch(line) or FENCE.fullmatch(line) or ("|" in line and TABLE_RULE.fullmatch(line)):
        return ""
    text = line[found.end() :] if (found := BLOCK_START.match(line)) else line
    text = LINK.sub(lambda link: link[1], IMAGE.sub(lambda image: image[1], text))
    text = EMPHASIS.sub("", CODE.sub(lambda code: code[2], text))
    return " ".join(ESCAPED.sub(lambda escaped: escaped[1], text).strip(" |").split())


def _joined(lines: list[str]) -> str:
    """Lines that follow one another directly stay apart by a break; an empty one begins a new paragraph."""
    joined = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        joined += line + (BREAK if line and following else "\n")
    return joined.strip("\n")
