"""Templates: the words of every message, language by language, checked while one writes, shown as two readers would get them."""

import base64
import hashlib
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter
from markupsafe import Markup

from app.core.errors import Fault, FieldError, Invalid
from app.core.parsing import parse_json, parse_yaml
from app.core.uow import UnitOfWork
from app.core.versions import of_name, shelf
from app.notifications import queries
from app.notifications.commands import templates as commands
from app.notifications.commands.try_out import send_test
from app.notifications.library import built_in
from app.notifications.models import Template
from app.notifications.readable import readable
from app.notifications.schemas import NewTemplate, PreviewForm, Rendered, Rendition, TemplateContent
from app.notifications.templates import STANDING
from app.portal.admin.choices import LANGUAGES, customer_of, offered
from app.portal.admin.showing import Found, found_in, owners_of, people_of, told
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.names import customer_names

SHOWN = 50
LIST = "/admin/templates"
Cursor = Annotated[str | None, Parameter(max_length=400)]
Word = Annotated[str | None, Parameter(max_length=63)]
_FRAME = {
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
FIRST = TemplateContent(
    default_locale="en",
    locales={
        "en": Rendition(
            subject="News about your order {{ order }}",
            text="Hello {{ recipient.name }},\n\nthere is news about your order {{ order }}.\n",
            html="<h1>News about your order {{ order }}</h1>\n<p>Hello {{ recipient.name }}, there is news about it.</p>\n",
        )
    },
    example={"order": "ORD-7731", "recipient": {"name": "Kim"}},
)


class Sample(msgspec.Struct, frozen=True):
    """What one reader would get, or why it can't be shown."""

    locale: str
    rendered: Rendered | None = None
    problem: str = ""


class Draft(msgspec.Struct, frozen=True):
    """A template being written: what it says as a whole, which of its languages is open, and which is shown beside it."""

    content: TemplateContent
    locale: str
    beside: str


@page_get(LIST, area="admin", permission="templates.read")
async def list_templates(screen: Screen, uow: UnitOfWork, cursor: Cursor = None) -> Response[str]:
    """Every template with the version in use, and those that come with the product until one's own replaces them."""
    found = await shelf(uow, Template, cursor=cursor, limit=SHOWN)
    languages = {one.shown_id: sorted(queries.content_of(await uow.get(Template, one.shown_id)).locales) for one in found.items}
    own = {one.name for one in found.items if one.customer_id is None and one.in_force}
    standing = {name: sorted(content.locales) for name, content in built_in().items() if name not in own}
    return screen.show(
        "admin/templates.html", found=found, languages=languages, standing={} if cursor else standing, names=await owners_of(uow, found.items),
        cursor=cursor,
    )  # fmt: skip


@page_get(f"{LIST}/new", area="admin", permission="templates.write")
async def new_template(screen: Screen, uow: UnitOfWork, like: Word = None, of: UUID | None = None) -> Response[str]:
    """A template of one's own: from an example, like one that comes with the product, or like another owner's."""
    row = await uow.get(Template, of) if of else None
    content = queries.content_of(row) if row else built_in().get(like or "", FIRST)
    name = row.name if row else like or ""
    return await _page(
        screen, uow, Form.of({**_fields(content, content.default_locale), "name": name, "base": str(of or like or "")}), None
    )


@page_get(f"{LIST}/{{template_id:uuid}}", area="admin", permission="templates.read")
async def show_template(screen: Screen, uow: UnitOfWork, template_id: UUID, locale: Word = None, beside: Word = None) -> Response[str]:
    """One version, one of its languages open, another shown beside it."""
    row = await uow.get(Template, template_id)
    content = queries.content_of(row)
    chosen = locale if locale and (locale in content.locales or locale in LANGUAGES) else content.default_locale
    return await _page(screen, uow, Form.of(_fields(content, chosen), **({"beside": beside} if beside else {})), row)


@page_get(f"{LIST}/{{template_id:uuid}}/preview/{{locale:str}}", area="admin", permission="templates.read")
async def preview_kept(
    screen: Screen, uow: UnitOfWork, template_id: UUID, locale: Annotated[str, Parameter(max_length=20)]
) -> Response[str]:
    """The mail one reader would get of a kept version, for a frame."""
    return _framed(await _sample(screen, uow, queries.content_of(await uow.get(Template, template_id)), locale))


@page_post(f"{LIST}/preview", area="admin", permission="templates.read")
async def preview_draft(screen: Screen, form: Form) -> Response[str]:
    """The mail one reader would get of what is being written, for a frame."""
    async with screen.read() as uow:
        try:
            draft = await _draft(uow, form)
            return _framed(await _sample(screen, uow, draft.content, form.value("show") or draft.locale))
        except Fault as fault:
            return _framed(Sample("", problem=_why(fault)))


@page_post(f"{LIST}/check", area="admin", permission="templates.write")
async def check_template(screen: Screen, form: Form) -> Response[str]:
    """What keeps a template from being sent, and its text in both languages, for the place beside it."""
    async with screen.read() as uow:
        checked = await _checked(screen, uow, form)
    return screen.fragment("admin/template_check.html", **checked)


@page_post(f"{LIST}/new", area="admin", permission="templates.write")
async def keep_first(screen: Screen, form: Form) -> Response[str]:
    """Keep it as version 1 of its name and owner."""
    return await _submitted(screen, form, None)


@page_post(f"{LIST}/{{template_id:uuid}}", area="admin", permission="templates.write")
async def keep_next(screen: Screen, form: Form, template_id: UUID) -> Response[str]:
    """Keep it as the next version."""
    async with screen.read() as uow:
        row = await uow.get(Template, template_id)
    return await _submitted(screen, form, row)


@page_post(f"{LIST}/{{template_id:uuid}}/publish", area="admin", permission="templates.write")
async def publish(screen: Screen, form: Form, template_id: UUID) -> Response[str]:
    """Let new messages use it."""
    return await _steered(screen, form, template_id, commands.publish, "template_published")


@page_post(f"{LIST}/{{template_id:uuid}}/roll-back", area="admin", permission="templates.write")
async def roll_back(screen: Screen, form: Form, template_id: UUID) -> Response[str]:
    """Let new messages use it again."""
    return await _steered(screen, form, template_id, commands.roll_back, "rolled_back")


@page_post(f"{LIST}/{{template_id:uuid}}/retire", area="admin", permission="templates.write")
async def retire(screen: Screen, form: Form, template_id: UUID) -> Response[str]:
    """Let no new message use it."""
    return await _steered(screen, form, template_id, commands.retire, "retired")


@page_post(f"{LIST}/{{template_id:uuid}}/test", area="admin", permission="templates.write")
async def send_me(screen: Screen, form: Form, template_id: UUID) -> Response[str]:
    """Send it, filled with its example, to the reader's own address."""
    who, locale = screen.reader.principal.user_id, form.value("locale") or None

    async def verb(uow: UnitOfWork, row: Template) -> None:
        await send_test(uow, row, user_id=who, locale=locale if locale in queries.content_of(row).locales else None)

    return await _steered(screen, form, template_id, verb, "test_sent")


async def _steered(screen: Screen, form: Form, template_id: UUID, verb: Any, done: str) -> Response[str]:
    async def change(uow: UnitOfWork) -> None:
        await verb(uow, await uow.get(Template, template_id, lock=True))

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        row = await uow.get(Template, template_id)
        content = queries.content_of(row)
        return await _page(screen, uow, Form.of(_fields(content, content.default_locale)).refused(wrong.fault or Invalid()), row)

    return await screen.change(change, form, then=f"{LIST}/{template_id}", done=done, again=again)


async def _submitted(screen: Screen, form: Form, row: Template | None) -> Response[str]:
    async def again(uow: UnitOfWork, given: Form) -> Response[str]:
        return await _page(screen, uow, given, row)

    if form.value("do") != "keep":
        return await screen.again(again, form, 200)

    async def change(uow: UnitOfWork) -> UUID:
        owner = row.customer_id if row else await customer_of(uow, form)
        name = row.name if row else form.read(_Named, only=("name",)).name
        wanted = msgspec.convert(
            {"name": name, "content": msgspec.to_builtins((await _draft(uow, form)).content), "customer_id": owner}, NewTemplate
        )
        return (await commands.draft(uow, screen.shell, wanted)).id

    shown = f"?locale={form.value('locale')}" if form.value("locale") in LANGUAGES else ""
    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}{shown}", done="drafted", again=again)


class _Named(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,62}$")]


def _fields(content: TemplateContent, locale: str) -> dict[str, Any]:
    """A template as the editor's fields, one of its languages open; a new language starts with the words of the one to fall back to."""
    words = content.locales.get(locale) or content.locales[content.default_locale]
    others = [each for each in content.locales if each != locale]
    return {
        "locale": locale, "subject": words.subject, "text": words.text, "html": words.html, "default_locale": content.default_locale,
        "example": told(content.example), "beside": others[0] if others else locale,
        "kept": msgspec.json.encode(content.locales).decode(),
    }  # fmt: skip


async def _draft(uow: UnitOfWork, form: Form) -> Draft:
    """What the editor holds, as a whole template; raises Invalid with the field that can't be read."""
    locale = form.value("locale") or "en"
    words = {"subject": " ".join(form.value("subject").split()), "text": form.value("text"), "html": form.value("html")}
    kept = parse_json((form.value("kept") or "{}").encode())
    example = _read("example", form.value("example").strip() or "{}")
    whole = {
        "default_locale": form.value("default_locale") or locale,
        "locales": {**(kept if isinstance(kept, dict) else {}), locale: words},
        "example": example,
    }
    try:
        content = msgspec.convert(whole, TemplateContent)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        raise Invalid("The template isn't complete.", errors=[FieldError(path.strip("`").replace(".", "/"), detail)], status=422) from None
    return Draft(content, locale, form.value("beside") or locale)


def _read(field: str, text: str) -> dict[str, Any]:
    """A field that holds a mapping in YAML or JSON."""
    try:
        value = parse_yaml(text)
    except Invalid as wrong:
        errors = [FieldError(f"/{field}", f"{e.pointer}: {e.detail}".removeprefix(": "), e.remedy) for e in wrong.errors]
        raise Invalid("The example can't be read.", errors=errors or [FieldError(f"/{field}", wrong.detail)], status=422) from wrong
    if not isinstance(value, dict):
        raise Invalid("The example can't be read.", errors=[FieldError(f"/{field}", "is no list of names with values")], status=422)
    return value


async def _page(screen: Screen, uow: UnitOfWork, form: Form, row: Template | None) -> Response[str]:
    versions = await of_name(uow, Template, row) if row else []
    more, checked = await offered(uow), await _checked(screen, uow, form)
    others = [each for each in (await shelf(uow, Template, cursor=None, limit=200)).items if row and each.name == row.name]
    return screen.show(
        "admin/template.html", form=form, row=row, versions=versions, people=await people_of(uow, versions), customers=more["customers"], all_languages=LANGUAGES,
        names=await customer_names(uow, [each.customer_id for each in others] + ([row.customer_id] if row else [])), others=others, **checked,
    )  # fmt: skip


async def _checked(screen: Screen, uow: UnitOfWork, form: Form) -> dict[str, Any]:
    """Everything the pane beside the editor shows: faults by place, the text in both languages, the names that can be used."""
    try:
        draft = await _draft(uow, form)
    except Fault as fault:
        return {"findings": found_in(fault), "samples": [], "variables": [], "draft": None, "edited": form}
    found = await commands.faults(uow, screen.shell, draft.content)
    shown = list(dict.fromkeys((draft.locale, draft.beside)))
    samples = [await _sample(screen, uow, draft.content, each) for each in shown]
    variables = _variables(draft.content.example, draft.locale, screen.zone)
    return {"findings": [_placed(each) for each in found], "samples": samples, "variables": variables, "draft": draft, "edited": form}


def _placed(error: FieldError) -> Found:
    (found,) = found_in(Invalid("", errors=[error]))
    return found


async def _sample(screen: Screen, uow: UnitOfWork, content: TemplateContent, locale: str) -> Sample:
    try:
        return Sample(locale, await commands.preview(uow, screen.shell, content, PreviewForm(locale=locale)))
    except Fault as fault:
        return Sample(locale, problem=_why(fault))


def _why(fault: Fault) -> str:
    return " ".join([fault.detail, *(error.detail for error in fault.errors)])


def _variables(example: Mapping[str, Any], locale: str, zone: str) -> list[tuple[str, str]]:
    """The names a template may use, dotted, each with what it is in the example."""
    standing = {"brand": {"name": "your name", "support_email": "your address"}, "locale": locale}
    return list(_flat({**STANDING, **readable(dict(example), locale, zone), **standing}))


def _flat(value: Any, at: str = "") -> Any:
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _flat(each, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        yield at, f"a list of {len(value)}"
        yield from _flat(value[0], f"{at}[0]")
    elif at:
        yield at, str(value)[:60]


def _framed(sample: Sample) -> Response[str]:
    """A mail as a document of its own: no script, nothing fetched but our own pictures, and only the style it came with."""
    if sample.rendered is None:
        html = Markup("<!doctype html><meta charset=utf-8><title>Not yet</title><p>It can't be shown yet.</p><p>{}</p>").format(
            sample.problem
        )
        return _document(html, "")
    return _document(sample.rendered.html, _styles(sample.rendered.html))


def _document(html: str, styles: str) -> Response[str]:
    allowed = f"style-src 'unsafe-hashes' {styles}; " if styles else ""
    policy = f"default-src 'none'; {allowed}img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
    return Response(html, media_type="text/html", headers={**_FRAME, "Content-Security-Policy": policy})


def _styles(html: str) -> str:
    """The hashes of a mail's own style, element by element: what its policy allows instead of any style at all."""
    found = _Styles()
    found.feed(html)
    return " ".join(sorted(f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in found.styles))


class _Styles(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.styles: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "style"
        self.styles |= {value for name, value in attrs if name == "style" and value}

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.styles.add(data)


ROUTES: list[Any] = [
    list_templates, new_template, show_template, preview_kept, preview_draft, check_template, keep_first, keep_next, publish, roll_back, retire, send_me,
]  # fmt: skip
