"""Forms: read into a Struct with every wrong field named, kept as they were typed."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
import pytest

from app.core.errors import Conflict, FieldError
from app.portal.forms import Form, FormIncomplete


class Sla(msgspec.Struct):
    first_response: Annotated[str, msgspec.Meta(pattern=r"^PT\d+[MH]$")]
    zone: str = "UTC"


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=10)]
    size: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    kind: Literal["small", "large"] = "small"
    owner_id: UUID | None = None
    roles: list[str] = []
    is_shared: bool = False
    sla: Sla | None = None


class TestRead:
    def test_makes_text_into_what_the_struct_holds(self) -> None:
        form = Form(
            [("name", " Kim "), ("size", "4"), ("roles", "a"), ("roles", "b"), ("is_shared", "on"), ("sla.first_response", "PT30M")]
        )
        assert form.read(Wanted) == Wanted("Kim", 4, roles=["a", "b"], is_shared=True, sla=Sla("PT30M"))

    def test_takes_an_empty_field_as_absent(self) -> None:
        assert form_of(name="Kim", size="", owner_id="", kind="").read(Wanted) == Wanted("Kim")

    def test_leaves_its_own_fields_out(self) -> None:
        assert form_of(name="Kim", csrf="x", once="y").read(Wanted) == Wanted("Kim")

    def test_adds_what_the_page_knows(self) -> None:
        owner = UUID(int=7)
        assert form_of(name="Kim").read(Wanted, owner_id=owner).owner_id == owner

    def test_names_every_wrong_field_at_once(self) -> None:
        form = Form([("size", "many"), ("kind", "huge"), ("owner_id", "x"), ("sla.first_response", "soon")])
        with pytest.raises(FormIncomplete) as refused:
            form.read(Wanted)
        said = {e.pointer: e.detail for e in refused.value.errors}
        assert said == {
            "/name": "is needed", "/size": "must be a whole number", "/kind": "isn't one of the choices", "/owner_id": "isn't one of the choices",
            "/sla/first_response": "isn't in the form this field takes",
        }  # fmt: skip

    @pytest.mark.parametrize(("name", "said"), [("K", "needs at least 2 characters"), ("K" * 11, "is longer than 10 characters")])
    def test_says_it_in_plain_words(self, name: str, said: str) -> None:
        with pytest.raises(FormIncomplete) as refused:
            form_of(name=name).read(Wanted)
        assert refused.value.errors[0].detail == said


class TestRefused:
    def test_keeps_what_was_typed_and_shows_each_error_at_its_field(self) -> None:
        fault = Conflict("No.", errors=[FieldError("/sla/zone", "is unknown", "Choose one.")])
        form = Form([("sla.zone", "Moon"), ("name", "Kim")]).refused(fault)
        assert form.value("sla.zone") == "Moon" and form.problem == "No."
        assert form.error("sla.zone") == FieldError("/sla/zone", "is unknown", "Choose one.") and form.error("name") is None

    def test_tells_errors_of_fields_it_did_not_show(self) -> None:
        fault = Conflict("No.", errors=[FieldError("/elsewhere", "is wrong")])
        assert [e.pointer for e in form_of(name="Kim").refused(fault).stray] == ["/elsewhere"]


class TestOf:
    def test_shows_a_struct_field_by_field(self) -> None:
        form = Form.of(Wanted("Kim", 4, roles=["a", "b"], is_shared=True, sla=Sla("PT30M")))
        assert (form.value("name"), form.value("size"), form.values("roles")) == ("Kim", "4", ["a", "b"])
        assert form.has("is_shared", "true") and form.value("sla.first_response") == "PT30M" and form.value("owner_id") == ""

    def test_comes_back_as_it_was(self) -> None:
        there = Wanted("Kim", 4, roles=["a"], is_shared=True, sla=Sla("PT30M"))
        assert Form.of(there).read(Wanted) == there


def form_of(**fields: str) -> Form:
    return Form(fields.items())
