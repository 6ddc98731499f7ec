"""Threads that do not outlive their block, and its first error."""

import threading
import time

import pytest

from crisp_sw.flows.program_run.simulation_threads import SimulationThreads, Stopped


def test_work_runs_at_once_and_returns_its_results():
    meeting = threading.Barrier(2, timeout=30)

    def meet(number: int) -> int:
        meeting.wait()
        return number

    with SimulationThreads(2, "test") as workers:
        runs = [workers.submit(meet, number) for number in range(4)]
        assert [run.result() for run in runs] == [0, 1, 2, 3]


def test_one_worker_keeps_the_order():
    order: list[int] = []
    with SimulationThreads(1, "test") as workers:
        for number in range(5):
            workers.submit(order.append, number)
    assert order == [0, 1, 2, 3, 4]


def test_after_a_failure_nothing_more_begins_and_the_block_fails_with_it():
    begun: list[str] = []

    def fail() -> None:
        begun.append("fail")
        raise ValueError("the cause")

    def use() -> None:
        with SimulationThreads(1, "test") as workers:
            failing = workers.submit(fail)
            waiting = workers.submit(begun.append, "next")
            assert isinstance(failing.exception(), ValueError)
            waiting.result()

    with pytest.raises(ValueError, match="the cause"):
        use()
    assert begun == ["fail"]


def test_running_work_learns_of_a_failure_elsewhere():
    ended: list[str] = []

    def endless(workers: SimulationThreads) -> None:
        try:
            while True:
                workers.check()
                time.sleep(0.001)
        except Stopped:
            ended.append("stopped")
            raise

    def fail() -> None:
        raise ValueError("the cause")

    def use() -> None:
        with SimulationThreads(2, "test") as workers:
            running = workers.submit(endless, workers)
            workers.submit(fail)
            running.result()

    with pytest.raises(ValueError, match="the cause"):
        use()
    assert ended == ["stopped"]


def test_an_interrupt_in_the_block_gives_the_work_up():
    begun = threading.Event()

    def endless(workers: SimulationThreads) -> None:
        begun.set()
        while True:
            workers.check()
            time.sleep(0.001)

    def use() -> None:
        with SimulationThreads(1, "test") as workers:
            workers.submit(endless, workers)
            begun.wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
