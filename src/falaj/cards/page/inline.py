"""The inner marks of Markdown: emphasis, code, links and images within a paragraph."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Set, Union

from falaj.cards.page.sanitise import safe_image, safe_link
from falaj.client.html import escape

_TOKEN = re.compile(
    r"(?P<escaped>\\[!-/:-@\[-`{-~])"
    r"|(?P<code>`+)"
    r"|(?P<auto><(?:https?://|mailto:)[^<>\s]{1,2000}>)"
    r"|(?P<bare>\bhttps?://[^\s<>\[\]`*\"']{1,2000})"
    r"|(?P<image>!\[)|(?P<open>\[)|(?P<close>\])"
    r"|(?P<run>\*+|_+|~~)"
    r"|(?P<line>(?<! )[ ]{2,}\n|\\\n)"
)
# An address in parentheses, with an optional title.
_AIM = re.compile(
    r"\(\s{0,20}(?:<(?P<angle>[^<>\n]{0,2000})>|(?P<plain>[^\s()<>]*(?:\([^\s()]{0,500}\)[^\s()<>]*){0,8}))"
    r"(?:\s{1,20}(?:\"(?P<double>[^\"\n]{0,500})\"|'(?P<single>[^'\n]{0,500})'))?\s{0,20}\)"
)
_TAGS = {"*1": "em", "*2": "strong", "_1": "em", "_2": "strong", "~2": "del"}


class _Run:
    """A run of marks that may open or close emphasis."""

    def __init__(self, mark: str, count: int, opens: bool, closes: bool) -> None:
        self.mark = mark
        self.count = count
        self.opens = opens
        self.closes = closes
        self.before: List[str] = []
        self.after: List[str] = []

    def html(self) -> str:
        return "".join(self.before) + self.mark * self.count + "".join(self.after)


class _Bracket(NamedTuple):
    """A bracket that may open a link or an image."""

    place: int
    is_image: bool


_Piece = Union[str, _Run]


def inline(text: str) -> str:
    """Return the text of a paragraph as HTML; whatever is no Markdown is escaped."""
    return _Scanner(text).html()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: List[_Piece] = []
        self._brackets: List[_Bracket] = []
        self._no_code: Set[int] = set()

    def html(self) -> str:
        text, position = self._text, 0
        while True:
            found = _TOKEN.search(text, position)
            if found is None:
                break
            self._pieces.append(escape(text[position : found.start()]))
            take = getattr(self, "_take_" + str(found.lastgroup))
            position = take(found.group(), found.start(), found.end())
        self._pieces.append(escape(text[position:]))
        return _joined(self._pieces)

    def _take_escaped(self, token: str, start: int, end: int) -> int:
        self._pieces.append(escape(token[1]))
        return end

    def _take_code(self, token: str, start: int, end: int) -> int:
        length = len(token)
        if length not in self._no_code:
            ends = re.compile("(?<!`){}(?!`)".format(token)).search(self._text, end)
            if ends is not None:
                inner = self._text[end : ends.start()].replace("\n", " ")
                if inner.startswith(" ") and inner.endswith(" ") and inner.strip():
                    inner = inner[1:-1]
                self._pieces.append("<code>{}</code>".format(escape(inner)))
                return ends.end()
            # None further on either; without this, many of them would be searched for in vain.
            self._no_code.add(length)
        self._pieces.append(escape(token))
        return end

    def _take_auto(self, token: str, start: int, end: int) -> int:
        address = token[1:-1]
        self._pieces.append(_link(address, escape(address), ""))
        return end

    def _take_bare(self, token: str, start: int, end: int) -> int:
        address = token.rstrip(".,;:!?")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1]
        self._pieces.append(_link(address, escape(address), ""))
        return start + len(address)

    def _take_image(self, token: str, start: int, end: int) -> int:
        return self._take_open(token, start, end)

    def _take_open(self, token: str, start: int, end: int) -> int:
        self._brackets.append(_Bracket(len(self._pieces), token == "!["))
        self._pieces.append(token)
        return end

    def _take_close(self, token: str, start: int, end: int) -> int:
        aim = _AIM.match(self._text, end) if self._brackets else None
        bracket = self._brackets.pop() if self._brackets else None
        if aim is None or bracket is None:
            self._pieces.append(token)
            return end
        inner = _joined(self._pieces[bracket.place + 1 :])
        address = aim.group("angle") or aim.group("plain") or ""
        title = aim.group("double") or aim.group("single") or ""
        shown = _image(address, inner) if bracket.is_image else _link(address, inner, title)
        self._pieces[bracket.place :] = [shown]
        if not bracket.is_image:
            # No link lies within a link.
            self._brackets = [one for one in self._brackets if one.is_image]
        return aim.end()

    def _take_run(self, token: str, start: int, end: int) -> int:
        before = self._text[start - 1 : start] or " "
        after = self._text[end : end + 1] or " "
        word_before, word_after = before.isalnum(), after.isalnum()
        opens = not after.isspace() and (word_after or not word_before or before.isspace())
        closes = not before.isspace() and (word_before or not word_after or after.isspace())
        if token[0] == "_":
            opens, closes = opens and not word_before, closes and not word_after
        self._pieces.append(_Run(token[0], len(token), opens, closes))
        return end

    def _take_line(self, token: str, start: int, end: int) -> int:
        self._pieces.append("<br>\n")
        return end


def _joined(pieces: List[_Piece]) -> str:
    _pair(pieces)
    return "".join(piece if isinstance(piece, str) else piece.html() for piece in pieces)


def _pair(pieces: List[_Piece]) -> None:
    """Turn runs that fit each other into tags."""
    waiting: Dict[str, List[_Run]] = {"*": [], "_": [], "~": []}
    order: List[_Run] = []
    for run in [piece for piece in pieces if isinstance(piece, _Run)]:
        if run.closes:
            while run.count and waiting[run.mark]:
                opener = waiting[run.mark][-1]
                used = 2 if min(run.count, opener.count) >= 2 else 1
                tag: Optional[str] = _TAGS.get("{}{}".format(run.mark, used))
                if tag is None:
                    break
                # Marks in between that found no partner are text.
                while order[-1] is not opener:
                    waiting[order.pop().mark].pop()
                opener.count -= used
                run.count -= used
                opener.after.insert(0, "<{}>".format(tag))
                run.before.append("</{}>".format(tag))
                if not opener.count:
                    waiting[opener.mark].pop()
                    order.pop()
        if run.opens and run.count:
            waiting[run.mark].append(run)
            order.append(run)


def _link(address: str, inner: str, title: str) -> str:
    safe = safe_link(address)
    if safe is None:
        return inner
    named = ' title="{}"'.format(escape(title)) if title else ""
    # A link within the card opens there.
    away = "" if safe.startswith("#") else ' target="_blank"'
    return '<a href="{}"{}{} rel="noopener noreferrer">{}</a>'.format(
        escape(safe), named, away, inner
    )


def _image(address: str, inner: str) -> str:
    alternative = re.sub("<[^>]*>", "", inner)
    safe = safe_image(address)
    if safe is None:
        return '<span class="muted">[image: {}]</span>'.format(alternative or escape(address))
    return '<img src="{}" alt="{}">'.format(escape(safe), alternative)
