"""What the simulated systems answer, and to whom."""

import pytest

from tests.unit.simulator.world import World

BASIC = ("acme-pharma", "erp-acme-pharma-secret")
BEARER = {"authorization": "Bearer crm-acme-pharma-secret"}
DESK = {"x-desk-token": "desk-acme-pharma-secret"}


@pytest.mark.feature("M91")
class TestSystems:
    def test_crm_names_the_tier_of_an_account(self, world: World) -> None:
        answer = world.client.get("/northwind/crm/v1/accounts/ACME-01", headers=BEARER)
        assert answer.json()["segment"] == "platinum"

    def test_another_customers_account_is_not_found(self, world: World) -> None:
        assert world.client.get("/northwind/crm/v1/accounts/BOREAL-02", headers=BEARER).status_code == 404

    def test_an_unknown_credential_is_refused_and_noted(self, world: World) -> None:
        answer = world.client.get("/northwind/wms/rest/orders/ORD-1", headers={"x-api-key": "guess"})
        assert answer.status_code == 401
        assert world.ledger(system="wms")[-1]["status"] == 401

    def test_erp_offers_stock_elsewhere(self, world: World) -> None:
        answer = world.client.get(f"/northwind/erp/api/orders/{world.order}/alternatives", auth=BASIC)
        assert [site["site"] for site in answer.json()["alternatives"]] == ["HAM2", "PRG1"]

    def test_the_carrier_quotes_the_dearest_first_and_the_regular_one_free(self, world: World) -> None:
        answer = world.client.post("/northwind/carrier/v2/options", json={"shipment": world.shipment}, headers=world.carrier())
        prices = [option["price"]["minor"] for option in answer.json()["options"]]
        assert prices == sorted(prices, reverse=True)
        assert prices[-1] == 0

    def test_the_carrier_gives_no_token_for_a_wrong_secret(self, world: World) -> None:
        assert world.token(secret="wrong").status_code == 401

    def test_a_token_of_one_partner_does_not_open_another(self, world: World) -> None:
        answer = world.client.get("/harborline/carrier/v2/ping", headers=world.carrier())
        assert answer.status_code == 401

    def test_an_amended_booking_reroutes_the_warehouse_order(self, world: World) -> None:
        assert world.state() == "CUTOFF_MISSED"
        assert world.amend(f"k-{world.order}").status_code == 201
        assert world.state() == "REROUTED"

    @pytest.mark.parametrize(
        ("method", "path", "body", "find", "auth"),
        [
            (
                "POST",
                "/erp/api/orders/{order}/amendments",
                {"promisedAt": "2026-11-25T10:00:00+01:00"},
                "/erp/api/amendments?requestId=",
                BASIC,
            ),
            ("POST", "/crm/v1/accounts/ACME-01/notes", {"subject": "s", "text": "t"}, "/crm/v1/notes?external_id=", BEARER),
            ("POST", "/desk/api/v3/tickets", {"title": "t"}, "/desk/api/v3/tickets?external_id=", DESK),
        ],
    )
    def test_an_effect_is_found_again_by_its_key(
        self, world: World, method: str, path: str, body: dict[str, str], find: str, auth: object
    ) -> None:
        key = f"{path}-{world.order}"
        sent = {**body, "external_id": key, "requestId": key}
        given = {"auth": auth} if isinstance(auth, tuple) else {"headers": auth}
        wrapped = {"ticket": sent} if "desk" in path else sent
        done = world.client.request(method, f"/northwind{path.format(order=world.order)}", json=wrapped, **given)  # type: ignore[arg-type]
        assert done.status_code == 201
        (found,) = world.client.get(f"/northwind{find}{key}", **given).json().values()  # type: ignore[arg-type]
        assert len(found) == 1

    def test_a_missing_field_is_named(self, world: World) -> None:
        answer = world.client.post("/northwind/crm/v1/accounts/ACME-01/notes", json={"subject": "s"}, headers=BEARER)
        assert answer.status_code == 422
        assert "`text`" in answer.json()["error"]["message"]
