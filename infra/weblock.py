"""Takes out of npm's lock what its author adds for other readers: addresses for donations. usage: weblock.py package-lock.json"""

import json
import sys
from pathlib import Path


def main(path: Path) -> None:
    """Rewrite the lock without them; its hashes stay as they are."""
    lock = json.loads(path.read_text())
    for package in lock["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
