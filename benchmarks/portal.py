"""P13, P14 and what stands beside them: lists, changes, pages and search of a large tenant through real HTTP, as p95 over the goal.

100,000 open and 1,000,000 closed cases, 1,000,000 shipments, 10,000 partners; `BENCH_SCALE=0.01` for a try.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

from benchmarks import crowd, load
from benchmarks.crowd import Crowd
from benchmarks.ground import Ground, ground
from benchmarks.harness import NOISY_CORES, Result, cpu, foreign, spin
from branding import commands as brands
from branding.schemas import Brand, Tokens, Voice
from tenants import sessions
from tenants.commands.keys import create_key
from tenants.commands.sign_in import say_started, start_session
from tenants.commands.users import create_user
from tenants.platform import create_platform_key
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewKey, NewUser

SCALE = float(os.environ.get("BENCH_SCALE", "1"))
OPEN, CLOSED, SHIPMENTS, PARTNERS = (int(n * SCALE) for n in (100_000, 1_000_000, 1_000_000, 10_000))
ROUNDS, A_ROUND = 9, 20
LARGEST_PAGE = 60 * 1024
LIST_GOAL, PAGE_GOAL = 0.3, 0.15

Make = Callable[[int], bytes]


@dataclass
class Stage:
    """The ground with its crowd, and how each kind of reader asks."""

    ground: Ground
    crowd: Crowd
    host: str
    key: str
    customer_key: str
    operator: str
    customer: str
    platform_key: str
    draw: random.Random = field(default_factory=lambda: random.Random(13))

    def api(self, path: str, key: str = "") -> bytes:
        return _get(path, f"127.0.0.1:{self.ground.port}", {"authorization": f"Bearer {key or self.key}"})

    def page(self, path: str, token: str = "") -> bytes:
        return _get(path, f"{self.host}", {"cookie": f"{sessions.COOKIE}={token or self.operator}", "accept": "text/html"})


async def measure() -> list[Result]:
    """Every figure of the group."""
    async with ground() as g:
        stage = await _stage(g)
        results = [await _trivial(stage)]
        results += await _lists(stage) + await _pages(stage) + await _searches(stage) + await _partners(stage)
        # Changes last: they move what the lists read.
        results.append(await _changes(stage))
        return results


async def _stage(g: Ground) -> Stage:
    """Write the crowd and sign its readers in."""
    tenant = (await g.tenants(1))[0][0]
    connection = await asyncpg.connect(g.postgres.url("postgres"))
    try:
        many = await crowd.settle(connection, tenant)
        await crowd.ship(connection, many, SHIPMENTS)
        await crowd.open_cases(connection, many, OPEN, CLOSED)
        await crowd.partners(connection, PARTNERS)
    finally:
        await connection.close()
    maker = Principal(tenant, "system:bench", "partner", BUILT_IN["partner_admin"].permissions)
    async with g.shell.unit_of_work(tenant, actor="system:bench") as uow:
        voice = Voice(name="Bench", mail_from="care@bench.example", support_email="help@bench.example", zone="Europe/Berlin")
        await brands.publish_brand(uow, Brand(voice=voice, tokens=Tokens(primary="#0B5FFF")), logo=None)
        host = (await brands.ensure_platform_host(uow, g.shell.settings)).host
        _, key = await create_key(uow, NewKey(name="desk", scope="partner", roles=["operator"]), maker=maker)
        mine = NewKey(name="theirs", scope="customer", roles=["customer_user"], customer_id=many.customers[0])
        _, theirs = await create_key(uow, mine, maker=maker)
    operator, customer = [
        await _sign_in(g, tenant, host, role, of) for role, of in (("operator", None), ("customer_user", many.customers[0]))
    ]
    platform = await create_platform_key(g.shell.boundary, "bench")
    return Stage(g, many, host, key.text, theirs.text, operator, customer, platform.text)


async def _sign_in(g: Ground, tenant: UUID, host: str, role: str, customer: UUID | None) -> str:
    maker = Principal(tenant, "system:bench", "partner", BUILT_IN["partner_admin"].permissions)
    async with g.shell.unit_of_work(tenant, actor="system:bench") as uow:
        user = await create_user(uow, NewUser(email=f"{role}@bench.example", role=role, customer_id=customer, name="Kim Doe"), maker=maker)
        made = await start_session(uow, user.id, customer, host, strength="email")
        say_started(uow, made.session)
    return made.token.text


# -- what is measured


async def _trivial(stage: Stage) -> Result:
    return await _p95(
        stage,
        "P14-trivial",
        "the same server's trivial route, p95 seconds over a page's goal",
        PAGE_GOAL,
        lambda _: stage.api("/healthz"),
    )


async def _lists(stage: Stage) -> list[Result]:
    """P13: the list as operators narrow it, its second page, and its counts."""
    first = await _json(stage, "/v1/cases?limit=50")
    queries = [
        "limit=50", f"limit=50&cursor={first['next']}", f"limit=50&type={crowd.TYPES[0]}", f"limit=50&customer={stage.crowd.customers[3]}", "limit=50&priority=P1",
        "status=all&limit=50", "status=resolved&limit=50",
    ]  # fmt: skip
    ok = len(first["items"]) == 50 and await stage.ground.count("select count(*) from cases.\"case\" where status <> 'resolved'") == OPEN
    made = await _p95(
        stage,
        "P13-list",
        f"GET /v1/cases, seven ways, {OPEN:,} open cases",
        LIST_GOAL,
        lambda n: stage.api(f"/v1/cases?{queries[n % len(queries)]}"),
    )
    made.rows_ok = made.rows_ok and ok
    facets = await _p95(stage, "P13-facets", "GET /v1/cases/facets", LIST_GOAL, lambda _: stage.api("/v1/cases/facets"))
    return [made, facets]


async def _changes(stage: Stage) -> Result:
    """P13: a status change each, of cases that nobody changed before."""
    total = A_ROUND * ROUNDS + A_ROUND
    rows = await _rows(stage, f"select id from cases.\"case\" where status = 'open' order by id desc limit {total}")
    headers = {"authorization": f"Bearer {stage.key}", "content-type": "application/json"}
    made = await _p95(
        stage,
        "P13-change",
        "POST /v1/cases/{id}/acknowledge",
        LIST_GOAL,
        lambda n: load.post(f"/v1/cases/{rows[n]['id']}/acknowledge", b"{}", headers),
    )
    done = await stage.ground.count("select count(*) from cases.\"case\" where status = 'acknowledged'")
    made.rows_ok = made.rows_ok and done == total
    return made


async def _pages(stage: Stage) -> list[Result]:
    """P14: the control tower's list and a case, a customer's pages, the figures."""
    cases = await _rows(stage, "select id from cases.\"case\" where status = 'open' order by urgent_at limit 100")
    mine = await _rows(
        stage,
        f"select id from cases.\"case\" where status = 'open' and customer_id = '{stage.crowd.customers[0]}' order by id desc limit 50",
    )
    shipments = await _rows(
        stage, f"select id from canonical.shipment where customer_id = '{stage.crowd.customers[0]}' order by id desc limit 50"
    )
    wanted: list[tuple[str, str, float, Callable[[int], str], str]] = [
        ("P14-queue", "control tower's list /ops", PAGE_GOAL, lambda _: "/ops", stage.operator),
        ("P14-case", "a case in the control tower", PAGE_GOAL, lambda n: f"/ops/cases/{cases[n % 100]['id']}", stage.operator),
        ("P14-home", "a customer's first page", PAGE_GOAL, lambda _: "/", stage.customer),
        ("P14-shipments", "a customer's shipments", PAGE_GOAL, lambda _: "/shipments", stage.customer),
        ("P14-shipment", "one of them", PAGE_GOAL, lambda n: f"/shipments/{shipments[n % 50]['id']}", stage.customer),
        ("P14-their-case", "a customer's case", PAGE_GOAL, lambda n: f"/cases/{mine[n % 50]['id']}", stage.customer),
        ("P14-figures", f"figures of four weeks, {CLOSED:,} closed cases", 1.0, lambda _: "/ops/kpis", stage.operator),
    ]
    return [await _page(stage, *each) for each in wanted]


async def _page(stage: Stage, metric: str, what: str, goal: float, path: Callable[[int], str], token: str) -> Result:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stage.ground.port}", timeout=60) as http:
        headers = {"host": stage.host, "cookie": f"{sessions.COOKIE}={token}", "accept": "text/html"}
        answer = await http.get(path(0), headers=headers)
    made = await _p95(stage, metric, what, goal, lambda n: stage.page(path(n), token), a_round=A_ROUND if goal == PAGE_GOAL else 4)
    made.rows_ok = made.rows_ok and answer.status_code == 200 and len(answer.content) < LARGEST_PAGE
    made.note += f", {len(answer.content):,} bytes"
    return made


async def _searches(stage: Stage) -> list[Result]:
    """Search at a million shipments: parts of numbers, whole numbers, names, words that stand everywhere."""
    queries = [_query(stage, n) for n in range(A_ROUND * (ROUNDS + 1))]
    ok = await _finds(stage)
    found = []
    for metric, what, key in (("S-search", "the partner", stage.key), ("S-search-customer", "a customer", stage.customer_key)):
        asked = partial(_asked, stage, queries, key)
        made = await _p95(stage, metric, f"GET /v1/search for {what}, {SHIPMENTS:,} shipments", LIST_GOAL, asked)
        made.rows_ok = made.rows_ok and ok
        found.append(made)
    return found


def _asked(stage: Stage, queries: list[str], key: str, n: int) -> bytes:
    return stage.api(f"/v1/search?q={quote(queries[n])}", key)


def _query(stage: Stage, n: int) -> str:
    number, draw = stage.draw.randint(1, SHIPMENTS), stage.draw
    pro, tracking = f"{number * 7919 % 10**10:010}", f"{draw.getrandbits(32):08x}"
    return (
        pro[3:9], pro, f"bol {number:08}", f"po-2026-{number // 3:07}", f"SHP-{number}", tracking[:5], f"{draw.randint(1000, 9999)}", "logistics", "2026", "shipper",
    )[n % 10]  # fmt: skip


async def _finds(stage: Stage) -> bool:
    """Whether known shipments are found by a part of a number, and a customer finds its own only."""
    for number in (1, SHIPMENTS // 2, SHIPMENTS - 1):
        found = await _json(stage, f"/v1/search?q={number * 7919 % 10**10:010}&kind=shipment")
        if f"SHP-{number}" not in [row["label"] for row in found["items"]]:
            return False
    theirs = await _json(stage, "/v1/search?q=logistics", stage.customer_key)
    return len(theirs["items"]) == 20 and {row["customer_id"] for row in theirs["items"]} == {str(stage.crowd.customers[0])}


async def _partners(stage: Stage) -> list[Result]:
    """Ten thousand partners by the API, a page each, and all of them by the command line."""
    cursors, names = [""], list[str]()
    while True:
        page = await _json(stage, f"/v1/partners?limit=200{'&cursor=' + cursors[-1] if cursors[-1] else ''}", stage.platform_key)
        names += [row["slug"] for row in page["items"]]
        if page["next"] is None:
            break
        cursors.append(page["next"])
    listed = await _p95(
        stage, "T-partners", f"GET /v1/partners, a page of {PARTNERS:,}", LIST_GOAL,
        lambda n: stage.api(f"/v1/partners?limit=200{'&cursor=' + c if (c := cursors[n % len(cursors)]) else ''}", stage.platform_key),
    )  # fmt: skip
    listed.rows_ok = listed.rows_ok and len(set(names)) == PARTNERS + 1 and names == sorted(names)
    started = time.perf_counter()
    command = [
        "-m",
        "app.cli",
        "partner",
        "list",
        "--json",
        "--server",
        f"http://127.0.0.1:{stage.ground.port}",
        "--key",
        stage.platform_key,
    ]
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", *command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    seconds = time.perf_counter() - started
    by_hand = Result(
        "T-command", f"detour partner list, all {PARTNERS:,}, over {len(cursors)} pages' goals", seconds / (LIST_GOAL * len(cursors)), "<= 1", seconds,
        LIST_GOAL * len(cursors), calibration=spin(), rows_ok=process.returncode == 0 and [row["slug"] for row in json.loads(out)["items"]] == names,
    )  # fmt: skip
    return [listed, by_hand]


# -- how


async def _p95(stage: Stage, metric: str, what: str, goal: float, make: Make, *, a_round: int = A_ROUND) -> Result:
    """The 95th percentile of a request's seconds over its goal, two requests at a time; rounds with much foreign CPU are dropped while seven remain."""
    await load.run(stage.ground.port, make, a_round, 2)
    rounds = list[tuple[list[float], float]]()
    started = cpu()
    statuses = dict[int, int]()
    for number in range(1, ROUNDS + 1):
        before = cpu()
        done = await load.run(stage.ground.port, partial(_later, make, number * a_round), a_round, 2)
        rounds.append((done.latencies, foreign(before, cpu())))
        for status, count in done.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    # What it costs on a machine of its own: everything ours burnt, the load generator too, for each request.
    burnt = (cpu()[2] - started[2]) / (ROUNDS * a_round)
    quiet = [each for each in rounds if each[1] < NOISY_CORES]
    kept = quiet if len(quiet) >= 7 else rounds
    latencies = [seconds for round_, _ in kept for seconds in round_]
    p95 = _at(latencies, 0.95)
    return Result(
        metric, what, p95 / goal, "<= 1", p95, goal, [round(_at(each, 0.95) / goal, 4) for each, _ in kept], statistics.median(f for _, f in rounds),
        len(rounds) - len(quiet), spin(), all(200 <= status < 300 for status in statuses), f"median {_at(latencies, 0.5) * 1000:.0f} ms, {burnt * 1000:.1f} ms of CPU",
    )  # fmt: skip


def _later(make: Make, first: int, n: int) -> bytes:
    return make(first + n)


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def _json(stage: Stage, path: str, key: str = "") -> Any:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stage.ground.port}", timeout=60) as http:
        answer = await http.get(path, headers={"authorization": f"Bearer {key or stage.key}"})
    answer.raise_for_status()
    return answer.json()


async def _rows(stage: Stage, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stage.ground.postgres.url("postgres"))
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


def _get(path: str, host: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
