"""The pages behind a sign-in link, in the voice of the partner whose host it is; what the `tenants` room shows people through its port."""

from typing import Literal

from app.core.services import Shell
from branding import queries, render
from branding.domains import tenant_of
from branding.pages import Kind, Page
from branding.queries import Shown
from branding.render import Rendered
from branding.words import words

Step = Literal["confirm", "unusable", "done"]
_PAGES: dict[Step, tuple[Kind, str]] = {
    "confirm": ("confirm", "sign_in"),
    "unusable": ("unknown", "sign_in_over"),
    "done": ("answered", "signed_in"),
}


async def sign_in_page(shell: Shell, host: str, step: Step, *, locale: str = "") -> Rendered:
    """Return the page for one step of signing in on `host`; neutral on a host nobody owns."""
    tenant = await tenant_of(shell.boundary, host)
    shown = Shown(None, None)
    if tenant:
        async with shell.read(tenant, actor="system:brand") as uow:
            shown = await queries.shown(uow)
    spoken = locale or (shown.brand.voice.locale if shown.brand else "en")
    kind, name = _PAGES[step]
    said = words(spoken)
    page = Page(kind=kind, title=said[f"{name}_title"], lead=said[f"{name}_lead"], locale=spoken)
    return render.page(page, shown.brand, has_logo=shown.has_logo)
