"""Keeps the values of secrets out of texts: replaced wherever they stand, in several spellings."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple, cast

PLACEHOLDER = "<redacted>"
# The kind of note by which a task tells control what to keep out of logs and records.
NOTE = "secret"
# Shorter values would be found in half of all words.
SHORTEST = 4
# Of a value of several lines each line is replaced, but for brackets and the like.
_SHORTEST_LINE = 8
# What is left of a short value in the middle of a longer base64 text is too little to tell.
_SHORTEST_INSIDE = 6
# Of longer values it pays to look twice how much of one a text can end in.
_LONG = 1000

_MARK = PLACEHOLDER.encode()


class Redactor:
    """Replaces the values that it was told of, and what they look like encoded.

    These are JSON's and Python's escapes, quoting for URLs, and base64, also as a part of what was
    encoded.
    """

    def __init__(self) -> None:
        self._known: Set[str] = set()
        self._needles: List[bytes] = []

    @property
    def is_active(self) -> bool:
        """Say whether there is anything to replace."""
        return bool(self._needles)

    def add(self, values: Iterable[str]) -> None:
        """Replace these values from now on; those of fewer than 4 characters stay as they are."""
        new = {value for value in values if len(value.strip()) >= SHORTEST} - self._known
        if new:
            self._known |= new
            found = {form for value in new for form in _forms(value) if len(form) >= SHORTEST}
            self._needles = sorted(found.union(self._needles))

    def redact(self, text: str) -> str:
        """Return the text with every value replaced."""
        if not self._needles:
            return text
        data = text.encode("utf-8", "surrogatepass")
        shown = self.redact_bytes(data)
        return text if shown is data else shown.decode("utf-8", "surrogatepass")

    def redact_cut(self, text: str) -> str:
        """Return a text that ends in an ellipsis, also without the beginning of a value there."""
        shown = self.redact(text)
        if not self._needles or not shown.endswith("…"):
            return shown
        data = self.redact_end(shown[:-1].encode("utf-8", "surrogatepass"))
        return data.decode("utf-8", "surrogatepass") + "…"

    def redact_bytes(self, data: bytes) -> bytes:
        """Return the bytes with every value replaced; the very object where there is none."""
        spans = self._spans(data)
        if not spans:
            return data
        pieces: List[bytes] = []
        last = 0
        for start, end in spans:
            pieces += (data[last:start], _MARK)
            last = end
        return b"".join((*pieces, data[last:]))

    def redact_end(self, data: bytes) -> bytes:
        """Return bytes after which nothing follows, also without the beginning of a value there."""
        shown = self.redact_bytes(data)
        held = self._held(shown)
        return shown if held < SHORTEST else shown[: len(shown) - held] + _MARK

    def safe_length(self, data: bytes) -> int:
        """Return how many bytes can be redacted and shown before it is known what follows them."""
        end = len(data) - self._held(data)
        for start, last in self._spans(data):
            if start < end < last:
                return start
        return end

    def _held(self, data: bytes) -> int:
        """Return the length of the longest ending of `data` that begins one of the values."""
        longest = 0
        for needle in self._needles:
            most = len(needle) - 1
            if most > _LONG:
                # Trying every place would take long where such a value repeats itself.
                most = _ending_inside(needle[:-1], data)
            at = data.find(needle[:1], max(0, len(data) - most))
            while at >= 0 and len(data) - at > longest:
                if needle.startswith(data[at:]):
                    longest = len(data) - at
                    break
                at = data.find(needle[:1], at + 1)
        return longest

    def _spans(self, data: bytes) -> List[Tuple[int, int]]:
        """Return where values stand, in order; those that overlap are one."""
        found: List[Tuple[int, int]] = []
        for needle in self._needles:
            at = data.find(needle)
            while at >= 0:
                end = at + len(needle)
                if not _is_placeholder(needle, data, at):
                    found.append((at, end))
                # Of those that overlap with this one, the last covers what is between.
                last = data.rfind(needle, at + 1, end + len(needle) - 1)
                at = last if last >= 0 else data.find(needle, end)
        if len(found) < 2:
            return found
        found.sort()
        merged = [found[0]]
        for start, end in found[1:]:
            if start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


def _ending_inside(beginning: bytes, data: bytes) -> int:
    """Return the length of the longest ending of `data` that stands anywhere in `beginning`."""
    low, high = 0, min(len(data), len(beginning)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if data[-middle:] in beginning:
            low = middle
        else:
            high = middle
    return low


def _is_placeholder(needle: bytes, data: bytes, at: int) -> bool:
    # A text may be redacted again on its way, and a value may be a part of the placeholder.
    inside = _MARK.find(needle)
    return 0 <= inside <= at and data.startswith(_MARK, at - inside)


def _forms(value: str) -> Iterator[bytes]:
    # Imported here: a process without secrets does without.
    import json
    from urllib.parse import quote, quote_plus

    texts = {value, value.strip()}
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        texts.update(line for line in lines if len(line) >= _SHORTEST_LINE)
    for text in texts:
        spelt = {text, repr(text)[1:-1]}
        spelt.update(json.dumps(text, ensure_ascii=plain)[1:-1] for plain in (True, False))
        data = text.encode("utf-8", "surrogateescape" if _is_escaped(text) else "surrogatepass")
        for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
            spelt.update((quoted, _with_small_digits(quoted)))
        yield data
        yield repr(data)[2:-1].encode()
        for one in spelt:
            yield one.encode("utf-8", "surrogatepass")
            yield one.encode("utf-8", "backslashreplace")
        yield from _base64_forms(data)


def _is_escaped(text: str) -> bool:
    # Variables that are not UTF-8 come with surrogates in place of their bytes.
    return all(not "\ud800" <= one <= "\udfff" or "\udc80" <= one <= "\udcff" for one in text)


def _with_small_digits(quoted: str) -> str:
    first, *others = quoted.split("%")
    return "%".join((first, *(other[:2].lower() + other[2:] for other in others)))


def _base64_forms(data: bytes) -> Iterator[bytes]:
    from base64 import b64encode

    whole = b64encode(data)
    found = [whole, whole.rstrip(b"=")]
    for before in range(3):
        # The characters that depend on the value alone, wherever it stood in what was encoded.
        encoded = b64encode(b"\0" * before + data)
        part = encoded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        if len(part) >= _SHORTEST_INSIDE:
            found.append(part)
    for form in found:
        yield form
        yield form.replace(b"+", b"-").replace(b"/", b"_")


_of_task: Optional[Redactor] = None


def hide(values: Iterable[str]) -> None:
    """Keep these values out of what this process shows of its work from now on."""
    global _of_task
    if _of_task is None:
        _of_task = Redactor()
    _of_task.add(values)


def redact(text: str) -> str:
    """Return the text without the values that `hide` was told of."""
    return text if _of_task is None else _of_task.redact(text)


def redact_bytes(data: bytes) -> bytes:
    """Return the bytes without the values that `hide` was told of."""
    return data if _of_task is None else _of_task.redact_bytes(data)


def redact_beginning(text: str, length: int) -> str:
    """Return the first `length` characters of a text, at most, with nothing in them of a value.

    Hardly more of the text is looked at, however long it is.
    """
    if _of_task is None:
        return text[:length]
    beginning = text[: length + SHORTEST].encode("utf-8", "surrogatepass")
    shown = _hidden(_of_task, beginning, len(text) > length)
    return shown.decode("utf-8", "surrogatepass")[:length]


def redact_first_bytes(data: bytes, length: int) -> bytes:
    """Return the first `length` bytes, at most, as `redact_beginning` does of a text."""
    if _of_task is None:
        return data[:length]
    return _hidden(_of_task, data[: length + SHORTEST], len(data) > length)[:length]


def _hidden(redactor: Redactor, data: bytes, is_cut: bool) -> bytes:
    return redactor.redact_end(data) if is_cut else redactor.redact_bytes(data)


def redact_json(value: Any) -> Any:
    """Return JSON values, strings and keys of which hold nothing that `hide` was told of."""
    if _of_task is None:
        return value
    if isinstance(value, str):
        return _of_task.redact(value)
    if isinstance(value, dict):
        pairs = cast(Dict[str, Any], value).items()
        return {redact(key): redact_json(item) for key, item in pairs}
    if isinstance(value, (list, tuple)):
        return [redact_json(item) for item in cast(List[Any], value)]
    return value
