"""Runs every command of the README: `python -m docs.readme_check`.

Each ```sh block stands under a comment that says how it is run:

- `<!-- run -->`: in order, in one shell, against the installation; a command that fails is an error.
- `<!-- run until: TEXT -->`: the same; repeated until TEXT is in the output, for at most `PATIENCE` seconds.
- `<!-- run alone … -->`: with nothing else running, in a home of its own.
- `<!-- run: stays -->`: starts the installation the others are run against, and is stopped at the end.

A block without such a comment is an error, so nothing is promised that isn't run.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
ALONE_SECONDS = 180.0
START_SECONDS = 900.0
_FENCE = re.compile(r"(?:<!-- run(?P<how>[^>]*?) -->\n)?```sh\n(?P<text>.*?)```", re.DOTALL)


class NotRun(Exception):
    """A block of the page did not do what the page says; the message holds its output."""


@dataclass(frozen=True)
class Block:
    """Commands of the page, how they are run, and a text their output must come to hold."""

    commands: str
    stays: bool = False
    alone: bool = False
    until: str = ""


def blocks(page: str) -> list[Block]:
    """Every sh block in order; raises NotRun for one that doesn't say how it is run."""
    return [_block(found["how"], found["text"]) for found in _FENCE.finditer(page)]


def _block(how: str | None, commands: str) -> Block:
    if how is None:
        raise NotRun(f"This block doesn't say how it is run:\n{commands}")
    first, _, until = how.partition("until:")
    return Block(commands, stays="stays" in first, alone="alone" in first, until=until.strip())


def check(given: list[Block], home: Path, environment: Mapping[str, str]) -> None:
    """Run what is run against the installation in `home`, then what is run alone; raises NotRun."""
    shell = Shell({**environment, "DETOUR_HOME": str(home)})
    try:
        for block in given:
            if not block.stays and not block.alone:
                shell.run(block)
    finally:
        shell.close()


def check_alone(given: list[Block], environment: Mapping[str, str]) -> None:
    """Run what needs a machine of its own; raises NotRun."""
    for block in (each for each in given if each.alone):
        with _home() as home:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.commands], cwd=ROOT, env={**environment, "DETOUR_HOME": str(home)}, check=False,
                text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=ALONE_SECONDS,
            )  # fmt: skip
            if done.returncode or block.until not in done.stdout:
                raise NotRun(f"{block.commands}\nexit code {done.returncode}, wanted {block.until!r} in:\n{done.stdout}")


class Shell:
    """One bash that keeps its variables from block to block, as a reader's terminal does."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-uo", "pipefail"], cwd=ROOT, env=dict(environment), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._count = 0

    def run(self, block: Block) -> str:
        """Run a block, again and again while its text hasn't come; the last output."""
        deadline = time.monotonic() + PATIENCE
        while True:
            code, output = self._once(block.commands)
            if code:
                raise NotRun(f"{block.commands}\nexit code {code}:\n{output}")
            if block.until in output:
                return output
            if time.monotonic() > deadline:
                raise NotRun(f"{block.commands}\nwanted {block.until!r} within {PATIENCE:.0f} s, got:\n{output}")
            time.sleep(0.5)

    def _once(self, commands: str) -> tuple[int, str]:
        """The braces keep the block in this shell, so its variables stay; `&&` would lose the first failure, so errors are trapped."""
        self._count += 1
        mark = f"--- block {self._count} ended with "
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"failed=0; trap 'failed=$?' ERR\n{commands}\ntrap - ERR; echo; echo '{mark}'$failed\n")
        self._process.stdin.flush()
        output: list[str] = []
        for line in self._process.stdout:
            if line.startswith(mark):
                return int(line.removeprefix(mark)), "".join(output)
            output.append(line)
        return 1, "".join(output) + "the shell ended"

    def close(self) -> None:
        """End the shell."""
        self._process.terminate()
        self._process.wait(10)


@contextmanager
def started(given: list[Block], environment: Mapping[str, str]) -> Iterator[Path]:
    """The installation of the block that stays, up and reachable; gone afterwards."""
    (block,) = (each for each in given if each.stays)
    with _home() as home, (home / "readme.log").open("w+") as log:
        process = subprocess.Popen(
            ["bash", "-c", block.commands], cwd=ROOT, env={**environment, "DETOUR_HOME": str(home)}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait_until_up(process, Path(log.name))
            yield home
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def _wait_until_up(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "Up at http" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotRun(f"The installation did not stay up:\n{log.read_text()}")
        time.sleep(0.5)


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="readme-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the embedded servers run as another user when started by root
        yield Path(folder)


def main() -> int:
    given = blocks((ROOT / "README.md").read_text())
    try:
        with started(given, os.environ) as home:
            check(given, home, os.environ)
        check_alone(given, os.environ)
    except NotRun as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(given)} blocks of the README were run and did what it says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
