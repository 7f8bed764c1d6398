"""What a save refuses, in which words and at which place; and that it reads what it can run."""

from pathlib import Path

import pytest

from app.core.errors import Invalid
from app.workflows.definition import Definition
from app.workflows.dsl import InvalidWorkflow, read_definition
from tests.unit.workflows.machinery import HEAD, define, evaluate
from tests.unit.workflows.official import OWS

pytestmark = pytest.mark.feature("M3")

needs_examples = pytest.mark.skipif(not OWS.exists(), reason="the specification's files are not here")

CALL = "do: [{{ask: {{call: http, with: {{method: get, endpoint: {endpoint}}}}}}}]"


def checkable(definition: Definition) -> list[tuple[str, str]]:
    """Each expression with its pointer, as a complete program that binds the variables its place may use."""
    return [(each.pointer, f"{''.join(f'null as ${name} | ' for name in each.variables)}\n{each.text}") for each in definition.programs]


def findings(body: str) -> dict[str, str]:
    with pytest.raises(InvalidWorkflow) as caught:
        define(body)
    return {each.pointer: each.detail for each in caught.value.errors}


class TestRefusal:
    @pytest.mark.parametrize(
        ("body", "pointer", "word"),
        [
            ("do: []", "/do", "at least one"),
            ("do: [{a: {set: {x: 1}, foo: bar}}]", "/do/0/a/foo", "not a field"),
            ("do: [{a: {set: {x: 1}}, b: {set: {x: 1}}}]", "/do/0", "exactly one"),
            ("do: [{a: {set: {x: 1}}}, {a: {set: {x: 1}}}]", "/do/1", "taken"),
            ("do: [{a: {set: {x: 1}, wait: PT1S}}]", "/do/0/a", "exactly one thing"),
            ("do: [{a: {set: {x: 1}, then: b}}]", "/do/0/a/then", "no task of this list"),
            ("do: [{a: {do: [{b: {set: {x: 1}, then: a}}]}}]", "/do/0/a/do/0/b/then", "no task of this list"),
            ("do: [{a: {switch: [{x: {then: nowhere}}]}}]", "/do/0/a/switch/0/x/then", "no task of this list"),
            ("do: [{a: {switch: [{x: {then: end}}, {y: {then: end}}]}}]", "/do/0/a/switch", "more than one default"),
            ("do: [{a: {fork: {branches: [{b: {set: {x: 1}, then: c}}, {c: {set: {x: 1}}}]}}}]", "/do/0/a/fork/branches/0/b/then", "no next task"),
            ("do: [{a: {emit: {event: {with: {type: x}}}}}]", "/do/0/a/emit", "not available"),
            ("do: [{a: {for: {in: .x}, do: []}}]", "/do/0/a/for", "not available"),
            ("do: [{a: {run: {shell: {command: ls}}}}]", "/do/0/a/run", "not available"),
            ("do: [{a: {call: openapi, with: {}}}]", "/do/0/a/call", "calling openapi is not available"),
            ("do: [{a: {call: mcp, with: {transport: {stdio: {command: npx}}}}}]", "/do/0/a/call", "not available"),
            ("do: [{a: {call: 'https://x.example/f.yaml'}}]", "/do/0/a/call", "no function known"),
            (CALL.format(endpoint="'file://etc/passwd'"), "/do/0/ask/with/endpoint", "http or https"),
            (CALL.format(endpoint="'https://{host}/x'"), "/do/0/ask/with/endpoint", "write its host out"),
            (CALL.format(endpoint="'https://u:p@a.example/x'"), "/do/0/ask/with/endpoint", "literal credential"),
            (CALL.format(endpoint="{uri: 'https://a.example', authentication: {bearer: {token: abc}}}"), "/do/0/ask/with/endpoint/authentication/bearer/token", "literal credential"),
            (CALL.format(endpoint="{uri: 'https://a.example', authentication: {oauth2: {use: x}}}"), "/do/0/ask/with/endpoint/authentication/oauth2", "not available"),
            (CALL.format(endpoint="{uri: 'https://a.example', authentication: {basic: {use: x}}}"), "/do/0/ask/with/endpoint/authentication/basic/use", "not available"),
            ("do: [{a: {call: http, with: {method: get, endpoint: 'https://a.example', headers: {Authorization: Bearer x}}}}]", "/do/0/a/with/headers/Authorization", "literal credential"),
            ("do: [{a: {set: {x: '${ $secrets.key }'}}}]", "/do/0/a/set", "$secrets"),
            ("do: [{a: {set: {x: '${ $authorization.parameter }'}}}]", "/do/0/a/set", "$authorization"),
            ("do: [{a: {set: {x: 'Hello ${ .name }!'}}}]", "/do/0/a/set", "as a whole"),
            ("use: {retries: {r: {delay: soon}}}\ndo: [{a: {set: {x: 1}}}]", "/use/retries/r/delay", "duration"),
            ("use: {errors: {e: {type: x}}}\ndo: [{a: {set: {x: 1}}}]", "/use/errors/e", "needs status"),
            ("use: {secrets: [x]}\ndo: [{a: {set: {x: 1}}}]", "/use/secrets", "not available"),
            ("use: {extensions: [{x: {extend: all}}]}\ndo: [{a: {set: {x: 1}}}]", "/use/extensions", "not available"),
            ("use: {catalogs: {x: {endpoint: 'https://a.example'}}}\ndo: [{a: {set: {x: 1}}}]", "/use/catalogs", "not available"),
            ("evaluate: {mode: loose}\ndo: [{a: {set: {x: 1}}}]", "/evaluate/mode", "loose"),
            ("evaluate: {language: js}\ndo: [{a: {set: {x: 1}}}]", "/evaluate/language", "not available"),
            ("schedule: {cron: 0 0 * * *}\ndo: [{a: {set: {x: 1}}}]", "/schedule/cron", "not available"),
            ("schedule: {on: {one: {with: {type: task.completed}}}}\ndo: [{a: {set: {x: 1}}}]", "/schedule/on/one/with/type", "start another"),
            ("do: [{a: {call: 'approval:1.0.0@default', with: {kind: x, requested_by: 'user:1'}}}]", "/do/0/a/with/requested_by", ""),
            ("input: {schema: {resource: {endpoint: 'https://a.example'}}}\ndo: [{a: {set: {x: 1}}}]", "/input/schema/resource", "not available"),
            ("input: {schema: {document: {typ: object}}}\ndo: [{a: {set: {x: 1}}}]", "/input/schema/document/typ", ""),
            ("do: [{a: {wait: P1M}}]", "/do/0/a/wait", "use days"),
            ("do: [{a: {wait: {fortnights: 1}}}]", "/do/0/a/wait", "days"),
            ("do: [{a: {set: {x: 1}, timeout: short}}]", "/do/0/a/timeout", "use.timeouts"),
            ("do: [{a: {listen: {to: {any: []}}}}]", "/do/0/a/listen/to/any", "every event"),
            ("do: [{a: {listen: {to: {any: [{with: {type: x}}], until: '${ true }'}}}}]", "/do/0/a/listen/to/until", "not available"),
            ("do: [{a: {listen: {to: {one: {with: {subject: x}}}}}}]", "/do/0/a/listen/to/one/with/type", "must name the type"),
            ("do: [{a: {try: [{b: {set: {x: 1}}}], catch: {retry: {backoff: {fast: {}}}}}}]", "/do/0/a/catch/retry/backoff", "one of"),
            ("do: [{a: {try: [{b: {set: {x: 1}}}], catch: {as: 'a | halt'}}}]", "/do/0/a/catch/as", "name of its own"),
            ("do: [{a: {try: [{b: {set: {x: 1}}}], catch: {as: context}}}]", "/do/0/a/catch/as", "name of its own"),
            ("do: [{a: {call: 'approval:1.0.0@default', with: {amount_minor: 5}}}]", "/do/0/a/with", "needs kind"),
            ("do: [{a: {call: 'approval:1.0.0@default', with: {kind: x, colour: red}}}]", "/do/0/a/with/colour", ""),
            ("do: [{a: {call: 'approval:1.0.0@default', with: {kind: x, amount_minor: lots}}}]", "/do/0/a/with/amount_minor", ""),
            ("use: {functions: {f: {call: f}}}\ndo: [{a: {call: f}}]", "/use/functions/f", "calls itself"),
        ],
    )  # fmt: skip
    def test_names_the_place_and_says_why(self, body: str, pointer: str, word: str) -> None:
        found = findings(body)
        assert pointer in found, found
        assert word in found[pointer]

    def test_tells_all_findings_at_once(self) -> None:
        assert len(findings("do: [{a: {wait: x}}, {b: {run: {}}}, {c: {set: {}}}]")) == 3

    @pytest.mark.parametrize("field", ["dsl: '2.0.0'", "version: '1'", "name: 'a b'", "namespace: ''"])
    def test_wants_the_document_to_say_what_it_is(self, field: str) -> None:
        name = field.split(":")[0]
        whole = {"dsl": "'1.0.3'", "namespace": "n", "name": "n", "version": "'1.0.0'"} | {name: field.split(": ")[1]}
        with pytest.raises(InvalidWorkflow) as caught:
            read_definition("document: {" + ", ".join(f"{k}: {v}" for k, v in whole.items()) + "}\ndo: [{a: {set: {x: 1}}}]")
        assert [each.pointer for each in caught.value.errors] == [f"/document/{name}"]

    def test_has_a_limit_for_tasks_and_for_nesting(self) -> None:
        many = ", ".join(f"{{t{n}: {{set: {{x: 1}}}}}}" for n in range(501))
        assert "500" in " ".join(findings(f"do: [{many}]").values())
        deep = "{a: {set: {x: 1}}}"
        for _ in range(16):
            deep = f"{{a: {{do: [{deep}]}}}}"
        assert "16 deep" in " ".join(findings(f"do: [{deep}]").values())

    @pytest.mark.parametrize("text", [b"do: [", b"\xff", b"a: *b", b"a: 1\na: 2", b"- 1", b"null", b"42", b"do: 1\ndocument: 2"])
    def test_refuses_what_is_no_document(self, text: bytes) -> None:
        with pytest.raises(Invalid):
            read_definition(text)

    def test_reads_on_as_a_key(self) -> None:
        triggers = define("schedule: {on: {one: {with: {type: case.opened, data: {reason: late}}}}}\ndo: [{a: {set: {x: 1}}}]").triggers
        assert [(t.type, t.equal) for t in triggers] == [("case.opened", (("reason", "late"),))]


class TestPrograms:
    def test_binds_exactly_the_variables_of_the_place(self) -> None:
        body = "do: [{a: {try: [{b: {if: $context.x, set: {y: '${ $input }'}, export: {as: $output}}}], catch: {as: err, when: $err.status, do: [{c: {set: {z: '${ $err }'}}}]}}}]"
        for _, program in checkable(define(body)):
            evaluate(program, None, {})

    @pytest.mark.parametrize(
        "body", ["do: [{a: {if: $input, set: {x: 1}}}]", "do: [{a: {set: {x: '${ $output }'}}}]", "do: [{a: {set: {x: '${ $err }'}}}]"]
    )
    def test_leaves_out_what_the_place_may_not_use(self, body: str) -> None:
        with pytest.raises(Exception, match="not defined"):
            [evaluate(program, None, {}) for _, program in checkable(define(body))]


# The examples that can't run here, with a word of the reason.
REFUSED = {
    "accumulate-room-readings": "not available", "authentication-oauth2-secret": "not available", "authentication-oauth2": "not available",
    "authentication-oidc-secret": "not available", "authentication-oidc": "not available", "call-asyncapi-publish": "asyncapi",
    "call-asyncapi-subscribe-consume-amount": "asyncapi", "call-asyncapi-subscribe-consume-forever-foreach": "asyncapi",
    "call-asyncapi-subscribe-consume-until": "asyncapi", "call-asyncapi-subscribe-consume-while": "asyncapi",
    "call-custom-function-cataloged": "no function known", "call-grpc": "grpc", "call-mcp": "mcp", "call-openapi": "openapi",
    "call-openapi-redirect": "openapi", "emit": "not available", "for": "not available", "for-inline-array": "not available",
    "listen-to-any": "every event", "listen-to-any-forever-foreach": "not available", "listen-to-any-until-condition": "not available",
    "listen-to-any-until-consumed": "not available", "mock-service-extension": "extensions", "run-container-cleanup-always": "not available",
    "run-container-cleanup-eventually": "not available", "run-container-stdin-and-arguments": "not available",
    "run-container-with-name": "not available", "run-container-with-pull-policy": "not available", "run-container": "not available",
    "run-return-all": "not available", "run-return-code": "not available", "run-return-none": "not available", "run-return-stderr": "not available",
    "run-script-with-stdin-and-arguments": "not available", "run-shell-stdin-and-arguments": "not available", "run-subflow": "not available",
    "schedule-cron": "not available", "try-catch-then": "emit",
}  # fmt: skip


@needs_examples
class TestOfficialExamples:
    @pytest.mark.parametrize("path", sorted(OWS.glob("examples/*.yaml")), ids=lambda path: path.stem)
    def test_is_read_or_refused_with_a_reason(self, path: Path) -> None:
        expected = REFUSED.get(path.stem)
        if expected is None:
            assert read_definition(path.read_bytes()).tasks
            return
        with pytest.raises(InvalidWorkflow) as caught:
            read_definition(path.read_bytes())
        assert any(expected in f"{each.pointer} {each.detail}" for each in caught.value.errors)

    @pytest.mark.parametrize("path", sorted(OWS.glob("invalid/*.yaml")), ids=lambda path: path.stem)
    def test_refuses_what_the_specification_calls_invalid(self, path: Path) -> None:
        with pytest.raises(Invalid):
            read_definition(path.read_bytes())

    def test_reads_every_expression_so_that_jq_accepts_it(self) -> None:
        for path in sorted(OWS.glob("examples/*.yaml")):
            if path.stem not in REFUSED:
                for pointer, program in checkable(read_definition(path.read_bytes())):
                    _compiles(f"{path.stem}{pointer}", program)


def _compiles(name: str, program: str) -> None:
    import jq

    try:
        jq.compile(program)
    except ValueError as error:
        raise AssertionError(f"{name}: {error}") from None


def test_head_is_a_whole_document() -> None:
    assert read_definition(HEAD + "do: [{a: {set: {x: 1}}}]").name == "sample"
