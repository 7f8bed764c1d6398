"""`python -m simulator.story`: play the main story against a running instance; exit 0 only when every promised outcome held."""

import argparse
import sys
from pathlib import Path

from simulator.story import chaos, play
from simulator.story.book import Book
from simulator.story.cast import CASTS
from simulator.story.client import Outside
from simulator.story.doors import doors
from simulator.story.provision import Keyring
from simulator.story.show import Screen, as_json


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m simulator.story", description=__doc__)
    parser.add_argument("--base-url", required=True, help="address of the API")
    parser.add_argument("--platform-key", required=True, help="key of the platform operator")
    parser.add_argument("--simulator", required=True, help="address of the simulated world")
    parser.add_argument("--keys", type=Path, help="file that keeps the partners' keys from one telling to the next")
    parser.add_argument("--partner", action="append", choices=sorted(CASTS), help="play for this partner only (may be repeated)")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for each thing that should happen")
    parser.add_argument("--no-chaos", action="store_true", help="leave step 13 out")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds the carrier is down in step 13")
    parser.add_argument("--fault-dir", type=Path, help="where a file named like a fault point kills the process that reaches it")
    parser.add_argument("--doors", action="store_true", help="end with a sign-in link for one person of each kind")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Play, print the table, and say whether all held."""
    options = arguments(given)
    screen = Screen(quiet=options.json)
    book = Book(heard=screen.line)
    partners = tuple(options.partner or CASTS)
    setting = play.Setting(
        options.base_url, options.platform_key, Outside(options.simulator), partners, options.patience, Keyring(options.keys)
    )
    ready = play.play(setting, book)
    if ready and book.held and not options.no_chaos:
        screen.say("[bold]Told again with the carrier down and a worker killed …[/]")
        chaos.tell_again(setting, book, ready, outage=options.outage, fault_dir=options.fault_dir)
    screen.table(book)
    if options.doors:
        screen.addresses(doors(ready, options.base_url, setting.outside), options.base_url, options.simulator)
    if options.json:
        print(as_json(book))
    return 0 if book.held else 1


if __name__ == "__main__":
    sys.exit(main())
