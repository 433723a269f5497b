"""A user's HTML with only what shows something: no scripts, forms, frames, foreign addresses."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

from falaj.client.html import escape

_TAGS = frozenset(
    "a abbr b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small "
    "span strong sub summary sup table tbody td tfoot th thead tr tt u ul var wbr article header "
    "footer main aside nav font "
    "svg g path rect circle ellipse line polyline polygon text tspan defs lineargradient "
    "radialgradient stop clippath marker symbol".split()
)
_VOID = frozenset("br col hr img wbr".split())
# Their text is no text of the page.
_SILENT = frozenset(
    "script style iframe object embed noscript template textarea title select math frameset "
    "foreignobject noembed noframes xmp plaintext audio video canvas applet head".split()
)
_ATTRIBUTES = frozenset(
    "align alt border cellpadding cellspacing cite colspan datetime dir height lang open rowspan "
    "scope span start title valign width role color face size "
    "cx cy d dx dy fill fill-opacity fill-rule font-family font-size font-style font-weight fx fy "
    "gradienttransform gradientunits offset opacity patternunits points preserveaspectratio r rx "
    "ry stop-color stop-opacity stroke stroke-dasharray stroke-linecap stroke-linejoin "
    "stroke-opacity stroke-width text-anchor dominant-baseline transform viewbox x x1 x2 y y1 y2 "
    "xmlns".split()
)
_STYLES = re.compile(
    r"(?:align-items|background(?:-color)?|border(?:-\w+)*|border-radius|color|column-gap|display|"
    r"flex(?:-\w+)*|float|font(?:-\w+)*|gap|grid(?:-\w+)*|height|justify-content|letter-spacing|"
    r"line-height|list-style(?:-\w+)*|margin(?:-\w+)*|max-height|max-width|min-height|min-width|"
    r"opacity|overflow(?:-\w)?|padding(?:-\w+)*|row-gap|text-\w+(?:-\w+)*|vertical-align|"
    r"white-space|width|word-break|fill|stroke(?:-\w+)*)\Z"
)
_STYLE_VALUE = re.compile(r"[\w\s#%.,+\-/()'\"!*]*\Z")
_FUNCTIONS = re.compile(r"([\w-]+)\s*\(")
_SAFE_FUNCTIONS = frozenset(
    "rgb rgba hsl hsla calc min max clamp linear-gradient radial-gradient repeat minmax".split()
)
_LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*\Z")
# A page whose nesting is deeper serves no reader and slows a browser.
_DEPTH = 200


def sanitised(html: str) -> str:
    """Return `html` with the elements and attributes that only show something.

    Links lead to http, https and mail addresses or within the page; images are data addresses.
    """
    parser = _Sanitiser()
    parser.feed(html)
    parser.close()
    return parser.result()


def safe_link(address: str) -> Optional[str]:
    """Return an address that a link may lead to, else None."""
    # Browsers drop these from addresses, which else would hide what an address starts with.
    address = re.sub(r"[\x00-\x20]", "", address)
    return address if _LINK.match(address) else None


def safe_image(address: str) -> Optional[str]:
    """Return the address of an image that lies within it, else None."""
    return address if _IMAGE.match(address) else None


class _Sanitiser(HTMLParser):
    # The parser's own attributes have plain names.
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: List[str] = []
        self._open: List[str] = []
        self._silent: List[str] = []

    def result(self) -> str:
        return "".join(self._out) + "".join("</{}>".format(tag) for tag in reversed(self._open))

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        if tag in _SILENT:
            if tag not in ("embed",):
                self._silent.append(tag)
            return
        if self._silent or tag not in _TAGS or len(self._open) >= _DEPTH:
            return
        self._out.append("<{}{}>".format(tag, _attributes(tag, attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)
            if tag not in _VOID:
                self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                while self._silent.pop() != tag:
                    pass
            return
        if tag in self._open:
            while True:
                closed = self._open.pop()
                self._out.append("</{}>".format(closed))
                if closed == tag:
                    return

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        # Comments to a browser. The parser raises for those that it does not know.
        return self.parse_bogus_comment(i, report)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._out.append(escape(data))


def _attributes(tag: str, attributes: Sequence[Tuple[str, Optional[str]]]) -> str:
    kept: Dict[str, str] = {}
    for name, value in attributes:
        checked = _checked(tag, name, value or "")
        if checked is not None and name not in kept:
            kept[name] = checked
    if tag == "a" and "href" in kept:
        kept.update(rel="noopener noreferrer nofollow", target="_blank")
        if kept["href"].startswith("#"):
            del kept["target"]
    return "".join(' {}="{}"'.format(name, escape(value)) for name, value in kept.items())


def _checked(tag: str, name: str, value: str) -> Optional[str]:
    if name == "href":
        return safe_link(value) if tag == "a" else None
    if name == "src":
        return safe_image(value) if tag == "img" else None
    if name == "style":
        return _style(value) or None
    if name in _ATTRIBUTES:
        # A paint such as url(#gradient) may only name what is in the page.
        return None if re.search(r"url\s*\(\s*['\"]?(?!#)", value, re.IGNORECASE) else value
    return value if name.startswith("aria-") and name[5:].isalpha() else None


def _style(text: str) -> str:
    kept: List[str] = []
    for declaration in text.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if _STYLES.match(name) and _STYLE_VALUE.match(value) and _functions(value):
            kept.append("{}:{}".format(name, value))
    return ";".join(kept)


def _functions(value: str) -> bool:
    named: FrozenSet[str] = frozenset(_FUNCTIONS.findall(value.lower()))
    return named <= _SAFE_FUNCTIONS
