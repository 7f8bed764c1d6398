import pytest

from app.core.json_schema import check_schema, violations

pytestmark = pytest.mark.feature("M46")
PERSON = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2, "uniqueItems": True},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
}


class TestViolations:
    def test_finds_nothing_where_all_fits(self):
        assert violations(PERSON, {"name": "Ann", "age": 3.0, "tags": ["a"], "at": None, "currency": "EUR"}) == []

    @pytest.mark.parametrize(
        ("value", "pointers"),
        [
            ({}, ["/name"]),
            ([], [""]),
            ({"name": "", "nick/name": 1}, ["/nick~1name", "/name"]),
            ({"name": "x", "age": True}, ["/age"]),
            ({"name": "x", "age": 150}, ["/age"]),
            ({"name": "x", "age": 1.5}, ["/age"]),
            ({"name": "x", "tags": ["a", "c", "a"]}, ["/tags/1", "/tags", "/tags"]),
            ({"name": "x", "at": "2026-01-01T00:00:00"}, ["/at"]),
            ({"name": "x", "currency": "eur"}, ["/currency"]),
        ],
    )
    def test_names_every_place(self, value: object, pointers: list[str]):
        found = violations(PERSON, value)
        assert [v.pointer for v in found] == pointers
        assert all(v.detail and v.remedy for v in found)

    def test_combines_schemas(self):
        either = {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"required": ["c"]}}
        assert violations(either, {"a": 1}) == []
        assert violations(either, {"a": 1, "b": 1}) and violations(either, {"a": 1, "c": 1})

    def test_does_not_take_true_for_one(self):
        assert violations({"const": 1}, True)


class TestCheckSchema:
    def test_refuses_what_it_would_not_check(self):
        schema = {"type": "text", "properties": {"a": {"$ref": "#/x", "pattern": "(a+)+"}}, "items": [1]}
        assert {v.pointer for v in check_schema(schema)} == {"/type", "/properties/a/$ref", "/properties/a/pattern", "/items"}
        assert check_schema(PERSON) == []
