"""The edge: ids, headers, hosts, limits and problems around every route."""

import pytest

pytestmark = pytest.mark.feature("M189")


class TestEveryAnswer:
    async def test_carries_security_headers_and_ids_and_no_product_name(self, client):
        answer = await client.get("/healthz", headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
        assert "detour" not in str(answer.headers).lower()

    async def test_to_an_unknown_address_is_a_problem(self, client):
        answer = await client.get("/v1/nothing")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/not-found"

    async def test_to_a_wrong_method_names_those_allowed(self, client):
        answer = await client.post("/healthz")
        assert answer.status_code == 405
        assert "GET" in answer.headers["allow"]

    async def test_without_a_credential_is_401_and_says_what_to_send(self, client):
        answer = await client.get("/v1/keys")
        assert answer.status_code == 401
        assert "Bearer" in answer.json()["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_to_two_host_headers_is_refused(self, app):
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/healthz",
            "raw_path": b"/healthz",
            "query_string": b"",
            "headers": [(b"host", b"a.example"), (b"host", b"b.example")],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
        await app(scope, receive, send)
        assert sent[0]["status"] == 400

    async def test_readiness_asks_the_database(self, client):
        assert (await client.get("/readyz")).status_code == 200

    async def test_metrics_show_the_oldest_ready_work(self, client):
        assert "work_oldest_ready_seconds" in (await client.get("/metrics")).text

    async def test_to_options_is_harmless(self, client):
        assert (await client.options("/v1/keys")).status_code in (204, 405)


class TestAHostileQuery:
    async def test_with_a_control_character_is_refused_by_name(self, client):
        answer = await client.get("/brand/logo.png?x=%00")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "x"

    async def test_with_an_unknown_parameter_names_those_known(self, client):
        answer = await client.get("/healthz?verbose=1")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "verbose"

    async def test_with_a_repeated_parameter_is_refused(self, client):
        answer = await client.get("/readyz?a=1&a=2")
        assert answer.status_code == 400


class TestACursor:
    @pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "WzE4NDQ2NzQ0MDczNzA5NTUxNjE1XQ", "WyJhXHUwMDAwYiJd"])
    def test_that_no_list_gave_is_refused(self, cursor):
        from app.core.errors import Invalid
        from app.core.paging import decode_cursor

        for kinds in ([int], [str]):
            with pytest.raises(Invalid, match="cursor"):
                decode_cursor(cursor, kinds)


class TestAHost:
    async def test_of_nobody_serves_no_key(self, client, shell, tenant):
        key = await _key(shell, tenant)
        assert (await client.get("/v1/keys", headers={"authorization": f"Bearer {key}"})).status_code == 200
        answer = await client.get("/v1/keys", headers={"authorization": f"Bearer {key}", "host": "nobody.example"})
        assert answer.status_code == 401

    async def test_of_one_partner_serves_no_other_partners_key(self, client, shell, tenant, other_tenant):
        from sqlalchemy import text as sql

        from app.core.ids import new_id

        host = f"h{new_id().hex[-12:]}.example"
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            assert await uow.session.scalar(sql("select core.register_domain(:host, :id)"), {"host": host, "id": new_id()})
        own, foreign = await _key(shell, tenant), await _key(shell, other_tenant)
        assert (await client.get("/v1/keys", headers={"authorization": f"Bearer {own}", "host": host})).status_code == 200
        assert (await client.get("/v1/keys", headers={"authorization": f"Bearer {foreign}", "host": host})).status_code == 401

    async def test_of_a_partner_shows_no_figures_of_the_platform(self, client):
        assert (await client.get("/metrics", headers={"host": "care.partner.example"})).status_code == 404


async def _key(shell, tenant):
    from tenants.commands.keys import create_key
    from tenants.permissions import PERMISSIONS
    from tenants.principal import Principal
    from tenants.schemas import NewKey

    maker = Principal(tenant, "system:test", "partner", frozenset(PERMISSIONS))
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        _, key = await create_key(uow, NewKey(name="edge", scope="partner", roles=["partner_admin"]), maker=maker)
    return key.text


class TestSecurityContact:
    async def test_is_the_partners_under_the_partners_host(self, client, shell, tenant):
        from sqlalchemy import text as sql

        from app.core.ids import new_id

        host = f"s{new_id().hex[-12:]}.example"
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await uow.session.scalar(sql("select core.register_domain(:host, :id)"), {"host": host, "id": new_id()})
        assert f"mailto:security@{host}\n" in (await client.get("/.well-known/security.txt", headers={"host": host})).text
        assert "security@nobody" not in (await client.get("/.well-known/security.txt", headers={"host": "nobody.example"})).text
