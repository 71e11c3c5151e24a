"""Large catalogues: read once, held only while they are searched; what a person's documents add."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.goal import Goal
from dagwright.policy import Policy
from executor.toolchest import default_catalogue
from knowledge import add_source, open_store
from orchestrator.evidence import MOST, SHOWN_WHOLE, gather, notes
from orchestrator.indexing import indexed

TODAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def large() -> Catalogue:
    (pattern,) = (tool for tool in default_catalogue().tools if tool.operation == "describe")
    things = ("invoice", "parcel", "customer", "holiday", "ticket", "meeting")
    does = ("archive", "translate", "print", "approve", "forward", "merge", "rank", "sign", "encrypt", "rotate")
    tools = [
        pattern.model_copy(
            update={"tool_name": "office", "operation": f"{verb}_{thing}", "description": f"{verb.title()} a {thing}."}
        )
        for thing in things
        for verb in does
    ]
    return Catalogue(name="office", tools=(*tools, *default_catalogue().tools))


@pytest.fixture
def goal() -> Goal:
    return Goal(goal_id="g", text="Encrypt a parcel and approve the holiday.")


def test_a_catalogue_is_read_once(large: Catalogue, tmp_path: Path, goal: Goal) -> None:
    told: list[tuple[int, int]] = []
    for _ in range(2):
        with indexed(large, lambda done, total: told.append((done, total)), folder=tmp_path) as store:
            found = gather(goal, large, Policy(name="p"), store, at=TODAY)
    assert told == [(0, 100), (100, 100)]
    assert {"office.encrypt_parcel", "office.approve_holiday"} <= set(found.documents)
    assert {"data.column_values", "data.filter_rows"} <= set(found.documents)
    assert "data.load_csv" not in found.documents
    assert len(found.documents) < SHOWN_WHOLE
    assert len([name for name in found.documents if name.startswith("office.")]) <= MOST


def test_others_wait_while_it_is_held(large: Catalogue, tmp_path: Path) -> None:
    small = Catalogue(name="small", tools=large.tools[:2])
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with indexed(small, lambda *_: None, folder=tmp_path):
            order.append("second")

    other = threading.Thread(target=second)
    other.start()
    with indexed(small, lambda *_: None, folder=tmp_path):
        inside.set()
        other.join(0.5)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_notes_of_the_person_reach_the_model(bench: Any, sales: Path, tmp_path: Path) -> None:
    from orchestrator.pipeline import run_goal

    text = tmp_path / "prices.md"
    text.write_text("# Prices\n\nThe mean price is taken over all cities.\n", encoding="utf-8")
    with open_store(bench.home / "knowledge") as store:
        add_source(store, text)
    setup = bench.setup('aggregate(table=sales, column="price", function="mean")', "answer(s1)")
    outcome = run_goal("What is the mean price?", {"sales": sales}, setup)
    (evidence,) = bench.events(outcome.run, "evidence")
    assert len(evidence.body["notes"]) == 1
    assert "taken over all cities" in setup.model.requests[0].messages[-1].content


def test_without_documents_there_are_no_notes(tmp_path: Path, goal: Goal) -> None:
    assert notes(goal, tmp_path, at=TODAY) == {}
