"""The component for images."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import text_of

MOST_BYTES = 8 << 20


class Image(MetaflowCardComponent):
    """A PNG, JPEG, GIF, WebP or SVG image of at most 8 MiB.

    What is no such image leaves a note in the card; the task goes on.
    """

    type = "image"

    def __init__(
        self, src: Any = None, label: Optional[str] = None, disable_updates: bool = True
    ) -> None:
        """Show `src`, the image's bytes or a `data:image/…;base64,…` address, above `label`."""
        self.REALTIME_UPDATABLE = not disable_updates
        self._set(src, label)

    @classmethod
    def from_pil_image(
        cls, pilimage: Any, label: Optional[str] = None, disable_updates: bool = False
    ) -> Image:
        """Return the component of an image of Pillow."""
        made = cls(b"", label, disable_updates)
        made._read(lambda: _from_pillow(pilimage), label)
        return made

    @classmethod
    def from_matplotlib(
        cls, plot: Any, label: Optional[str] = None, disable_updates: bool = False
    ) -> Image:
        """Return the component of a figure or of axes of Matplotlib."""
        made = cls(b"", label, disable_updates)
        made._read(lambda: _from_matplotlib(plot), label)
        return made

    def update(self, image: Any, label: Optional[str] = None) -> None:
        """Show another image: bytes, an address, or an image of Pillow or Matplotlib."""
        if hasattr(image, "savefig") or hasattr(image, "get_figure"):
            self._read(lambda: _from_matplotlib(image), label)
        elif hasattr(image, "save"):
            self._read(lambda: _from_pillow(image), label)
        else:
            self._set(image, label)

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        label = None if self._label is None else text_of(self._label)
        if self._problem is not None:
            return self._described(problem=self._problem, label=label)
        return self._described(src=self._src, label=label)

    def _set(self, src: Any, label: Optional[str]) -> None:
        self._label = label
        self._problem: Optional[str] = None
        self._src = ""
        try:
            self._src = _address(src)
        except ValueError as error:
            self._problem = str(error)

    def _read(self, read: Any, label: Optional[str]) -> None:
        # Whatever another library raises here must not end the task.
        try:
            data = read()
        except Exception as error:
            self._set(b"", label)
            self._problem = text_of(error) or type(error).__name__
        else:
            self._set(data, label)


def kind_of_image(data: bytes) -> Optional[str]:
    """Return the media type of an image by its first bytes; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<?xml", b"<svg", b"<!--", b"<!doctype svg")) and b"<svg" in data[:4000]:
        return "image/svg+xml"
    return None


def address_of_image(data: bytes) -> str:
    """Return an image as a data address; ValueError says why there can be none."""
    if len(data) > MOST_BYTES:
        raise ValueError(
            "The image has {:.1f} MiB; a card shows up to {} MiB.".format(
                len(data) / (1 << 20), MOST_BYTES >> 20
            )
        )
    kind = kind_of_image(data)
    if kind is None:
        raise ValueError("The bytes are no PNG, JPEG, GIF, WebP or SVG image.")
    # Shown through <img>, where a browser runs no script of an SVG and fetches nothing for it.
    return "data:{};base64,{}".format(kind, base64.b64encode(data).decode("ascii"))


def _address(src: Any) -> str:
    if isinstance(src, (bytes, bytearray)):
        return address_of_image(bytes(src))
    if isinstance(src, str) and src.startswith("data:image/"):
        head, _, body = src.partition(",")
        if head.endswith(";base64"):
            return address_of_image(_decoded(body))
    if isinstance(src, str):
        raise ValueError(
            "An image is given as bytes, or as an address data:image/…;base64,…; this is the "
            "string {!r}. For a file: open(path, 'rb').read().".format(src[:80])
        )
    raise ValueError("An image is given as bytes, not as {}.".format(type(src).__name__))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("The image's address holds no valid base64.") from None


def _from_pillow(image: Any) -> bytes:
    from io import BytesIO

    if not hasattr(image, "save"):
        raise ValueError("This is no image of Pillow but {}.".format(type(image).__name__))
    file = BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _from_matplotlib(plot: Any) -> bytes:
    from io import BytesIO

    figure = plot.get_figure() if hasattr(plot, "get_figure") else plot
    if not hasattr(figure, "savefig"):
        raise ValueError(
            "This is no figure or axes of Matplotlib but {}.".format(type(plot).__name__)
        )
    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=150)
    return file.getvalue()
