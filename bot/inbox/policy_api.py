"""
Policies over the API.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field

from bot.inbox import policies, policy_store
from bot.inbox.policies import LENGTHS, Wish
from bot.inbox.tables import Policy
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, operation

READ, CHANGE = Permission.POLICIES_READ, Permission.POLICIES_CHANGE
TAG = "policies"


class PolicyIn(Body):
    """
    What is promised to which customers. Times are seconds; null promises nothing.
    """

    name: str = Field(max_length=200)
    enabled: bool = True
    conditions: dict[str, list[str]] = Field(
        default_factory=dict, description="field -> any of these values; no fields: every conversation"
    )
    hours_id: str | None = Field(default=None, max_length=100, description="null: calendar time")
    first_response: float | None = Field(default=None, allow_inf_nan=False, ge=0, le=1e9)
    next_response: float | None = Field(default=None, allow_inf_nan=False, ge=0, le=1e9)
    resolution: float | None = Field(default=None, allow_inf_nan=False, ge=0, le=1e9)
    warn_shares: list[float] = Field(default_factory=lambda: [0.5, 0.8], max_length=10)
    escalations: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=50,
        description="steps: `on` warned or breached, `do` what, and `share`, `clock`, `to` where they are needed",
    )


class PolicyChange(PolicyIn):
    also_running: bool = Field(default=False, description="let it hold for running clocks too")


class PlaceIn(Body):
    before_id: str | None = Field(default=None, max_length=100, description="null: asked last")


class PolicyOut(PolicyIn):
    """
    A policy and its place.
    """

    id: str
    position: int
    version: int


def policy_out(policy: Policy) -> PolicyOut:
    """
    Show a policy.
    """
    return PolicyOut(**policy.model_dump(include=set(PolicyOut.model_fields)))


def wish_of(body: PolicyIn) -> Wish:
    """
    Read what somebody wants promised.
    """
    given = {kind: getattr(body, name) for kind, name in LENGTHS.items()}
    return Wish(
        name=body.name,
        enabled=body.enabled,
        conditions=body.conditions,
        hours_id=body.hours_id,
        lengths={kind: timedelta(seconds=value) for kind, value in given.items() if value is not None},
        warn_shares=body.warn_shares,
        escalations=body.escalations,
    )


@operation("GET", "/policies", permission=READ, tag=TAG)
async def list_policies(call: Call) -> Listing[PolicyOut]:
    """
    List all policies in the order in which they are asked: the first that matches holds.
    """
    return Listing(items=[policy_out(one) for one in await policy_store.list_policies(call.work)])


@operation("POST", "/policies", permission=CHANGE, tag=TAG, status=201)
async def create_policy(call: Call, body: PolicyIn) -> PolicyOut:
    """
    Promise something; the policy is asked after all others.
    """
    return policy_out(await policies.create_policy(call.work, call.actor, wish_of(body)))


@operation("GET", "/policies/{id}", permission=READ, tag=TAG)
async def read_policy(call: Call, id: str) -> PolicyOut:
    """
    Read one policy.
    """
    return policy_out(await policy_store.get_policy(call.work, id))


@operation("PUT", "/policies/{id}", permission=CHANGE, tag=TAG)
async def change_policy(call: Call, id: str, body: PolicyChange) -> PolicyOut:
    """
    Promise something else; running clocks keep what they were promised, unless `also_running`.
    """
    changed = await policies.change_policy(
        call.work, call.actor, id, wish_of(body), also_running=body.also_running
    )
    return policy_out(changed)


@operation("POST", "/policies/{id}/place", permission=CHANGE, tag=TAG)
async def place_policy(call: Call, id: str, body: PlaceIn) -> PolicyOut:
    """
    Ask a policy before another one, or last.
    """
    await policies.place_policy(call.work, call.actor, id, body.before_id)
    return policy_out(await policy_store.get_policy(call.work, id))


@operation("DELETE", "/policies/{id}", permission=CHANGE, tag=TAG)
async def delete_policy(call: Call, id: str) -> None:
    """
    Delete a policy; clocks that run under it run to their end
    """
    await policies.delete_policy(call.work, call.actor, id)
