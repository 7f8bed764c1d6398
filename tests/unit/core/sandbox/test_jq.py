import pytest

from app.core.sandbox import Sandbox, SandboxFailure, SandboxRefused

pytestmark = pytest.mark.feature("M34")


class TestJq:
    async def test_gives_the_one_output_with_its_variables(self, sandbox: Sandbox):
        assert await sandbox.jq(".a + $b", {"a": 1}, {"b": 2}) == 3

    async def test_keeps_functions_and_comments_working_inside_the_wrapping(self, sandbox: Sandbox):
        assert await sandbox.jq("def twice: . * 2;\n.a | twice # done", {"a": 21}) == 42

    @pytest.mark.parametrize(
        ("program", "said"), [("1, 2", "more than one"), ("empty", "no output"), ("halt", "no output"), (".a.b", "stopped with an error")]
    )
    async def test_refuses_anything_but_exactly_one_output(self, sandbox: Sandbox, program: str, said: str):
        with pytest.raises(SandboxRefused, match=said):
            await sandbox.jq(program, {"a": 1})

    async def test_sees_neither_environment_nor_files(self, sandbox: Sandbox):
        assert await sandbox.jq("[$ENV, env, get_search_list]", None) == [{}, {}, []]
        with pytest.raises(SandboxRefused, match="import"):
            await sandbox.jq('# mine\nimport "a" as a; .', None)
        with pytest.raises(SandboxRefused):
            await sandbox.jq('"/etc/passwd" | modulemeta', None)

    async def test_a_failure_belongs_to_its_item(self, sandbox: Sandbox):
        results = await sandbox.jq_many([(".", 1, None), (".a.b", {"a": 1}, None), (".", 3, None)])
        assert results[0] == 1 and results[2] == 3
        assert isinstance(results[1], SandboxFailure) and not results[1].is_limit

    async def test_splits_a_batch_by_bytes(self, sandbox: Sandbox):
        text = "x" * 400_000
        assert await sandbox.jq_many([("length", text, None)] * 7) == [400_000] * 7


class TestCheckJq:
    async def test_names_line_and_column(self, sandbox: Sandbox):
        with pytest.raises(SandboxRefused) as refused:
            await sandbox.check_jq("\n.a | foo")
        assert (refused.value.line, refused.value.column) == (2, 6)
        assert "foo/0 is not defined" in refused.value.detail

    async def test_knows_the_variables_it_is_told(self, sandbox: Sandbox):
        await sandbox.check_jq("$source", ["source"])
        with pytest.raises(SandboxRefused, match="not defined"):
            await sandbox.check_jq("$other", ["source"])

    async def test_finds_the_program_that_only_compiles_when_wrapped(self, sandbox: Sandbox):
        with pytest.raises(SandboxRefused):
            await sandbox.check_jq("1) | (2")
