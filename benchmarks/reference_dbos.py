"""The reference of P1: DBOS, the same three empty steps, 16 threads; a number of runs a line on standard input, seconds back."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS, SetWorkflowID

THREADS = 16


@DBOS.step()
def step(number: int) -> dict[str, int]:
    return {"n": number}


@DBOS.workflow()
def three_steps(number: int) -> int:
    return sum(step(number + i)["n"] for i in range(3))


def main() -> None:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": sys.argv[1],
            "run_admin_server": False,
            "log_level": "ERROR",
            "sys_db_pool_size": THREADS,
        }
    )
    DBOS.launch()
    print("ready", flush=True)
    done = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for line in sys.stdin:
            number = int(line)
            started = time.perf_counter()
            list(threads.map(_one, range(done, done + number)))
            done += number
            print(time.perf_counter() - started, flush=True)


def _one(number: int) -> None:
    with SetWorkflowID(f"bench-{number}"):
        assert three_steps(number) == 3 * number + 3


if __name__ == "__main__":
    main()
