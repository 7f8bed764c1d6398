"""Every page of the console's first half: whole, small, labelled; and only for whoever may see it."""

import pytest

from tests.integration.portal.admin.conftest import page
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person

PAGES = (
    "/admin", "/admin/brand", "/admin/brand/versions", "/admin/domains", "/admin/customers", "/admin/customers/new", "/admin/users",
    "/admin/users/new", "/admin/roles", "/admin/roles/new", "/admin/roles/new?scope=customer", "/admin/roles/operator", "/admin/keys",
    "/admin/keys/new", "/admin/identity-providers", "/admin/identity-providers/new", "/admin/audit", "/admin/usage", "/admin/components",
)  # fmt: skip


class TestThePages:
    @pytest.mark.parametrize("path", PAGES)
    async def test_are_whole_and_small(self, mira: Person, path: str) -> None:
        html = await page(mira, path)
        assert 'aria-label="Console"' in html

    @pytest.mark.parametrize("path", PAGES)
    async def test_are_not_there_for_customers_people(self, signed_in: SignIn, path: str) -> None:
        sam = await signed_in("customer_admin")
        assert (await sam.get(path)).status_code == 404

    async def test_show_an_operator_only_what_operators_may_see(self, signed_in: SignIn) -> None:
        ida = await signed_in("operator")
        links = Page((await ida.get("/admin/customers")).text).links
        assert "/admin/customers" in links
        assert not {"/admin/audit", "/admin/identity-providers", "/admin/usage"} & set(links)
        assert (await ida.get("/admin/audit")).status_code == 403

    async def test_offer_an_operator_nothing_they_may_not_change(self, signed_in: SignIn) -> None:
        ida = await signed_in("operator")
        for path in ("/admin/brand", "/admin/domains", "/admin/customers", "/admin/users", "/admin/keys", "/admin/roles"):
            page_ = Page((await ida.get(path)).text)
            assert [action for action in page_.actions if action.startswith("/admin") and action != path] == []
            assert not [link for link in page_.links if link.startswith(f"{path}/new")]
        assert (await ida.post("/admin/customers", {"name": "X", "slug": "x-corp", "locale": "en", "zone": "UTC"})).status_code == 403
