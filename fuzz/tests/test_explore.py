"""A loader with planted faults: each is found, made small, told from others, and the same every time."""

import time

import numpy as np
import pytest
from hypothesis import strategies as st

from crisp_spec.errors import ConfigError
from fuzz import guard
from fuzz.explore import explore, replay
from fuzz.guard import Misbehaviour, run_guarded
from fuzz.target import Target


def target_of(load) -> Target:
    return Target(name="planted", load=load, inputs=lambda: st.binary(max_size=40), examples=300)


def two_faults(data: bytes) -> None:
    if len(data) > 9:
        raise KeyError("ten")
    if data and data[0] > 100:
        raise ZeroDivisionError
    raise ConfigError("a sentence")


def test_every_fault_is_found_and_made_small():
    found = explore(target_of(two_faults), examples=300, seed=1)
    smallest = {finding.place.partition(" ")[0]: finding.data for finding in found}
    assert smallest == {"KeyError": bytes(10), "ZeroDivisionError": b"e"}
    assert all("in two_faults" in finding.report for finding in found)


def test_the_same_seed_tries_the_same_inputs():
    def tried(seed: int) -> list[bytes]:
        seen: list[bytes] = []
        explore(target_of(seen.append), examples=50, seed=seed)
        return seen

    assert tried(3) == tried(3) != tried(4)


def test_known_faults_are_passed_over():
    first = explore(target_of(two_faults), examples=300, seed=1)
    known = {finding.place for finding in first}
    assert explore(target_of(two_faults), examples=300, seed=2, known=known) == []


def test_errors_of_the_search_itself_are_raised():
    broken = Target(
        name="b", load=len, inputs=lambda: st.binary().map(lambda data: data[1:0] * (1 // 0)), examples=1
    )
    with pytest.raises(ZeroDivisionError):
        explore(broken, examples=10, seed=0)


def test_replay():
    assert replay(target_of(two_faults), b"") is None
    finding = replay(target_of(two_faults), bytes(10))
    assert finding is not None
    assert finding.place.startswith("KeyError in test_explore.py, line ")


def refuse(error: Exception):
    def load(_: bytes) -> None:
        raise error

    return load


def test_what_is_allowed():
    for error in (ConfigError("a sentence"), FileNotFoundError(2, "no such file", "a.png")):
        run_guarded(refuse(error), b"")


@pytest.mark.parametrize("error", [OSError("no file"), ValueError("x"), MemoryError(), RecursionError()])
def test_what_is_not(error):
    with pytest.raises(type(error)):
        run_guarded(refuse(error), b"")


def test_a_refusal_needs_a_message():
    with pytest.raises(Misbehaviour, match="ConfigError without a message"):
        run_guarded(refuse(ConfigError(" ")), b"")


def test_warnings_of_arithmetic_are_findings():
    with pytest.raises(RuntimeWarning):
        run_guarded(lambda _: np.array([1.0]) / 0, b"")


def test_time_is_bounded_also_where_all_exceptions_are_taken_for_damage(monkeypatch):
    def slow(_: bytes) -> None:
        try:
            while time.process_time():
                pass
        except Exception:
            raise ConfigError("damaged") from None

    monkeypatch.setattr(guard, "SECONDS", 0.05)
    with pytest.raises(Misbehaviour, match=r"more than 0\.05 s of processor time"):
        run_guarded(slow, b"")


@pytest.mark.skipif(not guard.STATM.exists(), reason="needs Linux")
def test_memory_is_bounded_also_where_it_is_taken_for_damage(monkeypatch):
    def greedy(_: bytes) -> None:
        try:
            np.zeros(1 << 34, np.uint8)
        except MemoryError as error:
            raise ConfigError("damaged") from error

    monkeypatch.setattr(guard, "ADDRESS_SPACE", 1 << 26)
    with pytest.raises(Misbehaviour, match="more than 67108864 bytes of memory reserved"):
        run_guarded(greedy, b"")


def test_filled_memory_is_bounded(monkeypatch):
    # More than the process had at any time, so that its peak rises.
    size = guard._peak() + (64 << 20)
    monkeypatch.setattr(guard, "RESIDENT", 32 << 20)
    monkeypatch.setattr(guard, "SECONDS", 60.0)
    with pytest.raises(Misbehaviour, match="bytes of memory filled"):
        run_guarded(lambda _: np.ones(size, np.uint8), b"")
