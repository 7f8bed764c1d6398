"""Templates and notices over HTTP, and the pages behind signed links."""

from collections.abc import Awaitable
from typing import Annotated, Any
from uuid import UUID

from litestar import HttpMethod, MediaType, Request, Response, get, post, put, route
from litestar.datastructures import UploadFile
from msgspec import Meta

from app.core.errors import Fault, Invalid
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications import link_pages, preferences, queries
from app.notifications.commands import templates, try_out
from app.notifications.commands.preferences import prefer
from app.notifications.links import Form, Upload
from app.notifications.models import Notice, Template
from app.notifications.schemas import (
    NewTemplate,
    NoticeView,
    Preferences,
    PreviewForm,
    Rendered,
    Status,
    TemplateContent,
    TemplateView,
    TestMail,
)
from branding.render import MAX_UPLOAD_MEGABYTES
from branding.render import Rendered as RenderedPage
from tenants.boundary import as_fault
from tenants.principal import Principal

Limit = Annotated[int, Meta(ge=1, le=200)]
MAX_FORM_BYTES = (MAX_UPLOAD_MEGABYTES + 1) * 1024 * 1024
AnyRequest = Request[Any, Any, Any]


@get("/v1/templates", opt={"permission": "templates.read"}, operation_id="listTemplates", tags=["templates"])
async def list_templates(uow: UnitOfWork, name: str | None = None, cursor: str | None = None, limit: Limit = 50) -> Page[TemplateView]:
    """Versions of templates, newest first."""
    return await queries.templates(uow, name=name, cursor=cursor, limit=limit)


@get("/v1/templates/{template_id:uuid}", opt={"permission": "templates.read"}, operation_id="getTemplate", tags=["templates"])
async def get_template(uow: UnitOfWork, template_id: UUID) -> TemplateView:
    """One version of a template."""
    return queries.template_view(await uow.get(Template, template_id))


@post("/v1/templates", opt={"permission": "templates.write"}, operation_id="draftTemplate", tags=["templates"])
async def draft_template(uow: UnitOfWork, shell: Shell, data: NewTemplate) -> TemplateView:
    """Keep a new version after checking that every language renders with its example; 422 names each fault."""
    return queries.template_view(await templates.draft(uow, shell, data))


@post(
    "/v1/templates/preview",
    status_code=200,
    opt={"permission": "templates.write"},
    operation_id="previewTemplateContent",
    tags=["templates"],
)
async def preview_content(uow: UnitOfWork, shell: Shell, data: TemplateContent, locale: str | None = None) -> Rendered:
    """What a reader would get of a template that isn't kept yet."""
    return await templates.preview(uow, shell, data, PreviewForm(locale=locale))


@post("/v1/templates/{template_id:uuid}/preview", status_code=200, opt={"permission": "templates.read"}, operation_id="previewTemplate", tags=["templates"])  # fmt: skip
async def preview_template(uow: UnitOfWork, shell: Shell, template_id: UUID, data: PreviewForm) -> Rendered:
    """What a reader would get of this version."""
    return await templates.preview_kept(uow, shell, await uow.get(Template, template_id), data)


@post("/v1/templates/{template_id:uuid}/publish", status_code=200, opt={"permission": "templates.write"}, operation_id="publishTemplate", tags=["templates"])  # fmt: skip
async def publish_template(uow: UnitOfWork, template_id: UUID) -> TemplateView:
    """Let new notices use this version; the one before is retired."""
    return queries.template_view(await templates.publish(uow, await uow.get(Template, template_id, lock=True)))


@post("/v1/templates/{template_id:uuid}/roll-back", status_code=200, opt={"permission": "templates.write"}, operation_id="rollBackTemplate", tags=["templates"])  # fmt: skip
async def roll_back_template(uow: UnitOfWork, template_id: UUID) -> TemplateView:
    """Let new notices use a version again that was in use before."""
    return queries.template_view(await templates.roll_back(uow, await uow.get(Template, template_id, lock=True)))


@post("/v1/templates/{template_id:uuid}/retire", status_code=200, opt={"permission": "templates.write"}, operation_id="retireTemplate", tags=["templates"])  # fmt: skip
async def retire_template(uow: UnitOfWork, template_id: UUID) -> TemplateView:
    """Let no new notice use this version; what is queued keeps it."""
    return queries.template_view(await templates.retire(uow, await uow.get(Template, template_id, lock=True)))


@post("/v1/templates/{template_id:uuid}/test", status_code=202, opt={"permission": "templates.write"}, operation_id="testTemplate", tags=["templates"])  # fmt: skip
async def send_test(uow: UnitOfWork, principal: Principal, template_id: UUID, data: TestMail) -> NoticeView:
    """Send this version, filled with its example, to whoever asks: a person's own address."""
    row = await uow.get(Template, template_id)
    return queries.notice_view(await try_out.send_test(uow, row, user_id=principal.user_id, locale=data.locale))


@get("/v1/notices", opt={"permission": "notices.read"}, operation_id="listNotices", tags=["notices"])
async def list_notices(
    uow: UnitOfWork, case_id: UUID | None = None, status: Status | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[NoticeView]:
    """Messages to people with their delivery state, newest first."""
    return await queries.notices(uow, case_id=case_id, status=status, cursor=cursor, limit=limit)


@get("/v1/notices/{notice_id:uuid}", opt={"permission": "notices.read"}, operation_id="getNotice", tags=["notices"])
async def get_notice(uow: UnitOfWork, notice_id: UUID) -> NoticeView:
    """One message: what it said and every try to deliver it."""
    return queries.notice_view(await uow.get(Notice, notice_id), with_html=True, for_customer=uow.customer_id is not None)


@get("/v1/preferences", opt={"permission": "signed-in"}, operation_id="getPreferences", tags=["notices"])
async def get_preferences(shell: Shell, principal: Principal) -> Preferences:
    """What the person who asks wishes of our mails; the defaults for a key, which gets none."""
    async with shell.read(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        return await preferences.own(uow)


@put("/v1/preferences", opt={"permission": "signed-in"}, operation_id="setPreferences", tags=["notices"])
async def set_preferences(shell: Shell, principal: Principal, data: Preferences) -> Preferences:
    """Wish something else; what is left out goes at once. Only people have preferences: a key gets 404."""
    async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        return preferences.view(await prefer(uow, data))


_PUBLIC = {"public": True, "any_query": True, "any_content": True}
_LINK = "/l/{link_token:str}"


@route(_LINK, http_method=[HttpMethod.GET, HttpMethod.HEAD], opt=_PUBLIC, include_in_schema=False)
async def show_link(request: AnyRequest, shell: Shell, link_token: str) -> Response[str]:
    """The page behind a signed link; looking at it changes nothing."""
    host = request.headers.get("host", "")
    return await _page_or_apology(shell, host, link_pages.show(shell, host, link_token))


@post(_LINK, status_code=200, opt=_PUBLIC, include_in_schema=False, request_max_body_size=MAX_FORM_BYTES)
async def act_on_link(request: AnyRequest, shell: Shell, link_token: str) -> Response[str]:
    """What the link is for, once."""
    host = request.headers.get("host", "")

    async def act() -> RenderedPage:
        return await link_pages.act(shell, host, link_token, await _form(request))

    return await _page_or_apology(shell, host, act())


async def _page_or_apology(shell: Shell, host: str, making: Awaitable[RenderedPage]) -> Response[str]:
    """People get a page, not a problem document, and the log gets no address, since whoever has it may act."""
    try:
        return _page(await making)
    except Exception as error:  # an edge of its own: what nobody expected must not reach the one that answers in JSON
        fault = as_fault(error)
        status = fault.status if isinstance(fault, Fault) else getattr(error, "status_code", 500)
        if status >= 500:
            shell.log.error("link page failed", error=type(error).__name__, exc_info=None if status == 503 else error)
        return _page(await link_pages.failed(shell, host, status))


def _page(made: RenderedPage) -> Response[str]:
    return Response(made.html, status_code=made.status, headers=made.headers, media_type=MediaType.HTML)


async def _form(request: AnyRequest) -> Form:
    """The posted fields and the first file; other content types count as an empty form, which every action refuses in words."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return Form()
    fields: dict[str, str] = {}
    file: Upload | None = None
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            file = file or Upload(value.filename, await value.read())
        elif "\0" in str(value):
            raise Invalid("The form holds a character that can't be kept.", status=422)
        else:
            fields.setdefault(name, str(value)[:2000])
    return Form(fields, file)


ROUTES = [
    list_templates, get_template, draft_template, preview_content, preview_template, publish_template, roll_back_template, retire_template,
    send_test, list_notices, get_notice, get_preferences, set_preferences, show_link, act_on_link,
]  # fmt: skip
