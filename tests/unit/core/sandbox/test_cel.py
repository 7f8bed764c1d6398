import pytest

from app.core.sandbox import CelJob, Sandbox, SandboxRefused

pytestmark = pytest.mark.feature("M30")
TYPES = {"order.value_minor": "int", "shipment.eta": "timestamp", "order.tags": "list<string>", "wait": "duration", "share": "double"}


async def value(sandbox: Sandbox, expr: str, **given: object):
    [result] = await sandbox.cel_many([CelJob(expr, TYPES, {name.replace("__", "."): v for name, v in given.items()})])
    return result.error or result.value


class TestCelMany:
    async def test_reads_typed_dotted_variables(self, sandbox: Sandbox):
        assert await value(sandbox, "order.value_minor > 10", order__value_minor=11) is True
        assert await value(sandbox, "shipment.eta > timestamp('2026-01-01T00:00:00Z')", shipment__eta="2026-02-01T00:00:00+01:00") is True
        assert await value(sandbox, "'express' in order.tags", order__tags=["express"]) is True
        assert await value(sandbox, "wait >= duration('90m')", wait="PT1H30M") is True
        assert await value(sandbox, "share > 0.5", share=1) is True

    async def test_knows_what_is_present(self, sandbox: Sandbox):
        assert await value(sandbox, "'shipment.eta' in given") is False
        assert await value(sandbox, "'shipment.eta' in given", shipment__eta=None) is False
        assert "has no value here" in await value(sandbox, "shipment.eta > timestamp('2026-01-01T00:00:00Z')")

    async def test_an_odd_value_only_fails_the_expression_that_reads_it(self, sandbox: Sandbox):
        given = {"order.value_minor": "a lot", "share": 0.7}
        results = await sandbox.cel_many([CelJob(expr, TYPES, given) for expr in ("order.value_minor > 1", "share > 0.5", "1 / 0 > 1")])
        assert results[0].error == "The value of order.value_minor is not a int."
        assert results[1].value is True
        assert results[2].error == "divide by zero"

    async def test_a_time_without_zone_is_no_time(self, sandbox: Sandbox):
        assert "not a timestamp" in await value(sandbox, "shipment.eta == shipment.eta", shipment__eta="2026-01-01T00:00:00")

    async def test_reads_local_hours_though_it_can_open_no_file(self, sandbox: Sandbox):
        assert await value(sandbox, "shipment.eta.getHours('Asia/Kathmandu')", shipment__eta="2026-01-01T00:00:00Z") == 5

    async def test_stops_at_the_iteration_budget(self, sandbox: Sandbox):
        big = "[0,1,2,3,4,5,6,7,8,9]"
        nested = f"{big}.all(a, {big}.all(b, {big}.all(c, {big}.all(d, {big}.all(e, true)))))"
        assert "too many items" in await value(sandbox, nested)


class TestCelCheck:
    @pytest.mark.parametrize(
        ("expr", "line", "column", "said"),
        [
            ("order.value_minor >\n  10 + foo", 2, 8, "foo"),
            ("share > 2", 1, 7, "no matching overload"),
            ("'has(' == '' &&\n has(order.value_minor)", 2, 2, "'order.value_minor' in given"),
            ("order.value_minor", 1, 1, "must give a bool, it gives a int"),
            ("1 +", 1, 4, "Syntax error"),
            ("order.valu > 1", 1, 6, "undeclared reference to 'order.valu'"),
        ],
    )
    async def test_names_line_and_column(self, sandbox: Sandbox, expr: str, line: int, column: int, said: str):
        with pytest.raises(SandboxRefused) as refused:
            await sandbox.cel_check(expr, TYPES)
        assert said in refused.value.detail
        assert (refused.value.line, refused.value.column) == (line, column)

    async def test_takes_the_type_it_is_told(self, sandbox: Sandbox):
        await sandbox.cel_check("order.value_minor + 1", TYPES, want="int")
        await sandbox.cel_check("order.tags", TYPES, want="list<string>")
        await sandbox.cel_check("m.a > 1", {"m": "map<string, int>"})
        with pytest.raises(SandboxRefused, match="no CEL type 'money'"):
            await sandbox.cel_check("m", {"m": "money"})
