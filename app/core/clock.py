"""Time as an argument: the clock is read at the door and passed in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; every answer is aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """This machine's clock, shifted by the measured distance to the database's clock.

    Due times are compared by the database, so what we write must be in its time, whatever this machine believes.
    """

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def follow(self, database_now: datetime) -> None:
        """Take `database_now`, just read from the server, as the time it is."""
        self._offset = database_now - datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock for tests: stands still until it is moved."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by
