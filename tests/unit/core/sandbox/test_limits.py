"""Hostile programs end at their limit with a clear error while a neighbour goes on."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from app.core.sandbox import CelJob, Sandbox, SandboxFailure, SandboxLimit, confine, limits
from app.core.sandbox.strikes import Strikes

pytestmark = pytest.mark.feature("M34", "M195")
HOSTILE_JQ = [
    "last(repeat(1))",
    "def f: f; f",
    '"a" * 2e9',
    ".[536870911] = 1",
    '("a" * 5000) | test("(a+)+(a+)+b")',
    "[range(1e9)]",
    '[limit(1e9; repeat("x"))]',
    "reduce range(1e9) as $i (0; .+$i)",
]
HOSTILE_TEMPLATES = [
    "{{ 'a' * 10**9 }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ 10 ** (10 ** 10) }}",
    "{% for a in x %}{% for b in x %}{% for c in x %}{% for d in x %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
]


async def neighbour(sandbox: Sandbox) -> None:
    assert await sandbox.jq(". + 1", 1) == 2


class TestHostilePrograms:
    @pytest.mark.parametrize("program", HOSTILE_JQ)
    async def test_jq_ends_at_its_limit(self, sandbox: Sandbox, program: str):
        async def hostile() -> None:
            with pytest.raises(SandboxLimit):
                await sandbox.jq(program, None)

        await asyncio.gather(hostile(), neighbour(sandbox))
        await neighbour(sandbox)

    @pytest.mark.parametrize("template", HOSTILE_TEMPLATES)
    async def test_templates_end_at_their_limit(self, sandbox: Sandbox, template: str):
        async def hostile() -> None:
            with pytest.raises(SandboxLimit):
                await sandbox.render(template, {"x": list(range(300))}, html=False)

        await asyncio.gather(hostile(), neighbour(sandbox))
        await neighbour(sandbox)

    async def test_cel_ends_at_its_limit(self, sandbox: Sandbox):
        grow = "s" + " + s" * 20
        for _ in range(2):
            grow = f"[{grow}].map(s, {grow})[0]"
        jobs = [CelJob(expr, {"s": "string"}, {"s": "x" * 500_000}) for expr in (f"size({grow}) > 0", "size(s) > 0")]
        results = await sandbox.cel_many(jobs)
        assert results[0].error and results[1].value is True

    async def test_only_the_hostile_item_of_a_batch_fails(self, sandbox: Sandbox):
        results = await sandbox.jq_many([(".", 1, None), ("last(repeat(7))", 2, None), ('"b" * 2e9', 3, None), (".", 4, None)])
        assert results[0] == 1 and results[3] == 4
        assert all(isinstance(r, SandboxFailure) and r.is_limit for r in results[1:3])

    async def test_refuses_input_and_output_over_one_mebibyte(self, sandbox: Sandbox):
        with pytest.raises(SandboxLimit, match="input"):
            await sandbox.jq("length", "x" * limits.INPUT_BYTES)
        with pytest.raises(SandboxLimit, match="result"):
            await sandbox.jq(". + .", "x" * 600_000)

    async def test_a_cancelled_call_leaves_no_answer_for_the_next(self, sandbox: Sandbox):
        for _ in range(5):
            call = asyncio.create_task(sandbox.jq("last(range(200000))", None))
            await asyncio.sleep(0.002)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await neighbour(sandbox)


class TestStrikes:
    async def test_three_kills_suspend_the_definition_and_nobody_else(self, sandbox: Sandbox):
        program = 'last(repeat("thrice"))'
        for _ in range(limits.STRIKES):
            with pytest.raises(SandboxLimit, match="was stopped after"):
                await sandbox.jq(program, None)
        with pytest.raises(SandboxLimit, match="suspended"):
            await sandbox.jq(program, None)
        await neighbour(sandbox)

    def test_are_forgiven_after_a_while(self):
        now = [1000.0]
        strikes = Strikes(lambda: now[0])
        for _ in range(limits.STRIKES):
            strikes.add("jq", ".")
        assert strikes.suspension("jq", ".") and not strikes.suspension("render", ".")
        now[0] += limits.STRIKE_SECONDS
        assert not strikes.suspension("jq", ".")

    async def test_a_machine_that_is_busy_convicts_nobody(self, sandbox: Sandbox):
        """The child is stopped (SIGSTOP) for longer than its deadline: wall time passes, its CPU time does not."""
        async with sandbox._pool.child() as child:
            os.kill(child.pid, 19)
            asyncio.get_running_loop().call_later(limits.CPU_SECONDS * 3, os.kill, child.pid, 18)
            request = b'{"op":"jq","items":[{"program":".","value":5,"variables":{}}]}'
            assert [answer async for answer in child.ask(request, 1)] == [{"ok": 5}]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
class TestConfinement:
    async def test_a_child_has_no_environment_no_privileges_and_one_descriptor(self, sandbox: Sandbox):
        async with sandbox._pool.child() as child:
            proc = Path(f"/proc/{child.pid}")
            status = proc.joinpath("status").read_text()
            limits_text = proc.joinpath("limits").read_text()
            assert "NoNewPrivs:\t1" in status
            assert re.search(r"Max open files\s+1\s+1", limits_text)
            assert re.search(r"Max processes\s+0\s+0", limits_text)
            assert re.search(r"Max file size\s+0\s+0", limits_text)
            if os.getuid() == 0:
                uid = int(re.search(r"Uid:\t(\d+)", status)[1])
                assert confine.FIRST_UID <= uid < confine.FIRST_UID + confine.UIDS
                assert "CapEff:\t0000000000000000" in status
                assert [link.name for link in proc.joinpath("fd").iterdir()] == ["0"]
                assert proc.joinpath("environ").read_bytes() == b""

    async def test_two_children_are_two_users(self, sandbox: Sandbox):
        async with sandbox._pool.child() as one, sandbox._pool.child() as two:
            uids = {re.search(r"Uid:\t(\d+)", Path(f"/proc/{c.pid}/status").read_text())[1] for c in (one, two)}
        assert len(uids) == (2 if os.getuid() == 0 else 1)

    async def test_a_filter_on_system_calls_is_in_place_where_the_kernel_has_one(self, sandbox: Sandbox):
        async with sandbox._pool.child() as child:
            found = re.search(r"Seccomp:\t(\d)", Path(f"/proc/{child.pid}/status").read_text())
        if found is None:
            pytest.skip("this kernel has no seccomp")
        assert found[1] == "2"


def _lives(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


class TestSandbox:
    async def test_leaves_no_process_behind(self):
        async with Sandbox(size=1) as sandbox:
            async with sandbox._pool.child() as child:
                pid = child.pid
            warm = sandbox._pool._nursery._process.pid
        async with asyncio.timeout(10):
            while any(_lives(p) for p in (pid, warm)):
                await asyncio.sleep(0.02)

    async def test_comes_back_after_its_warm_process_was_killed(self):
        async with Sandbox(size=1) as sandbox:
            sandbox._pool._nursery._process.kill()
            for _ in range(3):
                with pytest.raises(SandboxLimit):
                    await sandbox.jq('"z" * 2e9', None)
            await neighbour(sandbox)
