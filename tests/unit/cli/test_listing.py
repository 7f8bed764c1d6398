"""Lists of any length are read to their end, a page after the other."""

import httpx
import pytest

from app.cli.listing import PAGE, everything, partner_lines
from app.cli.partner import Refused

ROWS = [{"slug": f"p{n:05}", "type": "msp", "status": "active", "name": f"Partner {n}"} for n in range(10_000)]


def answer(request: httpx.Request) -> httpx.Response:
    at, limit = int(request.url.params.get("cursor", 0)), int(request.url.params["limit"])
    following = str(at + limit) if at + limit < len(ROWS) else None
    return httpx.Response(200, json={"items": ROWS[at : at + limit], "next": following})


def server(answered) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answered), base_url="http://desk.test")


class TestEverything:
    async def test_follows_the_cursors_to_the_last_page(self) -> None:
        asked: list[str] = []

        def noted(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return answer(request)

        async with server(noted) as http:
            assert (await everything(http, "/v1/partners"))["items"] == ROWS
        assert len(asked) == len(ROWS) // PAGE

    async def test_stops_at_a_refusal_with_the_servers_words(self) -> None:
        async with server(lambda _: httpx.Response(403, json={"detail": "Not yours."})) as http:
            with pytest.raises(Refused, match="Not yours"):
                await everything(http, "/v1/partners")


class TestPartnerLines:
    def test_show_one_partner_a_line_and_their_number(self) -> None:
        lines = list(partner_lines({"items": ROWS[:3]}))
        assert lines[0].split() == ["p00000", "msp", "active", "Partner", "0"] and lines[-1] == "3 partners"

    def test_say_that_there_is_none(self) -> None:
        assert list(partner_lines({"items": []})) == ["0 partners"]
