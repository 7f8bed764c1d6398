"""A form's fields are read from JSON, text and simple PDFs; what can't be read says so."""

import json
import zlib

import pytest

from app.canonical import forms
from app.canonical.forms import UnknownForm, UnreadableForm

WANTED = {"order_number": "ORD-7731", "certificate_number": "CC-2026-118", "valid_until": "2031-06-30", "un_number": "UN1993"}
TEXT = "Compliance certificate\n\nOrder number: ORD-7731\nCertificate no.: CC-2026-118\n  Valid until:  2031-06-30  \nUN code: UN1993\nOrder number: FORGED\n"


def pdf(lines: list[str], *, compressed: bool = True, fields: dict[str, str] | None = None) -> bytes:
    """A one-page PDF as a text program writes it."""
    drawn = "BT /F1 12 Tf 72 720 Td 14 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    body = zlib.compress(drawn.encode()) if compressed else drawn.encode()
    head = b"<< /Length %d%s >>" % (len(body), b" /Filter /FlateDecode" if compressed else b"")
    boxes = b"".join(b"7 0 obj << /FT /Tx /T (%s) /V (%s) >> endobj\n" % (k.encode(), v.encode()) for k, v in (fields or {}).items())
    return b"%PDF-1.7\n4 0 obj " + head + b"\nstream\n" + body + b"\nendstream endobj\n" + boxes + b"%%EOF"


class TestRead:
    @pytest.mark.feature("M31")
    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (json.dumps(WANTED).encode(), "application/json"),
            (
                json.dumps(
                    {"fields": {"Order number": "ORD-7731", "Certificate": "CC-2026-118", "valid-until": "2031-06-30", "UN": "UN1993"}}
                ).encode(),
                "application/json",
            ),
            (TEXT.encode(), "text/plain"),
            (pdf(TEXT.splitlines()), "application/pdf"),
            (pdf(TEXT.splitlines(), compressed=False), "application/pdf"),
            (
                pdf(
                    ["Certificate"],
                    fields={"Order number": "ORD-7731", "Certificate no": "CC-2026-118", "Valid until": "2031-06-30", "UN": "UN1993"},
                ),
                "application/pdf",
            ),
        ],
        ids=["json", "json with labels", "text", "pdf", "plain pdf", "pdf form"],
    )
    def test_gives_the_same_fields_whatever_they_are_written_in(self, content, media_type):
        form = forms.read(content)
        assert form.media_type == media_type
        assert {name: form.fields[name] for name in WANTED} == WANTED

    @pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xd8\xff\xe0", b"", b"  \n", b"a\x00b: c", b"PK\x03\x04\xff"])
    def test_refuses_what_cannot_be_a_form_by_its_content(self, content):
        with pytest.raises(UnknownForm):
            forms.read(content)

    @pytest.mark.parametrize("content", [b"nothing to see", b"%PDF-1.7\n%%EOF", pdf(["glyphs only"]), b"{}", b'{"a": {"b": 1}}'])
    def test_says_when_nothing_reads_as_a_field(self, content):
        with pytest.raises(UnreadableForm):
            forms.read(content)

    def test_escapes_and_hex_strings_of_a_pdf_are_text(self):
        drawn = rb"BT (Order number: ORD\05571\(A\)) Tj T* <53 75 62 73 74 61 6e 63 65 3a 20 41 63 69 64> Tj ET"
        form = forms.read(b"%PDF-1.4\n1 0 obj << >>\nstream\n" + drawn + b"\nendstream endobj")
        assert form.fields == {"order_number": "ORD-71(A)", "substance": "Acid"}

    def test_a_bomb_inflates_to_the_limit_and_no_further(self):
        bomb = zlib.compress(b"(x) Tj " * 4_000_000, 9)
        content = b"%PDF-1.7\n4 0 obj << /Filter /FlateDecode >>\nstream\n" + bomb + b"\nendstream endobj\n"
        with pytest.raises(UnreadableForm):
            forms.read(content)

    def test_long_lines_cost_nothing(self):
        with pytest.raises(UnreadableForm):
            forms.read((b" " * 2_000_000 + b"y\n") * 3)
