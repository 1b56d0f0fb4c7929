"""
Presence and skills: signs of life, choices, the log of who was here, the pages, operations and commands.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.staff.api
import bot.staff.entrance_pages
import bot.staff.pages
import bot.staff.presence_api
import bot.staff.presence_pages
from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Invalid, NotFound
from bot.settings import PresenceSettings
from bot.staff import presence, service
from bot.staff.presence_pages import SKILL_CHOICES, SkillChoices
from bot.staff.rules import AgentNow, Presence, Profile
from bot.staff.tables import PresenceChange
from tests.fakes.clock import START, FakeClock
from tests.fakes.web_app import make_client
from tests.integration.staff.test_commands import Command, hubbub  # noqa: F401  (a fixture)

SETTINGS = PresenceSettings()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def add(database: Database, login: str = "ann", role: str = "agent") -> Actor:
    async with database.write() as work:
        return (await service.add_staff(work, HUBBUB, login=login, name=login.title(), role=role)).actor()


async def beat(database: Database, who: Actor, *, touched: bool = True) -> Presence:
    async with database.write() as work:
        return await presence.beat(work, who, SETTINGS, touched=touched)


async def follow(database: Database) -> int:
    async with database.write() as work:
        return await presence.follow_time(work)


async def see(database: Database, who: Actor) -> AgentNow:
    async with database.read() as work:
        found = await presence.find_agent(work, who.id)
    assert found is not None
    return found


async def changes(database: Database) -> list[tuple[datetime, str]]:
    async with database.read() as work:
        query = sa.select(col(PresenceChange.at), col(PresenceChange.presence)).order_by(col(PresenceChange.id))
        return [(at, said) for at, said in await work.session.execute(query)]


async def test_who_falls_silent_is_offline_and_the_log_has_the_true_time(
    database: Database, clock: FakeClock
) -> None:
    ann = await add(database)
    assert (await see(database, ann)).presence is Presence.OFFLINE
    assert await beat(database, ann) is Presence.HERE
    await clock.advance(74)
    assert await follow(database) == 0
    assert (await see(database, ann)).presence is Presence.HERE
    await clock.advance(3600)  # nobody looked meanwhile: the daemon was down
    assert (await see(database, ann)).presence is Presence.OFFLINE
    assert await follow(database) == 1
    assert await follow(database) == 0
    assert await changes(database) == [(START, "here"), (START + 75 * SECOND, "offline")]


async def test_who_leaves_the_desk_is_away_and_a_touch_brings_them_back(
    database: Database, clock: FakeClock
) -> None:
    ann = await add(database)
    await beat(database, ann)
    for _ in range(31):  # the page is open all the time, but nobody touches it
        await clock.advance(20)
        await beat(database, ann, touched=False)
        await follow(database)
    assert (await see(database, ann)).presence is Presence.AWAY
    assert await beat(database, ann) is Presence.HERE
    assert [said for _, said in await changes(database)] == ["here", "away", "here"]


async def test_what_one_chose_holds_over_the_night(database: Database, clock: FakeClock) -> None:
    ann = await add(database)
    async with database.write() as work:
        assert await presence.choose(work, ann, "busy", SETTINGS) is Presence.BUSY
    await clock.advance(timedelta(hours=14))
    assert await beat(database, ann) is Presence.BUSY
    async with database.write() as work:
        with pytest.raises(Invalid, match="one of here, busy, away"):
            await presence.choose(work, ann, "offline", SETTINGS)


async def test_leads_and_admins_get_work_only_when_they_say_so(database: Database) -> None:
    lea = await add(database, "lea", "lead")
    assert await beat(database, lea) is Presence.AWAY


async def test_many_tabs_on_many_nodes_are_one_agent(database: Database) -> None:
    ann = await add(database)
    await asyncio.gather(*(beat(database, ann) for _ in range(8)))
    assert await changes(database) == [(START, "here")]


async def test_beats_that_tell_nothing_are_not_written(database: Database, clock: FakeClock) -> None:
    ann = await add(database)

    async def fresh(*, touched: bool) -> Presence | None:
        async with database.read() as work:
            return await presence.still_fresh(work, ann, SETTINGS, touched=touched)

    assert await fresh(touched=True) is None
    await beat(database, ann)
    await clock.advance(10)
    assert await fresh(touched=True) is Presence.HERE
    await clock.advance(10)
    assert await fresh(touched=True) is None
    for _ in range(10):
        await clock.advance(20)
        await beat(database, ann, touched=False)
    assert await fresh(touched=False) is Presence.HERE
    assert await fresh(touched=True) is None  # somebody is back at the desk


async def test_present_are_those_who_are_here_and_may_still_answer(database: Database) -> None:
    people = {login: await add(database, login) for login in ("ann", "ben", "cem", "dot")}
    for who in people.values():
        await beat(database, who)
    async with database.write() as work:
        await presence.choose(work, people["ben"], "busy", SETTINGS)
        await service.disable_staff(work, HUBBUB, people["cem"].id)
        await service.change_role(work, HUBBUB, people["dot"].id, "marketer")

    async def names(work: UnitOfWork) -> list[str]:
        return [one.login for one in await presence.present_agents(work)]

    async with database.read() as work:
        assert await names(work) == ["ann"]
        assert [one.login for one in await presence.list_agents(work)] == ["ann", "ben"]


async def test_a_token_is_an_agent_once_it_was_here_and_as_long_as_it_works(database: Database) -> None:
    async with database.write() as work:
        token, _ = await service.create_token(work, HUBBUB, name="robot", role="agent")
    assert await beat(database, token.actor()) is Presence.HERE
    assert (await see(database, token.actor())).name == "robot"
    async with database.write() as work:
        await service.revoke_token(work, HUBBUB, token.id)
        assert await presence.find_agent(work, token.id) is None


async def test_a_profile_is_kept_audited_and_checked(database: Database) -> None:
    ann = await add(database)
    profile = Profile(
        capacity=2, languages=("en", "zh-hant"), account_ids=("a1",), intents=("bug",), hand_out=False
    )
    async with database.write() as work:
        await presence.change_profile(work, HUBBUB, ann.id, profile)
    assert (await see(database, ann)).profile == profile
    async with database.write() as work:
        trail = (await service.list_audit(work, subject_id=ann.id)).items
        assert (trail[0].action, trail[0].detail["capacity"]) == ("staff.change-skills", 2)
        for wrong, field in (
            (Profile(capacity=-1), "capacity"),
            (Profile(capacity=1001), "capacity"),
            (Profile(languages=("english!",)), "languages"),
            (Profile(intents=("",)), "intents"),
            (Profile(account_ids=("x" * 101,)), "account_ids"),
            (Profile(intents=("bug",) * 201), "intents"),
        ):
            with pytest.raises(Invalid) as refused:
                await presence.change_profile(work, HUBBUB, ann.id, wrong)
            assert set(refused.value.fields) == {field}
        with pytest.raises(NotFound):
            await presence.change_profile(work, HUBBUB, "nobody", Profile())


PAGES = [bot.staff.entrance_pages, bot.staff.pages, bot.staff.presence_pages]


async def skills(_: UnitOfWork) -> SkillChoices:
    return SkillChoices(accounts=[("a1", "shop")], intents=[("bug", "bug"), ("praise", "praise")])


async def test_the_switch_on_every_page_works_without_scripts(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        ann = await client.sign_in("agent")
        page = await (await client.get("/me")).text()
        assert 'class="presence-dot is-here" id="own-presence"' in page
        chosen = await client.post_form("/presence", {"presence": "busy", "back": "/me"})
        assert (chosen.status, chosen.headers["Location"]) == (303, "/me")
        page = await (await client.get("/me")).text()
        assert 'class="presence-dot is-busy" id="own-presence"' in page
        assert "nothing new comes to you" in page
        assert (await see(database, ann)).presence is Presence.BUSY
        assert (await client.post_form("/presence", {"presence": "asleep"})).status == 422
        away = await client.post_form("/presence", {"presence": "away", "back": "https://elsewhere.example/"})
        assert away.headers["Location"] == "/"
        await client.post_form("/sign-out")
        assert (await see(database, ann)).presence is Presence.OFFLINE


async def test_an_open_page_beats(database: Database, clock: FakeClock) -> None:
    async with make_client(database, pages=PAGES) as client:
        ann = await client.sign_in("agent")
        for _ in range(2):
            answer = await client.post_form("/presence/beat", {"touched": "yes"})
            assert (answer.status, await answer.json()) == (200, {"presence": "here"})
        await clock.advance(60)
        await client.post_form("/presence/beat")
        await clock.advance(60)
        assert (await see(database, ann)).presence is Presence.HERE


async def test_a_marketer_has_no_switch(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        await client.sign_in("marketer")
        assert "own-presence" not in await (await client.get("/me")).text()


async def test_a_lead_sets_skills_on_the_page_of_a_person(database: Database) -> None:
    ann = await add(database, "ann")
    async with make_client(database, pages=PAGES, extra={SKILL_CHOICES: skills}) as client:
        await client.sign_in("lead")
        form = {"capacity": "3", "languages": "EN, zh", "account:a1": "yes", "intent:praise": "yes"}
        saved = await client.post_form(f"/staff/{ann.id}/skills", form)
        assert saved.status == 303
        profile = Profile(
            capacity=3, languages=("en", "zh"), account_ids=("a1",), intents=("praise",), hand_out=False
        )
        assert (await see(database, ann)).profile == profile
        page = await (await client.get(f"/staff/{ann.id}")).text()
        assert 'value="en zh"' in page
        assert 'name="intent:praise" value="yes" checked' in page
        assert 'name="intent:bug" value="yes" checked' not in page
        for capacity in ("", "-1", "many", "9" * 30, "٣"):
            refused = await client.post_form(f"/staff/{ann.id}/skills", {**form, "capacity": capacity})
            assert refused.status == 422
            assert "a whole number from 0 to 1,000" in await refused.text()


async def test_a_program_is_an_agent_over_the_api(database: Database) -> None:
    apis = [bot.staff.api, bot.staff.presence_api]
    async with make_client(database, apis=apis) as client:
        here = await client.api("POST", "/me/presence", "agent", json={})
        assert await here.json() == {"presence": "here", "alive_for_seconds": 75.0}
        listed = (await (await client.api("GET", "/agents", "agent")).json())["items"]
        assert [(one["name"], one["presence"], one["capacity"]) for one in listed] == [("agent token", "here", 5)]
        changed = await client.api(
            "POST", f"/agents/{listed[0]['id']}/skills", "lead", json={"capacity": 9, "languages": ["en"]}
        )
        assert (changed.status, (await changed.json())["languages"]) == (200, ["en"])
        busy = await client.api("POST", "/me/presence", "agent", json={"presence": "busy"})
        assert (await busy.json())["presence"] == "busy"
        wrong = await client.api("POST", f"/agents/{listed[0]['id']}/skills", "lead", json={"languages": ["?"]})
        assert wrong.status == 422
        mia = await add(database, "mia", "marketer")
        assert (await client.api("POST", f"/agents/{mia.id}/skills", "lead", json={})).status == 404


def test_skills_on_the_command_line(hubbub: Command) -> None:  # noqa: F811
    hubbub("staff", "add", "ann", "--password-stdin", given="a long password\n")
    given = ("--capacity", "2", "--languages", "EN zh", "--intents", "bug", "--no-hand-out")
    saved = hubbub("staff", "skills", "Ann", *given)
    assert (saved.exit_code, saved.stdout) == (0, "Saved for ann.\n")
    assert hubbub("staff", "skills", "ann", "--intents", "").exit_code == 0
    (row,) = json.loads(hubbub("staff", "presence", "--json").stdout)
    assert (row["presence"], row["capacity"], row["languages"]) == ("offline", 2, ["en", "zh"])
    assert (row["intents"], row["hand_out"]) == ([], False)
    unknown = hubbub("staff", "skills", "nobody", "--capacity", "1")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "hubbub staff presence" in unknown.stderr
