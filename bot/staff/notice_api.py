"""
Notifications over JSON: so that another program, a chat for instance, can carry them to people.

Only people have notifications; a token has none. Whoever may see the staff may read them: they say what everybody
who reads conversations can read there. To mark them as read changes what somebody sees, and is in the audit trail.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bot.staff import notices
from bot.staff.rules import Permission
from bot.staff.service import audit, get_staff
from bot.staff.tables import Notification
from bot.web.operations import Body, Call, Listing, PageQuery, operation

TAG = "staff"
MOST_AT_ONCE = 200


class NoticeOut(BaseModel):
    """
    What somebody should know.
    """

    id: str
    kind: str = Field(description="mention, handed_over, escalation ...")
    text: str = Field(description="in English")
    url: str = Field(description="where it leads, below the address of the house")
    at: datetime
    read_at: datetime | None


class NoticesReadIn(Body):
    ids: list[str] | None = Field(
        default=None, max_length=MOST_AT_ONCE, description="of the notifications; left out: all of them"
    )


class NoticesReadOut(BaseModel):
    """
    What was done.
    """

    read: int = Field(description="how many were not read before")


def notice_out(notice: Notification) -> NoticeOut:
    """
    Show a notification.
    """
    named = notice.model_dump(include={"id", "kind", "url", "at", "read_at"})
    return NoticeOut(**named, text=notices.said(notice))


@operation("GET", "/staff/{staff_id}/notifications", permission=Permission.STAFF_READ, tag=TAG)
async def list_notifications(call: Call, staff_id: str, query: PageQuery) -> Listing[NoticeOut]:
    """
    List what somebody should know, newest first.
    """
    staff = await get_staff(call.work, staff_id)
    found = await notices.list_notices(call.work, staff.actor(), limit=query.limit, after=query.after)
    return Listing(items=[notice_out(one) for one in found.items], after=found.after)


@operation("POST", "/staff/{staff_id}/notifications/read", permission=Permission.STAFF_CHANGE, tag=TAG)
async def mark_notifications_read(call: Call, staff_id: str, body: NoticesReadIn) -> NoticesReadOut:
    """
    Note that somebody has read notifications elsewhere.
    """
    staff = await get_staff(call.work, staff_id)
    read = await notices.mark_read(call.work, staff.actor(), body.ids)
    if read:
        await audit(call.work, call.actor, "staff.read-notifications", "staff", staff.id, read=read)
    return NoticesReadOut(read=read)
