import pytest

from app.connectors.connector import Request, connectors
from app.connectors.requests import RequestUnwritable, write
from app.core.sandbox import Sandbox

pytestmark = pytest.mark.feature("M46")
CONFIG = {"base_url": "https://erp.example/root/", "username": "u"}


@pytest.fixture(scope="module")
async def sandbox():
    async with Sandbox(size=1) as made:
        yield made


async def written(sandbox: Sandbox, params: dict, **form: str):
    request = Request(**{"method": "POST", "path": "/orders/{order}", **form})
    return await write(sandbox, connectors()["sim-erp"], request, config=CONFIG, params=params, effect_key="k 1")


class TestWrite:
    async def test_fills_path_query_and_body(self, sandbox: Sandbox):
        made = await written(sandbox, {"order": "A/1 ü"}, query="{key: $effect_key, all: true}", body="{user: $config.username, order}")
        assert made.url == "https://erp.example/root/orders/A%2F1%20%C3%BC?key=k+1&all=true"
        assert made.content == '{"user":"u","order":"A/1 ü"}'.encode() and made.headers["content-type"] == "application/json"

    async def test_has_no_body_where_none_is_asked_for(self, sandbox: Sandbox):
        made = await written(sandbox, {"order": 7}, method="GET")
        assert (made.url, made.content, "content-type" in made.headers) == ("https://erp.example/root/orders/7", b"", False)

    @pytest.mark.parametrize("order", ["..", ".", "", None, ["x"]])
    async def test_refuses_a_parameter_that_would_change_the_address(self, sandbox: Sandbox, order: object):
        with pytest.raises(RequestUnwritable, match="order"):
            await written(sandbox, {"order": order})

    @pytest.mark.parametrize("form", [{"query": "[1]"}, {"body": 'error("x")'}, {"body": "1, 2"}, {"query": "{a: {}}"}])
    async def test_refuses_what_gives_no_request(self, sandbox: Sandbox, form: dict):
        with pytest.raises(RequestUnwritable):
            await written(sandbox, {"order": "A"}, **form)
