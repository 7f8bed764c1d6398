"""CloudEvents in three content modes become one shape; what is wrong with an event is said field by field."""

import base64
from typing import Any

import orjson
import pytest

from app.ingest.sources import cloudevents
from app.ingest.sources.cloudevents import NotCloudEvent, UnsupportedContent
from tests.unit.ingest import shared_data

pytestmark = pytest.mark.feature("M7")
EVENT = {"specversion": "1.0", "type": "com.example.someevent", "id": "1", "source": "/mycontext", "data": {"a": 1}}
CE = {"ce-specversion": "1.0", "ce-type": "com.example.someevent", "ce-id": "1", "ce-source": "/mycontext"}


def pointers(value: object) -> list[str]:
    with pytest.raises(NotCloudEvent) as caught:
        cloudevents.from_document(value)
    return [e.pointer for e in caught.value.errors]


class TestContentMode:
    @pytest.mark.parametrize(
        ("content_type", "headers", "mode"),
        [
            ("application/cloudevents+json", {}, "structured"),
            ("Application/CloudEvents+JSON; charset=utf-8", CE, "structured"),
            ("application/cloudevents-batch+json", {}, "batch"),
            ("application/json", CE, "binary"),
            ("text/xml", CE, "binary"),
        ],
    )
    def test_is_told_by_media_type_then_by_headers(self, content_type: str, headers: dict[str, str], mode: str) -> None:
        assert cloudevents.mode_of(content_type, headers) == mode

    @pytest.mark.parametrize(("content_type", "headers"), [("application/json", {}), ("application/cloudevents+avro", CE), ("", {})])
    def test_that_is_none_of_the_three_is_refused(self, content_type: str, headers: dict[str, str]) -> None:
        with pytest.raises(UnsupportedContent):
            cloudevents.mode_of(content_type, headers)


class TestBinaryMode:
    def read(self, content_type: str, body: bytes, **more: str) -> dict[str, Any]:
        return cloudevents.from_request(CE | more, content_type, body, orjson.loads)

    def test_has_the_attributes_of_the_conformance_feature(self) -> None:
        event = self.read("application/json; charset=utf-8", b'{"message": "Hello World!"}', **{"ce-time": "2018-04-05T03:56:24Z"})
        assert event["time"] == "2018-04-05T03:56:24Z"
        assert event["datacontenttype"] == "application/json; charset=utf-8"
        assert event["data"] == {"message": "Hello World!"}

    def test_decodes_percent_encoded_attributes(self) -> None:
        assert self.read("application/json", b"1", **{"ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80"})["subject"] == "Euro € 😀"

    def test_keeps_text_as_text_and_bytes_as_base64(self) -> None:
        assert self.read("application/xml", b"<much wow='xml'/>")["data"] == "<much wow='xml'/>"
        assert base64.b64decode(self.read("image/png", b"\x89PNG")["data_base64"]) == b"\x89PNG"

    def test_needs_no_data(self) -> None:
        assert "data" not in self.read("", b"")

    def test_names_a_missing_attribute(self) -> None:
        headers = {k: v for k, v in CE.items() if k != "ce-id"}
        with pytest.raises(NotCloudEvent) as caught:
            cloudevents.from_request(headers, "application/json", b"{}", orjson.loads)
        assert caught.value.errors[0].pointer == "/id"


class TestStructuredMode:
    def test_keeps_extensions_and_drops_unset_attributes(self) -> None:
        event = cloudevents.from_document(EVENT | {"comexampleothervalue": 5, "unsetextension": None, "subject": None})
        assert event["comexampleothervalue"] == 5
        assert "unsetextension" not in event and "subject" not in event

    def test_reads_json_inside_base64(self) -> None:
        event = cloudevents.from_document({k: v for k, v in EVENT.items() if k != "data"} | {"data_base64": "eyAieHl6IjogMTIzIH0="})
        assert cloudevents.data_of(event, orjson.loads) == {"xyz": 123}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"id": None}, "/id"), ({"id": ""}, "/id"), ({"id": 7}, "/id"), ({"source": " "}, "/source"),
            ({"specversion": "0.3"}, "/specversion"),
            ({"type": ["x"]}, "/type"), ({"time": "yesterday"}, "/time"), ({"time": "2026-11-23T17:05:00"}, "/time"),
            ({"time": "2026-02-30T17:05:00Z"}, "/time"), ({"data_base64": "e30="}, "/data_base64"), ({"Upper": "x"}, "/Upper"),
            ({"ext": {"nested": 1}}, "/ext"), ({"ext": 1.5}, "/ext"), ({"ext": "x" * 2001}, "/ext"),
        ],
    )  # fmt: skip
    def test_names_the_field_that_is_wrong(self, change: dict[str, object], pointer: str) -> None:
        assert pointers(EVENT | change) == [pointer]

    @pytest.mark.parametrize("value", [None, [], "text", 7])
    def test_refuses_what_is_no_object(self, value: object) -> None:
        assert pointers(value) == ["/"]

    def test_names_every_fault_at_once(self) -> None:
        assert pointers({"specversion": "1.0", "data_base64": "%%"}) == ["/id", "/source", "/type", "/data_base64"]


class TestSpecificationExamples:
    @pytest.mark.parametrize("number", ["01", "02", "05"])
    def test_are_read(self, number: str) -> None:
        value = orjson.loads((shared_data.folder("cloudevents-spec-examples") / f"json_format_example_{number}.json").read_bytes())
        assert cloudevents.from_document(value)["type"] == "com.example.someevent"

    def test_with_a_placeholder_for_base64_are_refused_naming_it(self) -> None:
        value = orjson.loads((shared_data.folder("cloudevents-spec-examples") / "json_format_example_00.json").read_bytes())
        assert pointers(value) == ["/data_base64"]
