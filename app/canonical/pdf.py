"""The text and form fields of a simple PDF (ISO 32000-1: content streams §7.8, text operators §9.4, form fields §12.7), bounded.

Reads what office programs write with standard fonts: uncompressed or Flate streams, strings in parentheses or hex. Text drawn with
embedded glyph numbers has no meaning here and reads as nothing, which the caller says.
"""

import re
import zlib

MOST_INFLATED = 8 << 20
MOST_STREAMS = 2000

_STREAM = re.compile(rb"stream\r?\n")
# A string, a hex string, or an operator that ends a line or shows text.
_TOKEN = re.compile(rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|<[0-9A-Fa-f\s]*>|\b(?:Td|TD|Tm|ET|BT)\b|T\*|['\"]", re.DOTALL)
_FIELD = re.compile(rb"/T\s*(\((?:[^()\\]|\\.)*\))|/V\s*(\((?:[^()\\]|\\.)*\))", re.DOTALL)
_OBJECT = re.compile(rb"\bobj\b|\bendobj\b")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_BREAKS = frozenset((b"Td", b"TD", b"Tm", b"ET", b"T*", b"'", b'"'))


def text(content: bytes) -> str:
    """Lines of text in the order they are drawn."""
    return "\n".join(_drawn(stream) for stream in _streams(content) if b"BT" in stream)


def form_fields(content: bytes) -> dict[str, str]:
    """Values of text fields by their names."""
    found: dict[str, str] = {}
    for piece in (part for whole in (content, *_streams(content)) for part in _OBJECT.split(whole)):
        name = value = None
        for match in _FIELD.finditer(piece[:10_000]):
            name, value = (_string(match[1]), value) if match[1] else (name, _string(match[2]))
        if name and value:
            found.setdefault(name, value)
    return found


def _streams(content: bytes) -> list[bytes]:
    """Every stream, inflated where it is Flate; what can't be inflated or would be too large is left out."""
    streams, room = [], MOST_INFLATED
    for begin in list(_STREAM.finditer(content))[:MOST_STREAMS]:
        end = content.find(b"endstream", begin.end())
        raw = content[begin.end() : end if end > 0 else len(content)]
        head = content[max(0, begin.start() - 400) : begin.start()].rpartition(b"obj")[2]
        inflated = _inflate(raw, room) if b"FlateDecode" in head else raw[:room]
        room -= len(inflated)
        streams.append(inflated)
        if room <= 0:
            break
    return streams


def _inflate(raw: bytes, room: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(raw.strip(b"\r\n"), max(room, 1))
    except zlib.error:
        return b""


def _drawn(stream: bytes) -> str:
    lines: list[str] = [""]
    for token in _TOKEN.findall(stream):
        if token in _BREAKS:
            lines.append("")
        elif token != b"BT":
            lines[-1] += _string(token)
    return "\n".join(line for line in lines if line.strip())


def _string(token: bytes) -> str:
    if token.startswith(b"<"):
        digits = re.sub(rb"\s", b"", token[1:-1])
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    else:
        raw = re.sub(rb"\\(\d{1,3}|\r?\n|.)", _unescape, token[1:-1], flags=re.DOTALL)
    return raw.decode("utf-16") if raw.startswith((b"\xfe\xff", b"\xff\xfe")) and len(raw) % 2 == 0 else raw.decode("latin-1")


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code.isdigit():
        return bytes([int(code, 8) & 255]) if not set(code) & set(b"89") else code
    return b"" if code in (b"\n", b"\r\n") else _ESCAPES.get(code, code)
