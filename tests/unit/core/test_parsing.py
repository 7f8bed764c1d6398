import gzip
import json

import pytest

from app.core.errors import Invalid
from app.core.parsing import TooLarge, canonical_json, inflate, parse_json, parse_json_batch, parse_yaml

pytestmark = pytest.mark.feature("M13", "M38")


def refusal(read, *given) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read(*given)
    return refused.value


class TestParseJson:
    def test_reads_what_json_can_hold(self):
        assert parse_json(b'{"a": [1, 2.5, null, true, "\\\\u0000", "\\ud83d\\ude9a"]}') == {"a": [1, 2.5, None, True, "\\u0000", "🚚"]}

    @pytest.mark.parametrize(
        ("raw", "pointer", "status"),
        [
            (b'{"a":1,"b":{"x/y":[{"k":1,"k":2}]}}', "/b/x~1y/0/k", 400),
            (b'["\\u0000"]', "/0", 422),
            (b'{"\\u0000":1}', "/\\x00", 422),
            (b'{"a":"\\ud800"}', "/a", 422),
            (b'["a\x00b"]', "line 1, column 4", 400),
            (b"[1e999]", "/0", 400),
            (b"[12345678901234567890]", "/0", 400),
            (b"[" + b"1" * 5000 + b"]", "", 400),
            (b'{"a":NaN}', "", 400),
            (b"[-Infinity]", "", 400),
            (b'["\xff"]', "byte 2", 400),
            (b'{"a":\n1,}', "line 2, column 3", 400),
            (b"", "line 1, column 1", 400),
            (b"{}{}", "line 1, column 3", 400),
            (b"[" * 100_000, "", 400),
        ],
    )
    def test_refuses_and_names_the_place(self, raw: bytes, pointer: str, status: int):
        refused = refusal(parse_json, raw)
        assert [e.pointer for e in refused.errors] == [pointer]
        assert refused.status == status
        assert all(e.detail and e.remedy for e in refused.errors)

    def test_takes_thirty_two_levels_and_no_more(self):
        parse_json(b"[" * 32 + b"]" * 32)
        assert "deeply" in refusal(parse_json, b"[" * 33 + b"]" * 33).detail

    def test_takes_twenty_thousand_values_and_no_more(self):
        parse_json(json.dumps([0] * 19_999).encode())
        assert refusal(parse_json, json.dumps([0] * 20_000).encode()).status == 413

    def test_takes_one_mebibyte_and_no_more(self):
        parse_json(b'"' + b"x" * ((1 << 20) - 2) + b'"')
        assert refusal(parse_json, b'"' + b"x" * ((1 << 20) - 1) + b'"').status == 413


class TestParseJsonBatch:
    def test_names_the_item(self):
        assert parse_json_batch(b'[{"a":1},2]') == [{"a": 1}, 2]
        assert refusal(parse_json_batch, b'[1,{"a":"\\u0000"}]').errors[0].pointer == "/1/a"

    def test_limits_items_and_values(self):
        assert refusal(parse_json_batch, json.dumps([0] * 1001).encode()).status == 413
        assert refusal(parse_json_batch, json.dumps([[0] * 200] * 600).encode()).status == 413
        assert refusal(parse_json_batch, json.dumps([[0] * 20_000]).encode()).status == 413
        assert refusal(parse_json_batch, b"{}").status == 400


class TestParseYaml:
    def test_reads_names_as_text_and_only_true_and_false_as_booleans(self):
        text = (
            b"on: push\nyes: no\ntrue: true\nversion: 1.0.3\nday: 2026-11-23\nid: 007\nhex: 0x1f\nempty:\nquoted: 'true'\nfolded: >-\n  1\n"
        )
        assert parse_yaml(text) == {
            "on": "push", "yes": "no", "true": True, "version": "1.0.3", "day": "2026-11-23", "id": 7, "hex": 31, "empty": None,
            "quoted": "true", "folded": "1",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("raw", "pointer"),
        [
            (b"a: &x 1\nb: *x", "/a line 1"),
            (b"a: 1\nb: [*x]", "/b/0 line 2"),
            (b"a: !!python/object/apply:os.system [id]", "/a line 1"),
            (b"a: !mine 1", "/a line 1"),
            (b"a: 1\nb:\n  c: 1\n  c: 2", "/b/c line 4"),
            (b"? [a]\n: 1", "/ line 1"),
            (b"a: .inf", "/a line 1"),
            (b'a: "\\0"', "/a line 1"),
            (b"a: 99999999999999999999", "/a line 1"),
            (b"a: 1\n---\nb: 2", "line 2"),
            (b"a: [1,\n b: 2", "line 3, column 1"),
            (b"a: \x07", ""),
            (b"\xff", "byte 0"),
        ],
    )
    def test_refuses_and_names_the_place(self, raw: bytes, pointer: str):
        refused = refusal(parse_yaml, raw)
        assert [e.pointer for e in refused.errors] == [pointer]

    def test_ends_quickly_on_deep_wide_and_long_documents(self):
        assert "deeply" in refusal(parse_yaml, b"[" * 100_000).detail
        assert isinstance(refusal(parse_yaml, b"- 1\n" * 30_000), TooLarge)
        assert isinstance(refusal(parse_yaml, b"a: " + b"x" * (256 << 10)), TooLarge)


class TestInflate:
    def test_gives_back_what_was_compressed_in_several_members(self):
        assert inflate(gzip.compress(b"one ") + gzip.compress(b"two"), 100) == b"one two"

    def test_stops_at_the_limit_and_at_the_ratio(self):
        assert refusal(inflate, gzip.compress(b"x" * 101), 100).status == 413
        assert refusal(inflate, gzip.compress(b"x" * 10_000_000), 1 << 30).status == 413

    def test_refuses_what_is_not_gzip_or_not_whole(self):
        assert refusal(inflate, b"plain", 100).status == 400
        assert refusal(inflate, gzip.compress(b"x" * 50)[:-4], 100).status == 400


class TestCanonicalJson:
    def test_is_the_same_for_the_same_value(self):
        assert canonical_json({"b": [1, "ü"], "a": None}) == '{"a":null,"b":[1,"ü"]}'.encode()
