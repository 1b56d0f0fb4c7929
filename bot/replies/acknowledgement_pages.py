"""
The pages of automatic acknowledgements, one an account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.accounts.service import get_account, list_accounts
from bot.core.errors import Invalid
from bot.hours.service import list_hours
from bot.replies.acknowledging import (
    AcknowledgementWish,
    find_acknowledgement,
    list_acknowledgements,
    set_acknowledgement,
)
from bot.replies.pages import BLANK_TEXTS, typed_texts
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _

CHANGE = Permission.REPLIES_CHANGE
MOST_HOURS = 200


@page("GET", "/acknowledgements", permission=CHANGE)
async def acknowledgements(visit: Visit) -> web.StreamResponse:
    """
    Show which accounts acknowledge messages.
    """
    kept = await list_acknowledgements(visit.work)
    rows = [(account, kept.get(account.id)) for account in await list_accounts(visit.work)]
    return await visit.render("replies/acknowledgements.html", rows=rows)


@page("GET", "/acknowledgements/{account_id}", permission=CHANGE)
async def acknowledgement(visit: Visit) -> web.StreamResponse:
    """
    Show what one account says.
    """
    row = await find_acknowledgement(visit.work, visit.path["account_id"])
    typed = {"enabled": "yes" if row and row.enabled else "", "hours_id": (row and row.hours_id) or ""}
    return await _form(visit, typed=typed, texts=sorted(row.texts.items()) if row else [("en", ""), ("zh", "")])


@page("POST", "/acknowledgements/{account_id}", permission=CHANGE)
async def change_acknowledgement(visit: Visit) -> web.StreamResponse:
    """
    Say what one account says, and whether.
    """
    texts = typed_texts(visit.form)
    wish = AcknowledgementWish(
        enabled=visit.form.get("enabled") == "yes",
        hours_id=visit.form.get("hours_id") or None,
        texts={language.lower(): text for language, text in texts},
    )
    try:
        async with visit.work.savepoint():
            await set_acknowledgement(visit.work, visit.person, visit.path["account_id"], wish)
    except Invalid as error:
        return await _form(visit, typed=visit.form, texts=texts, error=error)
    return visit.go("/acknowledgements", _("Saved."))


async def _form(
    visit: Visit, *, typed: Mapping[str, str], texts: Sequence[tuple[str, str]], error: Invalid | None = None
) -> web.StreamResponse:
    account = await get_account(visit.work, visit.path["account_id"])
    hours = (await list_hours(visit.work, limit=MOST_HOURS)).items
    return await visit.render(
        "replies/acknowledgement.html",
        status=error.status if error else 200,
        account=account,
        typed=typed,
        texts=[*texts, *[("", "")] * BLANK_TEXTS],
        hours=[("", _("none")), *((one.id, one.name) for one in hours)],
        errors=error.fields if error else {},
    )
