"""
A lived-in house with something on every page: what customers wrote and what people set up, made over the API.

All names that people give are Chinese here, so that a Latin word on a Chinese page is one that nobody translated.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.served import PAGES
from bot.web.pages import page_routes
from tests.acceptance.lived_in import LivedIn, lived_in

FRAGMENTS = re.compile(
    r"/live|.+/(list|options|timeline|onlookers|facts|bell|log|next|helps|alike|progress|moment)|.*\.(csv|json)|/s/.*"
)
"""What other pages fetch, what is downloaded, and what customers open (that has tests of its own)."""

NEEDS_A_WEEK = {"/feedback/{topic_id}"}
"""A topic grows from days of messages; tests/integration/feedback shows its page."""

LONG = "一个非常非常长的名字，用来看看页面在最窄的手机上会不会被撑破" * 2
ROUND_THE_CLOCK = {day: "00:00-24:00" for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}


@dataclass(kw_only=True)
class Furnished:
    """
    The house, and an address for every page that there is.

    Args:
        samples: what stands in the holes of URLs: route -> path.
    """

    house: LivedIn
    samples: dict[str, str] = field(default_factory=dict)

    async def make(self, path: str, **body: Any) -> dict[str, Any]:
        """
        Make something over the API.
        """
        status, said = await self.house.ask("POST", path, json=body)
        assert status < 300, (path, said)
        return dict(said or {})

    async def newest(self, path: str, **query: str) -> dict[str, Any]:
        """
        Give the first of a listing.
        """
        status, said = await self.house.ask("GET", path, params=query)
        assert status == 200, said
        return dict(said["items"][0])


def addresses(furnished: Furnished) -> dict[str, str]:
    """
    Give every page that people open, and where it is here.

    A new page with a hole in its URL needs a sample: furnish it below.
    """
    found = {route.url for module in PAGES for route in page_routes(module) if route.method == "GET"}
    pages = sorted(url for url in found - NEEDS_A_WEEK if not FRAGMENTS.fullmatch(url))
    bare = [url for url in pages if "{" in url and url not in furnished.samples]
    assert bare == [], f"nothing to show there: {bare}; add it to tests/acceptance/furnished.py"
    return {url: furnished.samples.get(url, url) for url in pages}


@asynccontextmanager
async def furnished(folder: Path) -> AsyncIterator[Furnished]:
    """
    Build it, and end it at the end.
    """
    async with lived_in(folder, "") as house:
        made = Furnished(house=house)
        for furnish in (_queue, _hours_and_policies, _replies_and_views, _webhooks, _people):
            await furnish(made)
        yield made


async def _queue(made: Furnished) -> None:
    house = made.house
    house.playground.person("long@far.example", name=LONG)
    house.playground.say("long@far.example", f"@{house.brand} {LONG}，{LONG * 3}")
    house.playground.say("zhou@far.example", f"@{house.brand} 我的包裹在哪里？已经等了三天了！")
    for number in range(3):
        house.playground.person(f"guest{number}@far.example", name=f"客人{number}")
        house.playground.say(f"guest{number}@far.example", f"@{house.brand} 请问怎么开发票？我需要公司抬头的发票")
    conversation = await house.heard("包裹")
    await house.heard(LONG[:10])
    here = f"/conversations/{conversation['id']}"
    await made.make(f"{here}/claim")
    await made.make(f"{here}/tags", tags=["物流", "急件"])
    await made.make(f"{here}/notes", text="已经问过仓库，中午前回复。")
    until = datetime.now(UTC) + timedelta(hours=3)
    leaks = await house.heard("leaks")
    await made.make(f"/conversations/{leaks['id']}/snooze", until=until.isoformat())
    contact = await made.newest("/contacts")
    await made.make(f"/contacts/{contact['id']}/segments", segments=["会员"])
    entry, account = await made.newest("/outbox"), await made.newest("/accounts")
    heard = await made.newest("/heard")
    made.samples |= {
        "/conversations/{id}": here,
        "/contacts/{contact_id}": f"/contacts/{contact['id']}",
        "/outbox/{id}": f"/outbox/{entry['id']}",
        "/accounts/{account_id}": f"/accounts/{account['id']}",
        "/acknowledgements/{account_id}": f"/acknowledgements/{account['id']}",
        "/heard/{heard_id}": f"/heard/{heard['id']}",
        "/sign-in/{link}": "/sign-in/a-link",
    }


async def _hours_and_policies(made: Furnished) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    hours = await made.make("/hours", name="上海办公室", zone="Asia/Shanghai", week=ROUND_THE_CLOCK, country="CN")
    await made.make(f"/hours/{hours['id']}/days", first=tomorrow, spans="10:00-14:00", label="盘点")
    policy = await made.make(
        "/policies",
        name="中文客户",
        conditions={"languages": ["zh"]},
        hours_id=hours["id"],
        first_response=900,
        escalations=[{"on": "breached", "do": "notify_leads"}],
    )
    made.samples["/hours/{hours_id}"] = f"/hours/{hours['id']}"
    made.samples["/policies/{id}"] = f"/policies/{policy['id']}"


async def _replies_and_views(made: Furnished) -> None:
    reply = await made.make(
        "/saved-replies",
        shortcut="wuliu",
        title="包裹在哪里",
        texts={"zh": "您好！您的包裹正在路上。", "": "Your parcel is on its way."},
        intents=["question"],
    )
    macro = await made.make("/macros", name="问过仓库", actions=[{"kind": "tag", "value": "物流"}])
    rule = await made.make(
        "/rules", name="中文客户加标签", when=["opened"], then=[{"do": "add_tag", "value": "中文"}]
    )
    invoice = await made.house.heard("发票")
    bulk = await made.make("/bulk", verb="tag", tag="盘点", ids=[invoice["id"]])
    view = await made.make("/views", name="中文会话", selection={"languages": ["zh"]}, shared=True)
    here = made.samples["/conversations/{id}"]
    alike = await made.newest("/alike")
    made.samples |= {
        "/saved-replies/{id}": f"/saved-replies/{reply['id']}",
        "/conversations/{id}/saved-replies": f"{here}/saved-replies",
        "/macros/{id}": f"/macros/{macro['id']}",
        "/conversations/{id}/macros/{macro_id}": f"{here}/macros/{macro['id']}",
        "/queue/views/{id}": f"/queue/views/{view['id']}",
        "/alike/{group_id}": f"/alike/{alike['id']}",
        "/conversations/{id}/merge": f"{here}/merge",
        "/conversations/{id}/split": f"{here}/split",
        "/bulk/{id}": f"/bulk/{bulk['id']}",
        "/rules/{rule_id}": f"/rules/{rule['id']}",
        "/search": "/search?q=包裹",
    }


async def _webhooks(made: Furnished) -> None:
    webhook = await made.make(
        "/webhooks", name="工单系统", url="https://hooks.example.com/hubbub", kinds=["conversation.created"]
    )
    here = f"/webhooks/{webhook['id']}"
    await made.make(f"{here}/ping")
    delivery = await made.newest(f"{here}/deliveries")
    made.samples["/webhooks/{id}"] = here
    made.samples["/webhooks/{id}/deliveries/{delivery_id}"] = f"{here}/deliveries/{delivery['id']}"


async def _people(made: Furnished) -> None:
    staff = await made.newest("/staff")
    await made.make("/tokens", name="导出程序", role="agent")
    made.samples["/staff/{staff_id}"] = f"/staff/{staff['id']}"
