"""Logos: whatever a partner uploads is decoded under limits and written anew as a plain PNG.

What leaves here was drawn by us pixel by pixel: no metadata, no second format hidden in the file, no script.
SVG is refused (it can carry script and remote links), and so are animations and pictures that unfold to
more pixels than a logo needs, before they are unfolded.
"""

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from app.core.errors import FieldError, Invalid

MAX_BYTES = 1024 * 1024
MAX_PIXELS = 4_000_000
MAX_SIDE = (800, 240)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


class LogoUnusable(Invalid):
    """This file can't be used as a logo."""

    status = 422


@dataclass(frozen=True)
class Logo:
    """A logo ready to serve: PNG bytes, size in pixels, and a tag that changes with the bytes."""

    png: bytes
    width: int
    height: int

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.png).hexdigest()[:32]


def decoded(text: str) -> bytes:
    """Return the picture file that `text` holds in base64; raises LogoUnusable."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as broken:
        raise _refusal("This is not base64.", "Send the picture file in base64; the command line resolves `file://`.") from broken


def logo_from(raw: bytes) -> Logo:
    """Return `raw` re-encoded as a PNG of at most 800 × 240 px, transparent margins cut, proportions kept; raises LogoUnusable with the remedy."""
    if len(raw) > MAX_BYTES:
        raise _refusal(f"The file has {len(raw):,} bytes; a logo may have {MAX_BYTES:,}.", "Upload a smaller picture.")
    picture = _redrawn(raw)
    picture = picture.crop(picture.getbbox(alpha_only=True))  # empty margins would push everything beside it away
    picture.thumbnail(MAX_SIDE, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return Logo(png=out.getvalue(), width=picture.width, height=picture.height)


def _redrawn(raw: bytes) -> Image.Image:
    """Decode one still picture to RGBA pixels on a fresh canvas, so that nothing but pixels goes on."""
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as source:
            _check_size(source)
            pixels = source.convert("RGBA")
    except UnidentifiedImageError as unknown:
        raise _refusal(_what_it_is(raw), "Upload a PNG, JPEG, WebP or still GIF.") from unknown
    except Image.DecompressionBombError as bomb:
        raise _refusal("The picture unfolds to far more pixels than a logo needs.", "Scale it down.") from bomb
    except (OSError, SyntaxError, ValueError) as broken:
        raise _refusal("The picture is damaged and can't be decoded.", "Export it again and upload it.") from broken
    canvas = Image.new("RGBA", pixels.size)
    canvas.paste(pixels)
    return canvas


def _check_size(source: Image.Image) -> None:
    """Judge by the header alone: nothing is unfolded before this has passed."""
    width, height = source.size
    if width * height > MAX_PIXELS:
        raise _refusal(f"The picture has {width} × {height} pixels; {MAX_PIXELS:,} are allowed in all.", "Scale it down.")
    if min(width, height) < 8:
        raise _refusal(f"The picture has only {width} × {height} pixels.", "Upload one of at least 8 × 8 pixels.")
    if getattr(source, "is_animated", False):
        raise _refusal("The picture is animated.", "Upload a still picture.")


def _what_it_is(raw: bytes) -> str:
    head = raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        return "SVG drawings can carry script and are not taken."
    return "The file is no picture in a format we read."


def _refusal(detail: str, remedy: str) -> LogoUnusable:
    return LogoUnusable(errors=[FieldError(pointer="/logo", detail=detail, remedy=remedy)])
