"""The design system on one page: every component in each of its states, as this brand wears it."""

from datetime import timedelta
from typing import Any

from litestar import Response

from app.core.errors import FieldError
from app.core.uow import UnitOfWork
from app.portal.admin.brand import FONT_NAMES
from app.portal.forms import Form
from app.portal.pages import page_get
from app.portal.screens import Screen
from branding.render import themed

LONG = "A name that goes on and on, such as companies have that were merged three times and kept every founder's surname"
UNBROKEN = "WAREHOUSE-LEIPZIG-CROSS-DOCK-GATE-0017-TEMPERATURE-CONTROLLED-PHARMA-LANE"


@page_get("/admin/components", area="admin", permission="brand.read")
async def show_components(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Every component, light or dark as the reader's device asks."""
    theme = themed(screen.look.brand)
    wrong = Form([("name", "Acme"), ("sample_wrong", "25:99")])
    wrong.errors = {"sample_wrong": FieldError("/sample_wrong", "'25:99' is no time of day.", "Write 07:30.")}
    colours = [(name, theme.light[name], theme.dark[name]) for name in theme.light if theme.light[name].startswith("#")]
    return screen.show(
        "admin/components.html", form=wrong, colours=colours, soon=screen.now + timedelta(minutes=42), later=screen.now + timedelta(hours=7, minutes=12),
        late=screen.now - timedelta(minutes=12), earlier=screen.now - timedelta(hours=3), long=LONG, unbroken=UNBROKEN, fonts=FONT_NAMES,
        bars=[(12, "Mon"), (31, "Tue"), (18, "Wed"), (44, "Thu"), (27, "Fri")],
    )  # fmt: skip


ROUTES: list[Any] = [show_components]
