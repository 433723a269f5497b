"""What a person reads on a page: its text, without style sheets, scripts and marks."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def text_on(html: str) -> str:
    """Return the text of a page, in its order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join(part.strip() for part in reader.parts if part.strip())
