"""Jinja in the child: an allow-list of filters, methods and statements; plain data as context; bounded output."""

from functools import lru_cache
from typing import Any

import css_inline
import jinja2.debug  # noqa: F401 — a confined child can't open the file when its first error needs it
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes, runtime
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.core.sandbox import limits
from app.core.sandbox.verdicts import Exceeded, Refused


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILTERS = _words("""
    abs batch capitalize default d dictsort e escape first float format groupby int items join last length count list lower map max min
    reject rejectattr replace reverse round select selectattr slice sort string striptags sum title trim truncate unique upper
    wordcount
""")
TESTS = _words("""
    boolean defined divisibleby eq equalto even false float ge gt greaterthan in integer iterable le lessthan lower lt mapping ne none
    number odd sameas sequence string true undefined upper == != > >= < <=
""")
METHODS: dict[type, frozenset[str]] = {
    dict: frozenset(("items", "keys", "values", "get")),
    str: frozenset(("upper", "lower", "title", "capitalize", "strip", "split", "startswith", "endswith", "replace")),
}
_REFUSED_STATEMENTS: dict[type[nodes.Node], str] = {
    nodes.EvalContextModifier: "{% autoescape %}",
    nodes.ScopedEvalContextModifier: "{% autoescape %}",
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Extends: "{% extends %}",
}


class Environment(ImmutableSandboxedEnvironment):
    """Reaches plain data, a few methods of strings and mappings, and the loop; nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Data first: `order.items` is the order's items where it has any, not the method of the mapping."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read this attribute."""
        if isinstance(obj, runtime.LoopContext):
            return not attr.startswith("_")
        return any(isinstance(obj, kind) and attr in names for kind, names in METHODS.items())


@lru_cache(maxsize=2)
def _environment(html: bool) -> Environment:
    made = Environment(autoescape=html, undefined=StrictUndefined, keep_trailing_newline=True)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tests = {name: made.tests[name] for name in TESTS}
    return made


def render(item: dict[str, Any]) -> str:
    """The text of `{"template", "context", "html"}`; with `html` every value is escaped."""
    template = _compiled(item["template"], bool(item["html"]))
    parts, size = [], 0
    try:
        for part in template.generate(item["context"]):
            size += len(part.encode())
            if size > limits.RENDERED_BYTES:
                raise Exceeded(f"The rendered text passed {limits.RENDERED_BYTES} bytes.")
            parts.append(part)
    except TemplateError as error:
        raise Refused(error.message or "The template can't be rendered.", _line(error)) from None
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Refused(f"The template can't be rendered: {str(error)[:300]}", _line(error)) from None
    return "".join(parts)


def check(item: dict[str, Any]) -> None:
    """Refuses `{"template"}` that isn't valid, with its line."""
    _compiled(item["template"], True)


def inline(item: dict[str, Any]) -> str:
    """`{"html"}` with its style sheets written into the elements; nothing is loaded from anywhere."""
    try:
        return str(_inliner().inline(item["html"]))
    except css_inline.InlineError as error:
        raise Refused(f"The styles can't be inlined: {str(error)[:300]}") from None


def warm() -> None:
    """Load what Jinja loads lazily: above all the machinery for errors, which opens files."""
    "x".encode("unicode_escape")
    render({"template": "{% for a in b %}{{ a|upper }}{{ loop.index }}{% endfor %}", "context": {"b": ["x"]}, "html": True})
    for broken in ("{{ a.b.c }}", "{% if %}", "{{ 1 / 0 }}"):
        try:
            render({"template": broken, "context": {}, "html": False})
        except Refused:
            continue
    inline({"html": "<style>p { color: red }</style><p>x</p>"})


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


@lru_cache(maxsize=128)
def _compiled(source: str, html: bool) -> Any:
    if len(source.encode()) > limits.TEMPLATE_BYTES:
        raise Exceeded(f"A template may have {limits.TEMPLATE_BYTES} bytes.")
    environment = _environment(html)
    try:
        tree = environment.parse(source)
        _refuse_statements(tree)
        return environment.from_string(tree)
    except TemplateSyntaxError as error:
        raise Refused(error.message or "The template is not valid.", error.lineno) from None
    except TemplateError as error:
        raise Refused(error.message or "The template is not valid.") from None
    except (SyntaxError, RecursionError):
        raise Refused("The template is nested too deeply.", 1) from None


def _refuse_statements(tree: nodes.Template) -> None:
    for kind, written in _REFUSED_STATEMENTS.items():
        found = tree.find(kind)
        if found:
            raise Refused(f"A template can't use {written}.", found.lineno)


def _line(error: BaseException) -> int | None:
    trace, line = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename in ("<template>", "<unknown>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
