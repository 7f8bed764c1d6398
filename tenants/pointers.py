"""Pointers: a part of a document names its own fields, whoever reads the whole document needs the whole way."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import Fault, FieldError


@contextmanager
def placed(pointer: str) -> Iterator[None]:
    """Put `pointer` before the pointers of an error raised inside; one without any gets one to the part itself."""
    try:
        yield
    except Fault as fault:
        given = fault.errors or (FieldError("", fault.detail),)
        fault.errors = tuple(FieldError(pointer + e.pointer, e.detail, e.remedy) for e in given)
        raise
