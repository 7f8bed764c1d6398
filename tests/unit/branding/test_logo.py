"""Only pixels get through: every other trick in a picture file ends at the door."""

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from branding.logo import MAX_BYTES, LogoUnusable, logo_from

pytestmark = pytest.mark.feature("M180")


def picture(size: tuple[int, int] = (400, 100), form: str = "PNG", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#0B5FFF").save(out, form, **more)  # type: ignore[arg-type]
    return out.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def refusal_of(raw: bytes) -> tuple[str, str]:
    with pytest.raises(LogoUnusable) as refused:
        logo_from(raw)
    (fault,) = refused.value.errors
    assert fault.pointer == "/logo" and fault.remedy
    return fault.detail, fault.remedy


class TestLogo:
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_is_written_anew_as_png_within_its_box(self, form: str) -> None:
        logo = logo_from(picture((1600, 400), form))
        with Image.open(io.BytesIO(logo.png)) as again:
            assert (again.format, again.size) == ("PNG", (800, 200)) == ("PNG", (logo.width, logo.height))

    def test_carries_nothing_but_pixels(self) -> None:
        note = PngImagePlugin.PngInfo()
        note.add_text("Comment", "<script>alert(1)</script>")
        raw = picture(pnginfo=note) + b"<html>hidden</html>"
        logo = logo_from(raw)
        assert b"script" in raw and b"script" not in logo.png and b"hidden" not in logo.png

    def test_keeps_transparency(self) -> None:
        out = io.BytesIO()
        Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(out, "PNG")
        with Image.open(io.BytesIO(logo_from(out.getvalue()).png)) as again:
            assert again.convert("RGBA").getpixel((5, 5)) == (0, 0, 0, 0)

    def test_changes_its_tag_with_its_pixels(self) -> None:
        assert logo_from(picture()).etag == logo_from(picture()).etag != logo_from(picture((400, 99))).etag

    @pytest.mark.parametrize("raw", [b'<svg xmlns="http://www.w3.org/2000/svg"/>', b'<?xml version="1.0"?><svg/>', b"\xef\xbb\xbf <svg>"])
    def test_refuses_svg(self, raw: bytes) -> None:
        assert "SVG" in refusal_of(raw)[0]

    def test_refuses_a_bomb_before_unfolding_it(self) -> None:
        assert "pixels" in refusal_of(png_claiming(60_000, 60_000))[0]
        assert "3000 × 3000" in refusal_of(png_claiming(3_000, 3_000))[0]

    def test_refuses_animation(self) -> None:
        out = io.BytesIO()
        frames = [Image.new("RGB", (40, 40), shade) for shade in ("red", "green", "blue")]
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
        assert "animated" in refusal_of(out.getvalue())[0]

    def test_refuses_what_is_no_picture_or_broken(self) -> None:
        assert "format" in refusal_of(b"%PDF-1.7 ...")[0]
        assert "format" in refusal_of(b"")[0]
        assert "damaged" in refusal_of(picture((400, 400), "JPEG")[:400])[0]

    def test_refuses_formats_nobody_needs(self) -> None:
        assert "format" in refusal_of(picture(form="TIFF"))[0]

    def test_refuses_too_many_bytes_and_too_few_pixels(self) -> None:
        assert "bytes" in refusal_of(b"\0" * (MAX_BYTES + 1))[0]
        assert "only" in refusal_of(picture((4, 4)))[0]


class TestMargins:
    def test_that_are_empty_are_cut(self) -> None:
        picture = Image.new("RGBA", (320, 96))
        picture.paste((11, 95, 255, 255), (4, 4, 92, 92))
        raw = io.BytesIO()
        picture.save(raw, "PNG")
        assert (logo_from(raw.getvalue()).width, logo_from(raw.getvalue()).height) == (88, 88)

    def test_of_a_picture_that_shows_nothing_are_all_there_is(self) -> None:
        raw = io.BytesIO()
        Image.new("RGBA", (40, 20)).save(raw, "PNG")
        assert logo_from(raw.getvalue()).width == 40
