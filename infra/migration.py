"""Writes an empty migration with the next number: `make migration m="what changes"`."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.core.migrate import alembic_config


def new(message: str, config: Config) -> Path:
    """The file of a new migration that follows the newest one."""
    newest = ScriptDirectory.from_config(config).get_current_head()
    made = command.revision(config, message, rev_id=f"{int(newest or 0) + 1:04d}")
    assert made is not None and not isinstance(made, list)
    return Path(made.path)


def main() -> int:
    message = " ".join(sys.argv[1:]).strip()
    if not message:
        sys.stderr.write('say what changes: make migration m="…"\n')
        return 2
    new(message, alembic_config(""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
