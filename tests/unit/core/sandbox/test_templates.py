import pytest

from app.core.sandbox import Sandbox, SandboxLimit, SandboxRefused

pytestmark = pytest.mark.feature("M195")


class TestRender:
    async def test_escapes_every_value_in_html_and_none_in_text(self, sandbox: Sandbox):
        context = {"name": "<b>&"}
        assert await sandbox.render("{{ name }}", context, html=True) == "&lt;b&gt;&amp;"
        assert await sandbox.render("{{ name }}", context, html=False) == "<b>&"

    async def test_prefers_data_to_the_methods_of_a_mapping(self, sandbox: Sandbox):
        assert await sandbox.render("{{ order.items|length }}{{ order.get('no') }}", {"order": {"items": [1, 2]}}, html=False) == "2None"

    async def test_loops_and_filters(self, sandbox: Sandbox):
        text = "{% for o in options %}{{ loop.index }}:{{ o.id|upper }}{% if not loop.last %}, {% endif %}{% endfor %}"
        assert await sandbox.render(text, {"options": [{"id": "a"}, {"id": "b"}]}, html=True) == "1:A, 2:B"

    @pytest.mark.parametrize(
        "template",
        [
            "{{ name|safe }}",
            "{{ name|urlize }}",
            "{{ name|attr('__class__') }}",
            "{% autoescape false %}{{ name }}{% endautoescape %}",
            "{{ range(9) }}",
            "{{ lipsum() }}",
            "{{ cycler('a') }}",
            "{{ namespace() }}",
            "{{ name.__class__.__mro__ }}",
            "{{ name['__class__']['__mro__'] }}",
            "{{ ''.center(9) }}",
            "{{ '{0.__class__}'.format(name) }}",
            "{{ items.append(1) }}",
            "{% include 'x' %}",
            "{% import 'x' as x %}",
            "{% extends 'x' %}",
            "{{ self.__init__.__globals__ }}",
            "{{ missing }}",
        ],
    )
    async def test_refuses_what_is_not_on_the_list(self, sandbox: Sandbox, template: str):
        with pytest.raises(SandboxRefused):
            await sandbox.render(template, {"name": "x", "items": []}, html=True)

    async def test_names_the_line_of_a_mistake(self, sandbox: Sandbox):
        with pytest.raises(SandboxRefused) as refused:
            await sandbox.render("a\nb\n{{ 1 / 0 }}", {}, html=False)
        assert refused.value.line == 3
        with pytest.raises(SandboxRefused) as refused:
            await sandbox.check_template("a\n{% if %}")
        assert refused.value.line == 2

    async def test_stops_at_256_kib_of_text(self, sandbox: Sandbox):
        assert len(await sandbox.render("{{ 'a' * 262144 }}", {}, html=False)) == 262144
        with pytest.raises(SandboxLimit, match="262144"):
            await sandbox.render("{{ 'a' * 262145 }}", {}, html=False)


class TestInlineCss:
    async def test_writes_styles_into_the_elements_and_loads_nothing(self, sandbox: Sandbox):
        page = "<style>p { color: red }</style><link rel=stylesheet href='http://127.0.0.1:1/x.css'><p>x</p>"
        assert '<p style="color: red;">x</p>' in await sandbox.inline_css(page)
