"""Markdown as HTML: a subset of CommonMark and GitHub's tables; HTML in it is shown as text."""

from __future__ import annotations

import re
from typing import Callable, List, Optional, Tuple

from falaj.cards.page.code import highlighted
from falaj.cards.page.inline import inline
from falaj.client.html import escape

MOST_CHARACTERS = 500_000
_DEPTH = 12

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|\Z)")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`\n]*)\Z")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,3})(?:([-+*])|(\d{1,9})[.)])([ \t]+|\Z)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*\Z")
_TABLE_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?(?:[ \t]*\|[ \t]*:?-+:?)*(?:[ \t]*\|)?[ \t]*\Z")
_CHECK = re.compile(r"\[([ xX])\][ \t]+")


def markdown(text: str) -> str:
    """Return Markdown as HTML; text beyond 500,000 characters is left out."""
    lines = text[:MOST_CHARACTERS].expandtabs(4).splitlines()
    return _Blocks(lines, 0).html()


class _Blocks:
    def __init__(self, lines: List[str], depth: int) -> None:
        self._lines = lines
        self._depth = depth
        self._at = 0
        self._out: List[str] = []

    def html(self) -> str:
        takers: Tuple[Callable[[str], bool], ...] = (
            self._fence,
            self._heading,
            self._rule,
            self._quote,
            self._list,
            self._indented,
            self._table,
        )
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._at += 1
            elif not any(take(line) for take in takers):
                self._paragraph()
        return "\n".join(self._out)

    def _inner(self, lines: List[str]) -> str:
        if self._depth >= _DEPTH:
            return "<p>{}</p>".format(escape("\n".join(lines)))
        return _Blocks(lines, self._depth + 1).html()

    def _fence(self, line: str) -> bool:
        found = _FENCE.match(line)
        if found is None:
            return False
        mark = found.group(1)
        ends = re.compile(r" {0,3}" + re.escape(mark[0]) + "{%d,}[ ]*\\Z" % len(mark))
        body: List[str] = []
        self._at += 1
        while self._at < len(self._lines) and not ends.match(self._lines[self._at]):
            body.append(self._lines[self._at])
            self._at += 1
        self._at += 1
        language = found.group(2).split()[:1]
        code = "\n".join(body)
        shown = highlighted(code) if language in (["python"], ["py"]) else escape(code)
        self._out.append('<pre class="code" tabindex="0"><code>{}</code></pre>'.format(shown))
        return True

    def _heading(self, line: str) -> bool:
        found = _HEADING.match(line)
        if found is None:
            return False
        text = line[found.end() :].strip()
        bare = text.rstrip("#")
        # Marks at the end belong to the heading where they stand by themselves.
        shown = bare if not bare or bare.endswith(" ") else text
        self._out.append(_heading(len(found.group(1)), shown))
        self._at += 1
        return True

    def _rule(self, line: str) -> bool:
        if not _RULE.match(line):
            return False
        self._out.append("<hr>")
        self._at += 1
        return True

    def _quote(self, line: str) -> bool:
        if not _QUOTE.match(line):
            return False
        body: List[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not _QUOTE.match(line) and (not line.strip() or self._starts_block(line)):
                break
            body.append(_QUOTE.sub("", line, count=1))
            self._at += 1
        self._out.append("<blockquote>{}</blockquote>".format(self._inner(body)))
        return True

    def _indented(self, line: str) -> bool:
        if not line.startswith("    "):
            return False
        body: List[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and not line.startswith("    "):
                break
            body.append(line[4:])
            self._at += 1
        code = escape("\n".join(body).rstrip())
        self._out.append('<pre class="code" tabindex="0"><code>{}</code></pre>'.format(code))
        return True

    def _list(self, line: str) -> bool:
        first = _ITEM.match(line)
        if first is None:
            return False
        tag = "ul" if first.group(2) else "ol"
        number = int(first.group(3) or 1)
        items: List[str] = []
        loose = False
        while self._at < len(self._lines):
            found = _ITEM.match(self._lines[self._at])
            other = "ul" if found is not None and found.group(2) else "ol"
            if found is None or other != tag or _RULE.match(self._lines[self._at]):
                break
            body, gap = self._item(found)
            loose = loose or gap
            items.append(self._list_item(body))
        begin = ' start="{}"'.format(number) if tag == "ol" and number != 1 else ""
        if not loose:
            items = [
                re.sub(r"\A((?:<input[^>]*> )?)<p>(.*?)</p>", r"\1\2", i, count=1, flags=re.S)
                for i in items
            ]
        made = "".join("<li>{}</li>".format(item) for item in items)
        self._out.append("<{0}{1}>{2}</{0}>".format(tag, begin, made))
        return True

    def _item(self, found: "re.Match[str]") -> Tuple[List[str], bool]:
        """Return the lines of an item, and whether an empty line parts it from another."""
        width = found.end() if found.group(4).strip("\n") else found.end() + 1
        # More than four spaces behind the mark are the start of code.
        if len(found.group(4)) > 4:
            width = found.end() - len(found.group(4)) + 1
        body = [self._lines[self._at][width:]]
        self._at += 1
        gap = False
        while self._at < len(self._lines):
            line = self._lines[self._at]
            indent = len(line) - len(line.lstrip(" "))
            if not line.strip():
                following = self._next_text()
                if following is None or (
                    len(following) - len(following.lstrip(" ")) < width
                    and not _ITEM.match(following)
                ):
                    break
                gap = True
                body.append("")
            elif indent >= width:
                body.append(line[width:])
            elif self._starts_block(line) or not body[-1].strip():
                break
            else:
                body.append(line.lstrip(" "))
            self._at += 1
        return body, gap

    def _next_text(self) -> Optional[str]:
        return next((line for line in self._lines[self._at : self._at + 50] if line.strip()), None)

    def _list_item(self, body: List[str]) -> str:
        found = _CHECK.match(body[0])
        if found is None:
            return self._inner(body)
        done = " checked" if found.group(1) != " " else ""
        body = [body[0][found.end() :], *body[1:]]
        return '<input type="checkbox" disabled{}> {}'.format(done, self._inner(body))

    def _table(self, line: str) -> bool:
        rule = self._lines[self._at + 1] if self._at + 1 < len(self._lines) else ""
        if "|" not in line or not _TABLE_RULE.match(rule):
            return False
        heads, marks = _cells(line), _cells(rule)
        if len(heads) != len(marks):
            return False
        sides = [_side(mark) for mark in marks]
        self._at += 2
        rows: List[List[str]] = []
        while self._at < len(self._lines) and "|" in self._lines[self._at]:
            rows.append(_cells(self._lines[self._at]))
            self._at += 1
        head = "".join(_cell("th", text, side) for text, side in zip(heads, sides))
        body = "".join(
            "<tr>{}</tr>".format(
                "".join(
                    _cell("td", row[place] if place < len(row) else "", side)
                    for place, side in enumerate(sides)
                )
            )
            for row in rows
        )
        self._out.append(
            '<div class="scroll" tabindex="0"><table><thead><tr>{}</tr></thead>'
            "<tbody>{}</tbody></table></div>".format(head, body)
        )
        return True

    def _paragraph(self) -> None:
        body: List[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            under = _UNDERLINE.match(line) if body else None
            if under is not None:
                self._at += 1
                level = 1 if under.group(1)[0] == "=" else 2
                self._out.append(_heading(level, "\n".join(body)))
                return
            if not line.strip() or (body and self._starts_block(line)):
                break
            body.append(line.lstrip(" "))
            self._at += 1
        self._out.append("<p>{}</p>".format(inline("\n".join(body).rstrip())))

    def _starts_block(self, line: str) -> bool:
        return any(pattern.match(line) for pattern in (_HEADING, _RULE, _FENCE, _QUOTE, _ITEM))


def _heading(level: int, text: str) -> str:
    # The card's own title is the page's only heading of the first level.
    tag = "h{}".format(min(level + 1, 6))
    return '<{0} class="level-{1}">{2}</{0}>'.format(tag, level, inline(text.strip()))


def _cells(line: str) -> List[str]:
    text = line.strip()
    text = text[1:] if text.startswith("|") else text
    text = text[:-1] if text.endswith("|") and not text.endswith("\\|") else text
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", text)]


def _side(mark: str) -> str:
    if mark.endswith(":"):
        return "center" if mark.startswith(":") else "right"
    return ""


def _cell(tag: str, text: str, side: str) -> str:
    style = ' style="text-align:{}"'.format(side) if side else ""
    return "<{0}{1}>{2}</{0}>".format(tag, style, inline(text))
