"""
Staff, tokens and the audit trail over JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.core.paging import Slice
from bot.staff import service, sign_in
from bot.staff.rules import LONGEST_NAME, MAY, Permission, Role
from bot.staff.tables import AuditEntry
from bot.web.operations import Body, Call, Listing, PageQuery, operation


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class StaffOut(_Out):
    """
    Somebody who works here.
    """

    id: str
    login: str
    name: str
    role: str
    has_password: bool = Field(description="false: signs in by link only")
    created_at: datetime
    disabled_at: datetime | None


class StaffIn(Body):
    """
    Somebody new. They set their password after signing in by a link that an admin makes.
    """

    login: str = Field(max_length=64, description="letters, digits and . _ - + @; kept in lower case")
    name: str = Field(max_length=LONGEST_NAME)
    role: Role


class RoleIn(Body):
    """
    What somebody is here for from now on.
    """

    role: Role


class SignInLinkOut(BaseModel):
    """
    A link that signs somebody in once.
    """

    url: str = Field(description="shown this once and not kept; give it to nobody else")


class TokenOut(_Out):
    """
    An API token, without its secret.
    """

    id: str
    name: str
    role: str
    created_at: datetime
    created_by: str
    used_at: datetime | None = Field(description="to the minute")
    expires_at: datetime | None
    revoked_at: datetime | None


class NewTokenOut(TokenOut):
    """
    An API token that was just made.
    """

    token: str = Field(description="the secret; shown this once and not kept")


class TokenIn(Body):
    """
    A token to make.
    """

    name: str = Field(max_length=LONGEST_NAME, description="what it is for")
    role: Role
    expires_at: AwareDatetime | None = Field(default=None, description="never, if left out")


class AuditEntryOut(_Out):
    """
    Who changed what, when.
    """

    id: str
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    subject_kind: str
    subject_id: str
    detail: dict[str, Any]


class AuditQuery(PageQuery):
    """
    Which part of the trail.
    """

    subject_kind: str = Field(default="", max_length=100, description="staff, token, account, conversation ...")
    subject_id: str = Field(default="", max_length=100)


class MeOut(BaseModel):
    """
    Who is asking, and what they may do.
    """

    id: str
    name: str
    role: str
    kind: str
    permissions: list[str]


@operation("GET", "/me", permission=Permission.OWN_SESSION, tag="staff")
async def get_me(call: Call) -> MeOut:
    """
    Tell whose token this is, and what it may do.
    """
    who = call.actor
    return MeOut(id=who.id, name=who.name, role=who.role, kind=who.kind, permissions=sorted(MAY[Role(who.role)]))


@operation("GET", "/staff", permission=Permission.STAFF_READ, tag="staff")
async def list_staff(call: Call, query: PageQuery) -> Listing[StaffOut]:
    """
    List everybody who works here, by login.
    """
    found = await service.list_staff(call.work, limit=query.limit, after=query.after)
    return Listing(items=[StaffOut.model_validate(one) for one in found.items], after=found.after)


@operation("POST", "/staff", permission=Permission.STAFF_CHANGE, tag="staff", status=201)
async def add_staff(call: Call, body: StaffIn) -> StaffOut:
    """
    Let somebody work here.
    """
    staff = await service.add_staff(call.work, call.actor, login=body.login, name=body.name, role=body.role)
    return StaffOut.model_validate(staff)


@operation("GET", "/staff/{staff_id}", permission=Permission.STAFF_READ, tag="staff")
async def read_staff(call: Call, staff_id: str) -> StaffOut:
    """
    Read one person, by id or login.
    """
    return StaffOut.model_validate(await service.get_staff(call.work, staff_id))


@operation("POST", "/staff/{staff_id}/role", permission=Permission.STAFF_CHANGE, tag="staff")
async def change_role(call: Call, staff_id: str, body: RoleIn) -> StaffOut:
    """
    Give somebody another role; it holds at once.
    """
    return StaffOut.model_validate(await service.change_role(call.work, call.actor, staff_id, body.role))


@operation(
    "POST",
    "/staff/{staff_id}/link",
    permission=Permission.STAFF_CHANGE,
    tag="staff",
    status=201,
    shown_once=True,
)
async def make_sign_in_link(call: Call, staff_id: str) -> SignInLinkOut:
    """
    Make a link that signs somebody in once, for their first day or a forgotten password.
    """
    secret = await sign_in.make_sign_in_link(call.work, call.actor, staff_id)
    return SignInLinkOut(url=sign_in.address_of_link(call.request, secret))


@operation("POST", "/staff/{staff_id}/disable", permission=Permission.STAFF_CHANGE, tag="staff")
async def disable_staff(call: Call, staff_id: str) -> StaffOut:
    """
    Shut somebody out, at once and everywhere.
    """
    return StaffOut.model_validate(await service.disable_staff(call.work, call.actor, staff_id))


@operation("POST", "/staff/{staff_id}/enable", permission=Permission.STAFF_CHANGE, tag="staff")
async def enable_staff(call: Call, staff_id: str) -> StaffOut:
    """
    Let somebody in again.
    """
    return StaffOut.model_validate(await service.enable_staff(call.work, call.actor, staff_id))


@operation("GET", "/tokens", permission=Permission.TOKENS_CHANGE, tag="tokens")
async def list_tokens(call: Call, query: PageQuery) -> Listing[TokenOut]:
    """
    List API tokens, newest first, those that no longer work too.
    """
    found = await service.list_tokens(call.work, limit=query.limit, after=query.after)
    return Listing(items=[TokenOut.model_validate(one) for one in found.items], after=found.after)


@operation("POST", "/tokens", permission=Permission.TOKENS_CHANGE, tag="tokens", status=201, shown_once=True)
async def create_token(call: Call, body: TokenIn) -> NewTokenOut:
    """
    Make an API token; its secret is in this answer and never again.
    """
    token, secret = await service.create_token(
        call.work, call.actor, name=body.name, role=body.role, expires_at=body.expires_at
    )
    return NewTokenOut(**TokenOut.model_validate(token).model_dump(), token=secret)


@operation("POST", "/tokens/{token_id}/revoke", permission=Permission.TOKENS_CHANGE, tag="tokens")
async def revoke_token(call: Call, token_id: str) -> TokenOut:
    """
    Make a token useless at once.
    """
    return TokenOut.model_validate(await service.revoke_token(call.work, call.actor, token_id))


@operation("GET", "/audit", permission=Permission.AUDIT_READ, tag="audit")
async def list_audit(call: Call, query: AuditQuery) -> Listing[AuditEntryOut]:
    """
    List who changed what, newest first.
    """
    found: Slice[AuditEntry] = await service.list_audit(
        call.work,
        limit=query.limit,
        after=query.after,
        subject_kind=query.subject_kind,
        subject_id=query.subject_id,
    )
    return Listing(items=[AuditEntryOut.model_validate(one) for one in found.items], after=found.after)
