"""
Deliveries to a real receiver: signed, tried again, at least once, and given up at last.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from ipaddress import ip_network

import pytest
from aiohttp import web
from standardwebhooks.webhooks import WebhookVerificationError

from bot.core.errors import Conflict, Invalid
from bot.core.outward import Outward, OutwardRules
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.webhooks import service, store
from bot.webhooks.rules import WAITS, EndpointState, Kind, State
from bot.webhooks.service import Wish, webhook_banners
from tests.integration.webhooks.conftest import ADMIN, HERE, House

LONG = timedelta(days=7)


async def test_a_delivery_is_signed_as_a_library_that_is_not_ours_expects(house: House):
    endpoint, secret = await house.add()
    await house.announce(text="你好")
    await house.work()
    (got,) = house.receiver.got
    assert got.verify(secret) == {
        "type": "conversation.created",
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {"id": "c-1"},
    }
    assert got.webhook_id == "e-1"
    assert got.headers["Content-Type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        got.verify((await house.add("other"))[1])
    (delivery,) = await house.log(endpoint.id)
    (attempt,) = await house.attempts(delivery.id)
    assert (delivery.state, attempt.status, attempt.answer) == (State.DELIVERED, 204, "")


async def test_what_customers_wrote_is_sent_only_where_it_was_asked_for(house: House):
    await house.add("without")
    await house.add("with", with_text=True)
    await house.announce(text="你好")
    await house.work()
    texts = [json.loads(got.body)["data"].get("text") for got in house.receiver.got]
    assert sorted(texts, key=str) == [None, "你好"]


async def test_only_what_was_asked_for_is_sent(house: House):
    await house.add(kinds=[Kind.FEEDBACK_TOPIC])
    await house.announce("e-1", Kind.CONVERSATION_CREATED)
    await house.announce("e-2", Kind.FEEDBACK_TOPIC)
    await house.work()
    assert [got.webhook_id for got in house.receiver.got] == ["e-2"]


async def test_an_event_that_is_announced_twice_is_delivered_once(house: House):
    endpoint, _ = await house.add()
    await house.announce("e-1")
    await asyncio.gather(*(house.announce("e-1") for _ in range(5)))
    await house.work()
    await house.announce("e-1")
    await house.work()
    assert len(house.receiver.got) == 1
    assert len(await house.log(endpoint.id)) == 1


async def test_nothing_is_announced_by_a_unit_that_fails(house: House):
    endpoint, _ = await house.add()
    kind = Kind.CONVERSATION_CREATED

    async def fail() -> None:
        async with house.database.write() as work:
            await service.announce(work, kind, event_id="e-1", at=work.now, subject_id="", data={})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await house.log(endpoint.id) == []


async def test_O3_what_was_not_taken_is_tried_again_under_the_same_id_and_the_log_says_why(house: House):
    endpoint, secret = await house.add()
    house.receiver.script = [web.Response(status=500, text="no\x00disk"), web.Response(status=302), web.Response()]
    await house.announce()
    await house.work()
    await house.work()
    assert len(house.receiver.got) == 1
    assert (await house.endpoint(endpoint.id)).failing_since is not None
    await house.pass_time(WAITS[0] * 1.2)
    await house.pass_time(WAITS[1] * 1.2)
    assert len({got.webhook_id for got in house.receiver.got}) == 1
    assert [got.verify(secret)["type"] for got in house.receiver.got] == ["conversation.created"] * 3
    assert len({got.headers["webhook-timestamp"] for got in house.receiver.got}) == 3
    (delivery,) = await house.log(endpoint.id)
    attempts = await house.attempts(delivery.id)
    assert [one.status for one in attempts] == [500, 302, 200]
    assert (attempts[0].answer, attempts[0].reason) == ("no\ufffddisk", "it answered 500")
    assert (delivery.state, delivery.attempts) == (State.DELIVERED, 3)
    assert (await house.endpoint(endpoint.id)).failing_since is None


async def test_O3_a_wait_that_the_receiver_asks_for_holds_for_all_that_goes_there(house: House):
    await house.add()
    house.receiver.script = [web.Response(status=429, headers={"Retry-After": "3600"})]
    await house.announce("e-1")
    await house.work()
    await house.announce("e-2")
    await house.pass_time(timedelta(minutes=59))
    assert len(house.receiver.got) == 1
    await house.pass_time(timedelta(minutes=2))
    assert sorted(got.webhook_id for got in house.receiver.got) == ["e-1", "e-1", "e-2"]


async def test_an_endpoint_that_is_gone_gets_nothing_more_and_everybody_is_told(house: House):
    endpoint, _ = await house.add()
    house.receiver.script = [web.Response(status=410)]
    await house.announce("e-1")
    await house.work()
    await house.announce("e-2")
    await house.pass_time(LONG)
    assert len(house.receiver.got) == 1
    assert (await house.endpoint(endpoint.id)).state == EndpointState.BROKEN
    assert [one.state for one in await house.log(endpoint.id)] == [State.FAILED]
    async with house.database.read() as work:
        (banner,) = await webhook_banners(work)
    assert "tracker gets nothing more: it answered 410 Gone" in banner.text


async def test_an_endpoint_that_fails_for_days_is_given_up(house: House):
    endpoint, _ = await house.add()
    house.receiver.script = [web.Response(status=503) for _ in range(1000)]
    await house.announce("e-1")
    for _ in range(60):
        await house.pass_time(timedelta(hours=3))
    (delivery,) = await house.log(endpoint.id)
    assert delivery.state == State.FAILED
    assert 15 < len(house.receiver.got) < 40
    await house.announce("e-2")
    await house.work()
    found = await house.endpoint(endpoint.id)
    assert (found.state, found.state_reason) == (
        EndpointState.BROKEN,
        "nothing arrived for 5 days; it answered 503",
    )

    async with house.database.write() as work:
        await service.start_endpoint(work, ADMIN, endpoint.id)
    house.receiver.script = []
    await house.pass_time(timedelta(hours=8))
    assert [one.state for one in await house.log(endpoint.id)] == [State.FAILED, State.DELIVERED]


async def test_a_person_can_send_again_what_is_settled(house: House):
    endpoint, _ = await house.add()
    await house.announce()
    (delivery,) = await house.log(endpoint.id)
    async with house.database.write() as work:
        with pytest.raises(Conflict):
            await service.send_again(work, ADMIN, endpoint.id, delivery.id)
    await house.work()
    async with house.database.write() as work:
        await service.send_again(work, ADMIN, endpoint.id, delivery.id)
    await house.work()
    assert [got.webhook_id for got in house.receiver.got] == ["e-1", "e-1"]
    assert len(await house.attempts(delivery.id)) == 2


async def test_after_a_rotation_both_secrets_verify_for_a_while(house: House):
    endpoint, old = await house.add()
    async with house.database.write() as work:
        _, new = await service.rotate_secret(work, ADMIN, house.box, endpoint.id, both_for=timedelta(hours=1))
    await house.announce("e-1")
    await house.work()
    await house.clock.advance(timedelta(hours=2))
    await house.announce("e-2")
    await house.work()
    first, second = house.receiver.got
    assert first.verify(old) == first.verify(new)
    second.verify(new)
    with pytest.raises(WebhookVerificationError):
        second.verify(old)


async def test_a_new_key_of_the_box_opens_the_secrets(house: House):
    endpoint, secret = await house.add()
    before, after = house.box, new_key()
    old_key = before._source.read()[0]
    async with house.database.write() as work:
        assert await service.reseal_all(work, SecretBox(GivenKeys(f"{after},{old_key}"))) == 1
        assert await service.reseal_all(work, SecretBox(GivenKeys(f"{after},{old_key}"))) == 0
    house.box = SecretBox(GivenKeys(after))
    await house.announce()
    await house.work()
    house.receiver.got[0].verify(secret)
    assert secret not in (await house.endpoint(endpoint.id)).sealed


async def test_a_stopped_endpoint_gets_nothing_and_what_waited_is_kept(house: House):
    endpoint, _ = await house.add()
    await house.announce("e-1")
    async with house.database.write() as work:
        await service.stop_endpoint(work, ADMIN, endpoint.id)
    await house.announce("e-2")
    await house.work()
    assert house.receiver.got == []
    async with house.database.write() as work:
        with pytest.raises(Conflict):
            await service.ping(work, ADMIN, endpoint.id)
        await service.start_endpoint(work, ADMIN, endpoint.id)
        await service.ping(work, ADMIN, endpoint.id)
    await house.work()
    assert [json.loads(got.body)["type"] for got in house.receiver.got] == ["conversation.created", "ping"]


async def test_a_slow_endpoint_delays_nobody_but_itself(house: House):
    await house.add("slow", url=f"{house.receiver.url}?slow")
    await house.add("quick")
    await house.announce()
    worker = house.worker()
    await worker.round()
    while len(house.receiver.got) < 2:
        await asyncio.sleep(0.01)
    assert [bool(got.query) for got in house.receiver.got] in ([True, False], [False, True])
    house.receiver.go_on.set()
    await worker.finish()
    async with house.database.read() as work:
        assert await store.count_open(work) == {}


async def test_two_workers_share_the_work_and_send_each_delivery_once(house: House):
    await house.add()
    for number in range(40):
        await house.announce(f"e-{number}")
    await asyncio.gather(house.work(house.worker("one")), house.work(house.worker("two")))
    assert sorted(got.webhook_id for got in house.receiver.got) == sorted(f"e-{number}" for number in range(40))


async def test_O11_what_a_dead_worker_had_is_sent_by_another_when_its_lease_has_run_out(house: House):
    endpoint, _ = await house.add()
    await house.announce()
    async with house.database.write() as work:
        taken = await store.take_due(work, endpoint.id, holder="dead", lease=timedelta(seconds=30), limit=8)
    assert len(taken) == 1
    await house.pass_time(timedelta(seconds=29))
    assert house.receiver.got == []
    await house.pass_time(timedelta(seconds=2))
    assert [got.webhook_id for got in house.receiver.got] == ["e-1"]
    async with house.database.write() as work:  # the dead one was only slow: too late, whatever it says
        assert not await store.settle(work, taken[0].id, State.WAITING, {}, holder="dead")
    assert (await house.log(endpoint.id))[0].state == State.DELIVERED


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://169.254.169.254/x", "https://[::1]/", "ftp://x/"])
async def test_an_address_inside_our_network_is_refused_when_it_is_typed(house: House, url: str):
    wish = Wish(name="x", url=url, kinds=[Kind.FEEDBACK_TOPIC])
    async with house.database.write() as work:
        with pytest.raises(Invalid) as caught:
            await service.add_endpoint(work, ADMIN, house.box, OutwardRules(), wish)
    assert set(caught.value.fields) == {"url"}


async def test_an_address_whose_name_leads_into_our_network_is_refused_when_it_is_used(house: House):
    endpoint, _ = await house.add(url="http://localhost:1/hook")
    async with Outward(OutwardRules(networks=(ip_network("10.0.0.0/8"),), http=True)) as strict:
        await house.announce()
        await house.work(house.worker(outward=strict))
    (delivery,) = await house.log(endpoint.id)
    (attempt,) = await house.attempts(delivery.id)
    assert delivery.state == State.WAITING
    assert "private network" in attempt.reason
    assert attempt.status is None


async def test_a_redirect_is_a_failure_and_never_followed(house: House):
    endpoint, _ = await house.add()
    house.receiver.script = [web.Response(status=307, headers={"Location": "http://169.254.169.254/"})]
    await house.announce()
    await house.work()
    (delivery,) = await house.log(endpoint.id)
    assert (delivery.state, delivery.reason) == (State.WAITING, "it answered 307")


async def test_of_a_long_answer_one_kilobyte_is_kept(house: House):
    endpoint, _ = await house.add()
    house.receiver.script = [web.Response(body=b"x" * 1_000_000)]
    await house.announce()
    await house.work()
    (delivery,) = await house.log(endpoint.id)
    assert len((await house.attempts(delivery.id))[0].answer) == 1_000
    assert delivery.state == State.DELIVERED


async def test_old_rows_of_the_log_are_forgotten_and_open_ones_are_not(house: House):
    endpoint, _ = await house.add()
    await house.announce("e-1")
    await house.work()
    await house.clock.advance(LONG)
    house.receiver.script = [web.Response(status=500)]
    await house.announce("e-2")
    await house.work()
    async with house.database.write() as work:
        assert await store.prune(work, work.now - timedelta(days=1)) == 1
    assert [one.event_id for one in await house.log(endpoint.id)] == ["e-2"]


async def test_an_endpoint_is_removed_with_its_log(house: House):
    endpoint, _ = await house.add()
    await house.announce()
    await house.work()
    async with house.database.write() as work:
        assert await service.remove_endpoint(work, ADMIN, endpoint.id) == "tracker"
    async with house.database.read() as work:
        assert await store.list_endpoints(work) == []
    assert await house.log(endpoint.id) == []


async def test_two_endpoints_do_not_share_a_name(house: House):
    await house.add("tracker")
    with pytest.raises(Invalid, match="another webhook"):
        await house.add(" tracker ")
    other, _ = await house.add("other")
    async with house.database.write() as work:
        wish = Wish(name="tracker", url=house.receiver.url, kinds=[Kind.FEEDBACK_TOPIC])
        with pytest.raises(Invalid, match="another webhook"):
            await service.change_endpoint(work, ADMIN, HERE, other.id, wish)
