"""Idempotency-Keys, verdicts, the ledger, bodies and followers, without any server."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import pytest
from starlette.requests import Request
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.trace_context import TraceContext
from cardwatch_contracts.verdict import Verdict
from cardwatch_gateway.alert_filter import AlertFilter
from cardwatch_gateway.alert_hub import AlertEvent, AlertHub
from cardwatch_gateway.bodies import GoneError, read_body
from cardwatch_gateway.cursor import Cursor
from cardwatch_gateway.delivery import Delivery, all_done
from cardwatch_gateway.idempotency import Answer, IdempotencyKeys, key_name
from cardwatch_gateway.ledger import Entry, Ledger
from cardwatch_gateway.problems import ProblemError
from cardwatch_gateway.verdicts import Waiters, in_time

_CONTEXT = TraceContext("a" * 32, "b" * 16, False)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Work:
    """Something that is done, and counted."""

    def __init__(self) -> None:
        self.times = 0
        self.go_on = asyncio.Event()

    async def __call__(self) -> Answer:
        self.times += 1
        await self.go_on.wait()
        return Answer(202, b"x" * 100)


def keys(clock: Clock, max_bytes: int = 10_000) -> IdempotencyKeys:
    return IdempotencyKeys(ttl_s=60, max_bytes=max_bytes, clock=clock)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def test_the_same_is_done_once_and_waited_for() -> None:
    async def test() -> None:
        once, work = keys(Clock()), Work()
        waiting = [asyncio.ensure_future(once.once("k", "f", work)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(ProblemError, match="idempotency-key-reused"):
            await once.once("k", "other", work)
        work.go_on.set()
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {202}
        assert (await once.once("k", "f", work)).body == b"x" * 100
        assert work.times == 1

    run(test)


def test_what_failed_is_done_again_and_fails_for_those_who_waited() -> None:
    async def test() -> None:
        once = keys(Clock())
        times = 0

        async def fail() -> Answer:
            nonlocal times
            times += 1
            await asyncio.sleep(0)
            raise ProblemError(503, "busy", "")

        waiting = [asyncio.ensure_future(once.once("k", "f", fail)) for _ in range(3)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, ProblemError) for result in results)
        assert (times, len(once)) == (1, 0)

    run(test)


def test_answers_are_kept_within_time_and_bytes() -> None:
    async def test() -> None:
        clock, work = Clock(), Work()
        work.go_on.set()
        once = keys(clock, max_bytes=1_000)
        for number in range(10):
            await once.once(f"k{number}", "f", work)
        assert len(once) == 2
        clock.now_s = 61
        await once.once("k9", "f", work)
        assert work.times == 11
        assert len(once) == 1

    run(test)


@pytest.mark.parametrize("key", ["", "x" * 256, "\u00e9", "a\nb"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ProblemError):
        key_name("alpha", key)


def test_keys_of_different_banks_are_different() -> None:
    assert key_name("alpha", "k") != key_name("beta", "k")


def verdict(transaction_id: str) -> Verdict:
    return Verdict(transaction_id=transaction_id, decision="clear", config="c", generation=0)


def test_verdicts_reach_those_who_wait_and_no_others() -> None:
    async def test() -> None:
        waiters = Waiters(3)
        first = waiters.wait_for(["a", "b"])
        again = waiters.wait_for(["a"])
        assert first is not None and again is not None
        assert waiters.wait_for(["c"]) is None
        waiters.tell([verdict("a"), verdict("unheard-of"), verdict("a")])
        told = await in_time([*first, *again], monotonic() + 0.01)
        assert [None if v is None else v.transaction_id for v in told] == ["a", None, "a"]
        waiters.give_up(["a", "b"], first)
        waiters.give_up(["a"], again)
        assert len(waiters) == 0
        waiters.tell([verdict("a"), verdict("b")])

    run(test)


def entry(fingerprint: int = 1) -> Entry:
    return Entry(("bank", "txn"), fingerprint, _CONTEXT, Delivery())


def test_what_arrived_is_forgotten_unless_its_sender_was_told_nothing() -> None:
    clock = Clock()
    ledger, told, untold = Ledger(clock), entry(), entry()
    ledger.add(told)
    assert ledger.find(told.key) is told
    told.delivery.settle(None, 0, 1, 1)
    assert ledger.find(told.key) is None

    ledger.add(untold)
    ledger.leave_untold(untold)
    untold.delivery.settle(None, 0, 2, 1)
    assert ledger.find(untold.key) is untold
    clock.now_s = 601
    assert ledger.find(untold.key) is None


def test_what_kafka_refused_can_be_sent_again_at_once() -> None:
    ledger, refused = Ledger(), entry()
    ledger.add(refused)
    ledger.leave_untold(refused)
    refused.delivery.settle("timed out", 0, 0, 1)
    assert ledger.find(refused.key) is None
    assert len(ledger) == 0


def test_the_ledger_is_bounded() -> None:
    ledger = Ledger(Clock(), most=10)
    for number in range(100):
        each = Entry(("bank", str(number)), 1, _CONTEXT, Delivery())
        ledger.add(each)
        ledger.leave_untold(each)
        each.delivery.settle(None, 0, 0, 1)
    assert len(ledger) == 10


def test_word_of_all_is_waited_for_but_not_for_ever() -> None:
    async def test() -> None:
        one, other = Delivery(), Delivery()
        one.settle(None, 0, 0, 1)
        assert not await all_done([one, other], 0.01)
        other.settle("no", 0, 0, 1)
        assert await all_done([one, other], 0.01)

    run(test)


def request(*messages: dict[str, Any], headers: dict[str, str] | None = None) -> Request:
    left = list(messages)

    async def receive() -> Any:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("nothing comes")

    given = [(name.encode(), text.encode()) for name, text in (headers or {}).items()]
    return Request({"type": "http", "method": "POST", "headers": given}, receive)


async def read(request: Request, *, timeout_s: float) -> bytes:
    return await read_body(request.receive, request.headers, max_bytes=4, timeout_s=timeout_s)


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_in_parts_and_within_bounds() -> None:
    async def test() -> None:
        parts = [part(b"ab"), part(b""), part(b"cd", more=False)]
        assert await read(request(*parts), timeout_s=1) == b"abcd"
        for sent, headers in (
            ([part(b"abcde", more=False)], {}),
            ([part(b"ab"), part(b"cde"), part(b"", more=False)], {}),
            ([part(b"", more=False)], {"content-length": "5"}),
            ([], {"content-length": "5", "expect": "100-continue"}),
        ):
            with pytest.raises(ProblemError, match="too-long"):
                await read(request(*sent, headers=headers), timeout_s=1)
        with pytest.raises(ProblemError, match="slow-body") as slow:
            await read(request(part(b"a")), timeout_s=0.01)
        assert slow.value.headers["Connection"] == "close"
        with pytest.raises(GoneError):
            await read(request({"type": "http.disconnect"}), timeout_s=1)

    run(test)


def event(number: int, bank_id: str = "alpha") -> AlertEvent:
    finding = Finding(detector="d", observed=1, threshold=1, unit="s", reason="", counterfactual="")
    alert = Alert(
        alert_id=str(number),
        transaction=make_transaction(bank_id=bank_id),
        findings=(finding,),
        config="c",
        generation=0,
        ingested_at=0,
    )
    return AlertEvent(alert, b"{}", str(Cursor((number,))))


def test_a_follower_gets_what_it_wants_and_a_slow_one_is_let_go() -> None:
    async def test() -> None:
        hub = AlertHub(most_followers=2, queue=3)
        slow, quick = hub.join(AlertFilter(bank_id="alpha")), hub.join(AlertFilter())
        assert not hub.has_room
        for number in range(5):
            hub.publish([event(number), event(number, "beta")], Cursor((number,)))
            assert await quick.next(1) is not None
            assert await quick.next(1) is not None
        assert slow.let_go == "slow"
        assert await slow.next(1) is None
        assert await quick.next(0.01) is None
        assert quick.let_go is None
        hub.close()
        assert quick.let_go == "shutdown"
        hub.leave(quick)
        hub.leave(slow)
        assert len(hub) == 0

    run(test)
