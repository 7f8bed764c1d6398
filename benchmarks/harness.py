"""How a ratio is measured: short alternating rounds, medians, foreign CPU noted, a fixed spin as calibration."""

import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

Round = Callable[[], Awaitable[float]]
NOISY_CORES = 0.6
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    """One metric: `ratio` is the median over rounds of ours divided by the reference, in units a second (or seconds, where said)."""

    metric: str
    what: str
    ratio: float
    goal: str
    ours: float
    reference: float
    rounds: list[float] = field(default_factory=list)
    foreign_cores: float = 0.0
    noisy_rounds: int = 0
    calibration: float = 0.0
    rows_ok: bool = True
    note: str = ""

    def line(self) -> str:
        return json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()})


async def compare(metric: str, what: str, goal: str, ours: Round, reference: Round, *, rounds: int = 9, warm: int = 1) -> Result:
    """Alternate `reference` and `ours`, each answering units a second; rounds with much foreign CPU are dropped while seven remain."""
    for _ in range(warm):
        await reference()
        await ours()
    measured: list[tuple[float, float, float]] = []
    for _ in range(rounds):
        before = cpu()
        ref, mine = await reference(), await ours()
        measured.append((mine, ref, foreign(before, cpu())))
    quiet = [m for m in measured if m[2] < NOISY_CORES]
    kept = quiet if len(quiet) >= 7 else measured
    ratios = [m / r for m, r, _ in kept]
    return Result(
        metric, what, statistics.median(ratios), goal, statistics.median(m for m, _, _ in kept), statistics.median(r for _, r, _ in kept),
        [round(x, 4) for x in ratios], statistics.median(f for _, _, f in measured), len(measured) - len(quiet), spin(),
    )  # fmt: skip


def spin() -> float:
    """Seconds this machine needs for a fixed piece of arithmetic: compare it between runs before comparing figures."""
    started = time.perf_counter()
    total = 0
    for i in range(2_000_000):
        total += i * i & 0xFF
    assert total
    return time.perf_counter() - started


def cpu() -> tuple[float, float, float]:
    """Moment, seconds all cores were busy, seconds our own processes were."""
    fields = [int(x) for x in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    busy = sum(fields) - fields[3] - fields[4]
    return time.monotonic(), busy / _TICK, _own() / _TICK


def _own() -> int:
    """Ticks used by this process and everything below it, living or reaped."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(stat[1])
            used[int(entry.name)] = sum(int(x) for x in stat[11:15])
    mine = {os.getpid()}
    grown = True
    while grown:
        grown = False
        for pid, parent in parents.items():
            if parent in mine and pid not in mine:
                mine.add(pid)
                grown = True
    return sum(used.get(p, 0) for p in mine)


def foreign(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """Cores somebody else used meanwhile."""
    seconds = after[0] - before[0]
    return max(0.0, ((after[1] - before[1]) - (after[2] - before[2])) / seconds) if seconds else 0.0
