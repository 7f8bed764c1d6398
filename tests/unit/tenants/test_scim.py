"""SCIM's filter language and its patches, as tables of examples; the wire forms are those directories really send."""

from typing import Any

import pytest

from app.core.errors import Invalid
from tenants.scim.filters import Both, Either, FilterUnreadable, Not, Term, parse
from tenants.scim.patches import NoTarget, apply

pytestmark = pytest.mark.feature("M188")
PATCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}


class TestParse:
    @pytest.mark.parametrize(
        ("text", "tree"),
        [
            ('userName eq "kim@acme.example"', Term("userName", "eq", "kim@acme.example")),
            ("active eq True", Term("active", "eq", True)),
            ("externalId pr", Term("externalId", "pr")),
            ('a eq "x" and b eq "y" or c eq "z"', Either(Both(Term("a", "eq", "x"), Term("b", "eq", "y")), Term("c", "eq", "z"))),
            ('a eq "x" and (b eq "y" or c eq "z")', Both(Term("a", "eq", "x"), Either(Term("b", "eq", "y"), Term("c", "eq", "z")))),
            ('not (a co "x")', Not(Term("a", "co", "x"))),
            ('emails[type eq "work" and value co "@acme"]', Both(Term("emails.type", "eq", "work"), Term("emails.value", "co", "@acme"))),
            ('displayName eq "quo\\"ted (x)"', Term("displayName", "eq", 'quo"ted (x)')),
        ],
    )
    def test_reads_the_language(self, text: str, tree: object) -> None:
        assert parse(text) == tree

    @pytest.mark.parametrize(
        "text", ["", "userName", "userName eq", "userName is 'x'", "userName eq x", '(a eq "x"', 'a eq "x" b', "a[b eq 1", "(" * 20 + 'a eq "x"' + ")" * 20, 'a eq "x" and ' * 300 + 'a eq "x"']
    )  # fmt: skip
    def test_says_where_it_stopped(self, text: str) -> None:
        with pytest.raises(FilterUnreadable):
            parse(text)


class TestApply:
    @pytest.mark.parametrize(
        ("operation", "after"),
        [
            ({"op": "replace", "path": "active", "value": False}, {"active": False}),
            ({"op": "Replace", "value": {"active": False}}, {"active": False}),  # Okta: no path, an object of attributes
            ({"op": "Add", "path": "displayName", "value": "Kim A."}, {"displayName": "Kim A."}),
            ({"op": "replace", "path": "USERNAME", "value": "k@acme.example"}, {"userName": "k@acme.example"}),
            ({"op": "remove", "path": "externalId"}, {"externalId": None}),
            ({"op": "replace", "path": "name.givenName", "value": "K"}, {"name": {"formatted": "Kim", "givenName": "K"}}),
            ({"op": "add", "path": 'emails[type eq "work"].value', "value": "k@acme.example"}, {"emails": [{"value": "kim@acme.example", "type": "home"}, {"type": "work", "value": "k@acme.example"}]}),
            ({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:displayName", "value": "K"}, {"displayName": "K"}),
        ],
    )  # fmt: skip
    def test_changes_what_the_path_names(self, operation: dict[str, Any], after: dict[str, Any]) -> None:
        user = {"userName": "kim@acme.example", "displayName": "Kim", "externalId": "7", "active": True, "name": {"formatted": "Kim"}, "emails": [{"value": "kim@acme.example", "type": "home"}]}  # fmt: skip
        made = apply(user, {**PATCH, "Operations": [operation]})
        assert {**user, **after} == {**made, **({"externalId": None} if after.get("externalId", 0) is None else {})}

    @pytest.mark.parametrize(
        ("operation", "left"),
        [
            ({"op": "add", "path": "members", "value": [{"value": "c"}, {"value": "a"}]}, ["a", "b", "c"]),
            ({"op": "remove", "path": 'members[value eq "a"]'}, ["b"]),
            ({"op": "remove", "path": "members", "value": [{"value": "b"}]}, ["a"]),  # Entra ID's way
            ({"op": "remove", "path": "members"}, []),
            ({"op": "replace", "path": "members", "value": [{"value": "z"}]}, ["z"]),
        ],
    )
    def test_knows_the_members_of_a_group(self, operation: dict[str, Any], left: list[str]) -> None:
        made = apply({"members": [{"value": "a"}, {"value": "b"}]}, {**PATCH, "Operations": [operation]})
        assert [each["value"] for each in made.get("members", [])] == left

    def test_leaves_the_document_alone_when_one_operation_is_refused(self) -> None:
        group = {"members": [{"value": "a"}]}
        with pytest.raises(NoTarget):
            apply(
                group,
                {
                    **PATCH,
                    "Operations": [
                        {"op": "remove", "path": "members"},
                        {"op": "replace", "path": 'members[value eq "q"].value', "value": "x"},
                    ],
                },
            )
        assert group == {"members": [{"value": "a"}]}

    @pytest.mark.parametrize("patch", [{}, PATCH, {**PATCH, "Operations": []}, {**PATCH, "Operations": [{"op": "move"}]}, {**PATCH, "Operations": ["x"]}, {**PATCH, "Operations": [{"op": "remove"}]}])  # fmt: skip
    def test_refuses_what_is_no_patch(self, patch: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            apply({}, patch)
