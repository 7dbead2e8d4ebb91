"""Answers on their way from workers to the event loop."""

import asyncio
import threading

import pytest

from slipway.serving.batching.returns import Returns


def test_another_thread_hands_over_results_and_errors() -> None:
    async def main() -> None:
        returns: Returns[str] = Returns()
        futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
        futures[1].cancel()

        def work() -> None:
            returns.add(futures[0], "answer")
            returns.add(futures[1], "nobody hears it")
            returns.add(futures[2], ZeroDivisionError("at fault"))
            returns.hand_over()
            returns.hand_over()

        threading.Thread(target=work).start()
        assert await asyncio.wait_for(futures[0], 5) == "answer"
        with pytest.raises(ZeroDivisionError, match="at fault"):
            await asyncio.wait_for(futures[2], 5)
        assert len(returns) == 0

    asyncio.run(main())


def test_none_is_lost_between_many_threads() -> None:
    async def main() -> None:
        returns: Returns[int] = Returns()
        loop = asyncio.get_running_loop()
        futures = [[loop.create_future() for _ in range(500)] for _ in range(4)]

        def work(mine: list[asyncio.Future[int]]) -> None:
            for number, future in enumerate(mine):
                returns.add(future, number)
                returns.hand_over()

        threads = [threading.Thread(target=work, args=(mine,)) for mine in futures]
        for thread in threads:
            thread.start()
        for mine in futures:
            assert await asyncio.wait_for(asyncio.gather(*mine), 10) == list(range(500))

    asyncio.run(main())


def test_nothing_to_hand_over_wakes_nobody() -> None:
    Returns[int]().hand_over()
