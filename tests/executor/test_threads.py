"""Threads that are used again: each job runs once, at once, and none is left when they are closed."""

from __future__ import annotations

import queue
import threading
import time
import uuid

from executor.engine.threads import Threads

PATIENCE = 20.0
"""Seconds within which anything happens here."""


def alive(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def none_left(name: str) -> bool:
    until = time.monotonic() + PATIENCE
    while alive(name) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(name)


def test_each_job_runs_once_whoever_submits_it() -> None:
    name, done = uuid.uuid4().hex, queue.SimpleQueue[int]()
    threads = Threads(name)

    def submit(first: int) -> None:
        for number in range(first, first + 500):
            threads.submit(lambda number=number: done.put(number))

    submitters = [threading.Thread(target=submit, args=(first * 500,)) for first in range(8)]
    for submitter in submitters:
        submitter.start()
    found = sorted(done.get(timeout=PATIENCE) for _ in range(4_000))
    for submitter in submitters:
        submitter.join(PATIENCE)
    threads.close()
    assert found == list(range(4_000))
    assert none_left(name)
    assert done.empty()


def test_a_job_that_hangs_keeps_no_other_one_waiting() -> None:
    name, go_on, done = uuid.uuid4().hex, threading.Event(), queue.SimpleQueue[int]()
    threads = Threads(name)
    threads.submit(lambda: done.put(int(go_on.wait(PATIENCE))))
    for number in range(2, 5):
        threads.submit(lambda number=number: done.put(number))
    assert sorted(done.get(timeout=PATIENCE) for _ in range(3)) == [2, 3, 4]
    go_on.set()
    assert done.get(timeout=PATIENCE) == 1
    threads.close()
    assert none_left(name)


def test_what_is_submitted_after_the_end_runs_and_leaves_no_thread() -> None:
    name, done = uuid.uuid4().hex, queue.SimpleQueue[int]()
    threads = Threads(name)
    threads.submit(lambda: done.put(1))
    assert done.get(timeout=PATIENCE) == 1
    threads.close()
    threads.submit(lambda: done.put(2))
    assert done.get(timeout=PATIENCE) == 2
    assert none_left(name)


def test_a_thread_that_is_idle_is_used_again() -> None:
    name, used = uuid.uuid4().hex, queue.SimpleQueue[int]()
    threads = Threads(name)
    for _ in range(20):
        threads.submit(lambda: used.put(threading.get_ident()))
        used.get(timeout=PATIENCE)
        time.sleep(0.01)  # it lies down again
    assert len(alive(name)) < 20
    threads.close()
    assert none_left(name)
