"""The executor: bounded, batched, and fair to each record of a batch."""

import asyncio
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.eventually import until

from slipway.errors import ExpiredError, OverloadedError, PredictionError
from slipway.serving.batching.executor import Executor, Plan
from slipway.serving.prediction.runner import Answered, ClientGoneError

NEVER = math.inf


def plan(**changes) -> Plan:
    return Plan(**{"sessions": 1, "threads": 1, "max_batch": 1, "max_wait_ms": 0.0, "queue": 8, **changes})


class Echo:
    """A graph that answers its text, fails on `poison`, and runs only while its gate is open."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.gate = threading.Event()
        self.running = threading.Event()
        self.batches: list[list[str]] = []
        if is_open:
            self.gate.set()

    def predict_batch(self, records):
        texts = [record["text"] for record in records]
        self.running.set()
        assert self.gate.wait(5)
        if "poison" in texts:
            raise PredictionError("the graph failed")
        if "surprise" in texts:
            raise ZeroDivisionError("nobody foresaw it")
        self.batches.append(texts)
        return [{"value": text} for text in texts], 0.25


@contextmanager
def executing(predictor: Echo, **changes) -> Iterator[Executor]:
    executor = Executor("echo", predictor, plan(**changes))
    try:
        yield executor
    finally:
        predictor.gate.set()
        executor.close()


async def ask(executor: Executor, *texts: str, deadline: float = NEVER, disconnected=None) -> list[str]:
    answered: Answered = await executor.predict([{"text": text} for text in texts], deadline, disconnected)
    return [output["value"] for output in answered.outputs]


def test_the_records_of_a_request_are_answered_in_order() -> None:
    async def main() -> None:
        with executing(Echo(), sessions=3) as executor:
            assert await ask(executor, *"abcdefg") == list("abcdefg")

    asyncio.run(main())


def test_the_event_loop_runs_on_while_the_graph_does() -> None:
    async def main() -> None:
        graph = Echo(is_open=False)
        with executing(graph) as executor:
            asked = asyncio.create_task(ask(executor, "a"))
            await until(graph.running.is_set)
            for _ in range(10):
                await asyncio.sleep(0)
            assert not asked.done()
            graph.gate.set()
            assert await asked == ["a"]

    asyncio.run(main())


def test_a_full_queue_refuses_at_once() -> None:
    async def main() -> None:
        graph = Echo(is_open=False)
        with executing(graph, queue=3) as executor:
            first = asyncio.create_task(ask(executor, "a"))
            await until(graph.running.is_set)
            others = [asyncio.create_task(ask(executor, text)) for text in "bcd"]
            await asyncio.sleep(0)
            assert not executor.room().is_given
            with pytest.raises(OverloadedError):
                await ask(executor, "e")
            graph.gate.set()
            assert await asyncio.gather(first, *others) == [["a"], ["b"], ["c"], ["d"]]
            assert executor.room().is_given

    asyncio.run(main())


def test_a_request_of_more_records_than_may_wait_is_taken_by_an_empty_queue() -> None:
    async def main() -> None:
        with executing(Echo(), queue=2) as executor:
            assert await ask(executor, *"abcde") == list("abcde")

    asyncio.run(main())


def test_a_request_whose_deadline_passed_is_not_run() -> None:
    async def main() -> None:
        graph = Echo(is_open=False)
        with executing(graph) as executor:
            first = asyncio.create_task(ask(executor, "a"))
            await until(graph.running.is_set)
            late = asyncio.create_task(ask(executor, "late", deadline=time.monotonic() - 1))
            swept = asyncio.create_task(ask(executor, "swept", deadline=time.monotonic() - 1))
            await asyncio.sleep(0)
            executor.tick()
            with pytest.raises(ExpiredError):
                await swept  # though the worker is busy
            graph.gate.set()
            with pytest.raises(ExpiredError):
                await late
            assert await first == ["a"]
            assert graph.batches == [["a"]]

    asyncio.run(main())


def test_a_worker_drops_what_is_overdue_by_itself() -> None:
    async def main() -> None:
        graph = Echo()
        with executing(graph) as executor:
            with pytest.raises(ExpiredError):
                await ask(executor, "late", deadline=time.monotonic() - 1)
            assert await ask(executor, "a") == ["a"]
            assert graph.batches == [["a"]]

    asyncio.run(main())


def test_a_request_whose_client_leaves_while_it_waits_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.serving.batching.executor._WATCHED_AFTER_SECONDS", 0.0)

    async def main() -> None:
        graph, gone = Echo(is_open=False), asyncio.Event()

        async def disconnected() -> None:
            await gone.wait()

        with executing(graph) as executor:
            first = asyncio.create_task(ask(executor, "a", disconnected=disconnected))
            await until(graph.running.is_set)
            left = asyncio.create_task(ask(executor, "b", "c", disconnected=disconnected))
            stayed = asyncio.create_task(ask(executor, "d"))
            await asyncio.sleep(0)
            executor.tick()
            gone.set()
            with pytest.raises(ClientGoneError):
                await left  # though the worker is busy
            graph.gate.set()
            assert await stayed == ["d"]
            assert await first == ["a"]
            assert graph.batches == [["a"], ["d"]]

    asyncio.run(main())


def test_the_clients_of_requests_that_have_just_come_are_not_watched() -> None:
    async def main() -> None:
        graph, watched = Echo(is_open=False), []

        async def disconnected() -> None:
            watched.append(True)

        with executing(graph) as executor:
            first = asyncio.create_task(ask(executor, "a"))
            await until(graph.running.is_set)
            second = asyncio.create_task(ask(executor, "b", disconnected=disconnected))
            await asyncio.sleep(0)
            executor.tick()
            await asyncio.sleep(0)
            graph.gate.set()
            assert await asyncio.gather(first, second) == [["a"], ["b"]]
            assert watched == []

    asyncio.run(main())


@pytest.mark.parametrize(("wrong", "error"), [("poison", PredictionError), ("surprise", ZeroDivisionError)])
def test_one_poisonous_record_fails_alone(wrong: str, error: type[Exception]) -> None:
    async def main() -> None:
        graph = Echo(is_open=False)
        with executing(graph, max_batch=8) as executor:
            blocker = asyncio.create_task(ask(executor, "blocker"))
            await until(graph.running.is_set)
            asked = [asyncio.create_task(ask(executor, text)) for text in ("fine12", wrong, "good12")]
            await asyncio.sleep(0)
            graph.gate.set()
            answers = await asyncio.gather(blocker, *asked, return_exceptions=True)
            assert [answer for answer in answers if isinstance(answer, list)] == [["blocker"], ["fine12"], ["good12"]]
            assert isinstance(answers[2], error)
            assert await ask(executor, "still at work") == ["still at work"]

    asyncio.run(main())


def test_requests_that_wait_together_run_together_by_length() -> None:
    async def main() -> None:
        graph = Echo(is_open=False)
        with executing(graph, max_batch=3, queue=64) as executor:
            blocker = asyncio.create_task(ask(executor, "blocker"))
            await until(graph.running.is_set)
            short, long = ["aa", "bb", "cc"], ["x" * 100, "y" * 99, "z" * 98]
            texts = [text for pair in zip(short, long, strict=True) for text in pair]
            asked = [asyncio.create_task(ask(executor, text)) for text in texts]
            await asyncio.sleep(0)
            graph.gate.set()
            assert await asyncio.gather(blocker, *asked) == [["blocker"], *([text] for text in texts)]
            assert sorted(map(sorted, graph.batches[1:])) == [short, long]
            assert [batch.size for batch in executor.batches] == [1, 3, 3]

    asyncio.run(main())


def test_a_wait_fills_a_batch_and_ends_when_it_is_full() -> None:
    async def main() -> None:
        graph = Echo()
        with executing(graph, max_batch=2, max_wait_ms=5000) as executor:
            first = asyncio.create_task(ask(executor, "a"))
            await asyncio.sleep(0.02)
            assert not first.done()
            assert await ask(executor, "b") == ["b"]
            assert await first == ["a"]
            assert graph.batches == [["a", "b"]]

    asyncio.run(main())


def test_a_wait_ends_without_company() -> None:
    async def main() -> None:
        with executing(Echo(), max_batch=2, max_wait_ms=5) as executor:
            assert await asyncio.wait_for(ask(executor, "a"), 5) == ["a"]

    asyncio.run(main())


def test_an_answer_of_a_slow_graph_waits_for_no_other() -> None:
    async def main() -> None:
        turns = threading.Semaphore(0)

        class Slow(Echo):
            def predict_batch(self, records):
                assert turns.acquire(timeout=5)
                return super().predict_batch(records)

        with executing(Slow(), queue=64) as executor:
            asked = [asyncio.create_task(ask(executor, text)) for text in "abcdefgh"]
            await asyncio.sleep(0.05)
            turns.release()
            assert await asyncio.wait_for(asked[0], 5) == ["a"]
            assert not asked[1].done()
            turns.release(7)
            await asyncio.wait_for(asyncio.gather(*asked), 5)

    asyncio.run(main())


def test_closing_answers_what_waits() -> None:
    async def main() -> None:
        graph = Echo(is_open=False)
        executor = Executor("echo", graph, plan())
        asked = [asyncio.create_task(ask(executor, text)) for text in "abc"]
        await until(graph.running.is_set)
        closing = asyncio.create_task(asyncio.to_thread(executor.close))
        graph.gate.set()
        assert await asyncio.gather(*asked) == [["a"], ["b"], ["c"]]
        await closing
        with pytest.raises(OverloadedError):
            await ask(executor, "d")

    asyncio.run(main())
