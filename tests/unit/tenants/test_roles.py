"""Roles: the built-in matrix, and custom roles that never exceed their maker."""

import pytest

from tenants.permissions import CUSTOMER_PERMISSIONS, PERMISSIONS
from tenants.principal import PermissionMissing, Principal
from tenants.roles import (
    BUILT_IN,
    PermissionUnknown,
    RoleExceedsMaker,
    RoleNameTaken,
    check_grant,
    custom_role,
    permissions_of,
)

pytestmark = pytest.mark.feature("M121")
ADMIN = BUILT_IN["partner_admin"].permissions


class TestBuiltInRoles:
    def test_hold_only_published_permissions(self) -> None:
        assert {p for role in BUILT_IN.values() for p in role.permissions} <= PERMISSIONS

    def test_leave_no_permission_that_nobody_holds(self) -> None:
        assert {p for role in BUILT_IN.values() for p in role.permissions} == PERMISSIONS

    @pytest.mark.parametrize("name", ["customer_admin", "customer_user"])
    def test_keep_customers_within_what_customers_may_hold(self, name: str) -> None:
        assert BUILT_IN[name].permissions <= CUSTOMER_PERMISSIONS

    def test_let_only_the_platform_create_partners(self) -> None:
        assert [r.name for r in BUILT_IN.values() if "partners.write" in r.permissions] == ["platform_operator"]

    @pytest.mark.feature("M118")
    def test_let_only_approvers_decide_approvals(self) -> None:
        assert [r.name for r in BUILT_IN.values() if "approvals.decide" in r.permissions] == ["approver"]

    def test_let_a_source_key_only_deliver_signals(self) -> None:
        assert BUILT_IN["source_key"].permissions == {"signals.create"}

    @pytest.mark.parametrize("name", ["operator", "approver", "analyst", "customer_admin", "customer_user"])
    def test_let_only_the_admin_change_configuration(self, name: str) -> None:
        own = {"users.write", "keys.write", "identity.write"} if name == "customer_admin" else set()
        writes = {p for p in BUILT_IN[name].permissions if p.endswith((".write", ".publish"))}
        assert writes - {"documents.write"} == own


class TestCustomRole:
    def test_combines_permissions_of_its_maker(self) -> None:
        role = custom_role("night_shift", "partner", ["cases.read", "signals.replay"], maker=ADMIN)
        assert role.permissions == {"cases.read", "signals.replay"}

    def test_never_exceeds_its_maker(self) -> None:
        with pytest.raises(RoleExceedsMaker, match=r"approvals\.decide"):
            custom_role("boss", "partner", ["approvals.decide", "cases.read"], maker=ADMIN)

    def test_names_the_unknown_permission_by_pointer(self) -> None:
        with pytest.raises(PermissionUnknown) as refused:
            custom_role("odd", "partner", ["cases.read", "cases.fly"], maker=ADMIN)
        assert refused.value.errors[0].pointer == "/permissions/1"

    def test_for_customers_refuses_what_customers_may_never_hold(self) -> None:
        with pytest.raises(PermissionUnknown):
            custom_role("clever", "customer", ["policies.write"], maker=ADMIN)

    def test_in_a_tenant_can_never_create_partners(self) -> None:
        with pytest.raises(PermissionUnknown):
            custom_role("root", "partner", ["partners.write"], maker=PERMISSIONS)

    def test_cannot_take_a_built_in_name(self) -> None:
        with pytest.raises(RoleNameTaken):
            custom_role("operator", "partner", ["cases.read"], maker=ADMIN)


class TestGrant:
    def test_lets_an_admin_appoint_an_approver(self) -> None:
        check_grant(BUILT_IN["approver"], maker=ADMIN, maker_scope="partner")

    def test_refuses_an_escalation_through_a_role_that_may_only_write_users(self) -> None:
        with pytest.raises(RoleExceedsMaker):
            check_grant(BUILT_IN["partner_admin"], maker=frozenset({"users.write"}), maker_scope="partner")

    def test_lets_a_customer_admin_appoint_their_own_colleagues_only(self) -> None:
        maker = BUILT_IN["customer_admin"].permissions
        check_grant(BUILT_IN["customer_user"], maker=maker, maker_scope="customer")
        with pytest.raises(RoleExceedsMaker):
            check_grant(BUILT_IN["operator"], maker=maker, maker_scope="customer")

    def test_never_gives_a_platform_role_inside_a_tenant(self) -> None:
        with pytest.raises(RoleExceedsMaker):
            check_grant(BUILT_IN["platform_operator"], maker=PERMISSIONS, maker_scope="partner")


class TestPermissionsOf:
    def test_adds_roles_up(self) -> None:
        both = permissions_of([BUILT_IN["operator"], BUILT_IN["approver"]], customer=False)
        assert {"cases.work", "approvals.decide"} <= both

    def test_confined_to_a_customer_stays_below_the_customers_ceiling(self) -> None:
        assert permissions_of([BUILT_IN["partner_admin"]], customer=True) <= CUSTOMER_PERMISSIONS


class TestPrincipal:
    def test_names_the_permission_that_is_missing(self) -> None:
        principal = Principal(None, "key:x", "platform", frozenset({"partners.read"}))
        principal.require("partners.read")
        with pytest.raises(PermissionMissing) as refused:
            principal.require("cases.work")
        assert refused.value.extra == {"permission": "cases.work"}
