"""What a language module in the child raises instead of a result."""


class Refused(Exception):
    """The program is wrong, or refuses this input; line and column are 1-based where the language tells them."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Exceeded(Exception):
    """The program passed a limit; the child that ran it is not used again."""
