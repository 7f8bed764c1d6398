"""X12 as characters: the delimiters an interchange declares, and its segments one by one.

Format: ASC X12.5/X12.6 (interchange control structures). An ISA segment has sixteen elements; its fourth character is the
element separator, its sixteenth element the component separator, and the character after that the segment terminator.
Terminators met in the wild: `~ | . * }`, newline, carriage return and U+2026, with or without line breaks and indents
around them; so nothing is assumed, everything is read from the ISA. Senders also break the fixed widths of the ISA, so
its elements are found by counting separators and never by column.
"""

from collections.abc import Iterator

import msgspec

from app.core.errors import Invalid, LimitReached

MAX_BYTES = 16 * 1024 * 1024
MAX_SEGMENTS = 50_000
MAX_ELEMENTS = 256
MAX_SEGMENT_CHARACTERS = 100_000
_ISA_ELEMENTS = 16
_ISA_LONGEST = 512  # 106 by the book; a few senders pad with other widths


class NotAnInterchange(Invalid):
    """This is not an X12 interchange: it does not begin with an ISA segment."""

    status = 422


class BadDelimiters(Invalid):
    """The ISA segment declares delimiters that can't be told apart; use three different characters that are no letters or digits."""

    status = 422


class BadSegment(Invalid):
    """A segment of this interchange can't be read."""

    status = 422


class TooLarge(LimitReached):
    """An EDI document may have 16 MiB and 50,000 segments; send it in parts."""

    status = 413


class Delimiters(msgspec.Struct, frozen=True):
    """The characters that separate; `repetition` is None before version 00402, where ISA11 meant something else."""

    element: str
    component: str
    terminator: str
    repetition: str | None = None


class Segment(msgspec.Struct, frozen=True):
    """One segment: its place in the document (1 is the first ISA) and its elements, the segment id first, trailing blanks cut."""

    position: int
    elements: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.elements[0]

    def get(self, index: int) -> str:
        """Return element `index` (1 is the first after the id) without blanks around it, "" when it was not sent."""
        return self.elements[index].strip() if index < len(self.elements) else ""


def text_of(raw: bytes) -> str:
    """Return the characters of `raw`: UTF-8 where it is valid, else Latin-1, in which every byte means something."""
    if len(raw) > MAX_BYTES:
        raise TooLarge()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\x00" in text:
        raise BadSegment("This interchange contains a NUL character, which no X12 character set allows.")
    return text


def delimiters_at(text: str, start: int) -> Delimiters:
    """Read the delimiters from the ISA segment that begins at `start`; raise NotAnInterchange or BadDelimiters."""
    if not text.startswith("ISA", start) or len(text) < start + 4:
        raise NotAnInterchange(f"This is not an X12 interchange: it begins with {text[start : start + 12]!r}, not with ISA.")
    element = text[start + 3]
    end = _after_last_separator(text, start, element)
    component, terminator = text[end : end + 1], text[end + 1 : end + 2]
    version = text[start:end].split(element)[12].strip()
    candidate = text[start:end].split(element)[11].strip()
    repetition = candidate if version >= "00402" and len(candidate) == 1 and not candidate.isalnum() else None
    _refuse_insane(element, component, terminator)
    return Delimiters(element, component, terminator, repetition)


def _after_last_separator(text: str, start: int, element: str) -> int:
    at = start
    for _ in range(_ISA_ELEMENTS):
        at = text.find(element, at, start + _ISA_LONGEST) + 1
        if at == 0:
            raise BadDelimiters(f"The ISA segment has fewer than sixteen elements when read with the separator {element!r}.")
    return at


def _refuse_insane(element: str, component: str, terminator: str) -> None:
    marks = (element, component, terminator)
    if "" in marks or len(set(marks)) < len(marks) or any(m.isalnum() or m == " " for m in marks):
        shown = f"element {element!r}, component {component!r}, segment {terminator!r}"
        raise BadDelimiters(f"The ISA segment declares delimiters that can't be told apart: {shown}.")


def segments(text: str) -> Iterator[tuple[Segment, Delimiters]]:
    """Yield each segment with the delimiters in force, reading them anew at every ISA; nothing is kept behind the reader.

    Line breaks, tabs and blanks between segments are skipped. The last segment may lack its terminator.
    """
    at, position = _skip_blank(text, 0), 0
    if at == len(text):
        raise NotAnInterchange("This document is empty; send at least one X12 interchange.")
    marks = delimiters_at(text, at)
    while at < len(text):
        if position and text.startswith("ISA", at) and not text[at + 3 : at + 4].isalnum():
            marks = delimiters_at(text, at)
        end = text.find(marks.terminator, at)
        end = len(text) if end < 0 else end
        position += 1
        yield _segment(text, at, end, position, marks), marks
        at = _skip_blank(text, end + 1)


def _skip_blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _segment(text: str, at: int, end: int, position: int, marks: Delimiters) -> Segment:
    if position > MAX_SEGMENTS:
        raise TooLarge(f"This document has more than {MAX_SEGMENTS:,} segments; send it in parts.")
    if end - at > MAX_SEGMENT_CHARACTERS:
        raise BadSegment(f"Segment {position} is longer than {MAX_SEGMENT_CHARACTERS:,} characters; is its terminator missing?")
    elements = text[at:end].rstrip("\r\n").split(marks.element)
    if len(elements) > MAX_ELEMENTS:
        raise BadSegment(f"Segment {position} ({elements[0][:3]}) has more than {MAX_ELEMENTS} elements.")
    return Segment(position, tuple(e.rstrip(" \u00a0") for e in elements))
