"""The `detour` command. Exit codes: 0 done, 1 refused or it did not hold, 2 wrong usage or an unreadable file, 3 a setting or service is missing."""

import sys
from typing import NoReturn

from app.cli.commands import app
from app.core.embedded import CannotStart
from app.core.migrate import WrongDatabase
from app.core.settings import WrongSetting


def main() -> NoReturn:
    """Run the command line; what stops a start is said in one sentence."""
    try:
        app()
    except (WrongSetting, WrongDatabase, CannotStart) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
    sys.exit(0)
