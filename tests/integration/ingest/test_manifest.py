"""Sources, mappings and attribution as configuration: applied twice changes nothing, pruned only when asked, faults by pointer."""

import pytest

from app.core.errors import Invalid
from app.ingest import manifest
from tests.integration.ingest.desk import CUTOFF, SECRET, Desk

pytestmark = pytest.mark.feature("M2")
SOURCES = [
    {"name": "wms", "kind": "webhook", "mapping": "cutoff", "verify": {"scheme": "standard_webhooks", "secret": {"secret": SECRET}}},
    {"name": "edi", "kind": "x12", "mapping": "status-214", "zone": "America/Toronto"},
    {"name": "late", "kind": "cloudevents"},
]


class TestReconcile:
    async def actions(
        self, desk: Desk, section: str, wanted: list[dict[str, object]], *, prune: bool = False, customer: str | None = None
    ) -> dict[str, str]:
        reconcile = {s.key: s.reconcile for s in manifest.SECTIONS}[section]
        owner = desk.customers[customer] if customer else None
        async with desk.shell.unit_of_work(desk.tenant, actor="user:admin") as uow:
            return {c.name: c.action for c in await reconcile(uow, desk.shell, wanted, customer_id=owner, prune=prune)}

    async def test_makes_changes_and_leaves_sources_alone_as_wanted(self, desk: Desk) -> None:
        assert await self.actions(desk, "sources", SOURCES) == {"wms": "unchanged", "edi": "update", "late": "create"}
        assert set((await self.actions(desk, "sources", SOURCES)).values()) == {"unchanged"}

    async def test_rotates_a_secret_that_is_new(self, desk: Desk) -> None:
        other = {**SOURCES[0], "verify": {"scheme": "standard_webhooks", "secret": {"secret": "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"}}}
        assert await self.actions(desk, "sources", [other]) == {"wms": "update"}
        assert [e.type for e in await desk.events("source.rotated")] == ["source.rotated"]

    async def test_takes_away_only_when_asked_to_prune(self, desk: Desk) -> None:
        assert await self.actions(desk, "sources", SOURCES[:1]) == {"wms": "unchanged"}
        assert await self.actions(desk, "sources", SOURCES[:1], prune=True) == {"wms": "unchanged", "edi": "delete", "events": "delete"}
        assert await self.actions(desk, "mappings", [{"name": "cutoff", "content": CUTOFF}], prune=True) == {
            "cutoff": "unchanged",
            "status-214": "delete",
        }

    async def test_publishes_a_version_where_the_program_differs(self, desk: Desk) -> None:
        wanted = [{"name": "cutoff", "content": CUTOFF + " | ."}, {"name": "fresh", "content": "[]"}]
        assert await self.actions(desk, "mappings", wanted) == {"cutoff": "update", "fresh": "create"}
        assert set((await self.actions(desk, "mappings", wanted)).values()) == {"unchanged"}

    async def test_replaces_a_customers_rules_as_a_whole(self, desk: Desk) -> None:
        rules = [{"source": "wms", "when": 'event.account == "ACME-01"'}, {"when": 'event.refs.order.startsWith("A-")'}]
        assert await self.actions(desk, "attribution", rules, customer="acme") == {"acme": "update"}
        assert await self.actions(desk, "attribution", rules, customer="acme") == {"acme": "unchanged"}

    @pytest.mark.parametrize(
        ("section", "wanted", "pointer"),
        [
            ("sources", [{"name": "xx", "kind": "fax"}], "/0/kind"),
            (
                "sources",
                [{"name": "xx", "kind": "webhook", "verify": {"scheme": "standard_webhooks", "secret": {"secret": "short"}}}],
                "/0/secret",
            ),
            ("sources", [{"name": "xx", "kind": "x12", "zone": "Mars/Base"}], "/0/zone"),
            ("sources", [{"name": "xx", "kind": "x12", "unknown": 1}], "/0"),
            ("mappings", [{"name": "ok-one", "content": "[]"}, {"name": "bad", "content": "[.a |"}], "/1/content"),
            ("attribution", [{"when": "event.account =="}], "/0/when"),
            ("attribution", [{"when": "event.nothing == 1"}], "/0/when"),
        ],
    )
    async def test_names_what_is_wrong_by_pointer_and_changes_nothing(
        self, desk: Desk, section: str, wanted: list[dict[str, object]], pointer: str
    ) -> None:
        before = len(await desk.events())
        with pytest.raises(Invalid) as caught:
            await self.actions(desk, section, wanted, customer="acme" if section == "attribution" else None)
        assert [e.pointer for e in caught.value.errors] == [pointer]
        assert len(await desk.events()) == before
