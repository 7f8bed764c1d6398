"""A caller of the simulated world, for its tests."""

from itertools import count
from typing import Any

import httpx

_numbers = count(1)


class World:
    """Calls northwind's systems as acme-pharma and reads what the ledger says of it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.order = f"ORD-{next(_numbers):04d}"
        self.shipment = self.order.replace("ORD", "SHP")
        body = {"partner": "northwind", "customer": "acme-pharma", "order": self.order, "shipment": self.shipment, "sku": "VAC-10"}
        client.post("/control/orders", json={**body, "promised_at": "2026-11-24T18:00:00+01:00"}).raise_for_status()

    def token(self, client_id: str = "acme-pharma", secret: str = "carrier-acme-pharma-secret") -> httpx.Response:
        form = {"grant_type": "client_credentials", "scope": "rates:read bookings:write"}
        return self.client.post("/northwind/carrier/oauth/token", data=form, auth=(client_id, secret))

    def carrier(self, client_id: str = "acme-pharma") -> dict[str, str]:
        token = self.token(client_id, f"carrier-{client_id}-secret").json()["access_token"]
        return {"authorization": f"Bearer {token}"}

    def amend(self, key: str, option: str = "ROAD-EXP", headers: dict[str, str] | None = None) -> httpx.Response:
        path = f"/northwind/carrier/v2/bookings/{self.shipment}/amendments"
        return self.client.post(path, json={"option": option}, headers={**(headers or self.carrier()), "idempotency-key": key})

    def state(self) -> str:
        headers = {"x-api-key": "wms-acme-pharma-secret"}
        return str(self.client.get(f"/northwind/wms/rest/orders/{self.order}", headers=headers).json()["state"])

    def fault(self, **fault: Any) -> None:
        self.client.post("/control/faults", json={"partner": "northwind", **fault}).raise_for_status()

    def ledger(self, **narrowed: str) -> list[dict[str, Any]]:
        return list(self.client.get("/control/ledger", params=narrowed).json()["calls"])
