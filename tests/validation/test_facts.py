"""Facts and resources over the partial order: what is found is what some order of the steps breaks, no more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.catalogue import catalogue_of
from dagwright.finding import Report
from dagwright.policy import Policy
from dagwright.tool import PythonBinding, ToolSpec
from validation import repair, validate

Json = dict[str, Any]
FACTS = ("f", "g")
DOES = ("nothing", "adds", "ends", "may add", "may end", "ends, adds", "may end, adds", "ends, may add")
"""What a step does to a fact; ending comes first."""
EVERYTHING = Policy(name="everything", defaults={"read": "allow", "write": "allow"})


def operation(name: str, inputs: Json, **more: Any) -> ToolSpec:
    closed = {"type": "object", "properties": inputs, "required": list(inputs), "additionalProperties": False}
    outputs = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    return ToolSpec(
        tool_name="lab",
        operation=name,
        description=name,
        input_schema=closed,
        output_schema=outputs,
        **{"effect": "read", "binding": PythonBinding(callable="some:where"), **more},
    )


def named(does: tuple[str, ...]) -> str:
    return "_".join(word.replace(" ", "").replace(",", "") for word in does)


def changing(does: tuple[str, ...]) -> ToolSpec:
    """An operation that does something to each fact; what it may do depends on a value that only a run tells."""

    def templates(verb: str) -> tuple[str, ...]:
        told = [(fact, word.split(", ")) for fact, word in zip(FACTS, does, strict=True)]
        certain = [fact for fact, words in told if f"{verb}s" in words]
        return (*certain, *(f"{fact}{{kind}}" for fact, words in told if f"may {verb}" in words))

    kind = {"kind": {"type": "string"}}
    return operation(named(does), kind, facts_added=templates("add"), facts_removed=templates("end"))


LABORATORY = catalogue_of(
    "lab",
    (
        operation("tell", {}),
        *map(changing, itertools.product(DOES, repeat=2)),
        operation("read", {"path": {"type": "string"}}, reads=("file:{path}",)),
        operation("write", {"path": {"type": "string"}}, effect="write", writes=("file:{path}",)),
    ),
)


class Doing(NamedTuple):
    """A step: what it does to each fact, and what it needs: a fact and whether that must not hold."""

    does: tuple[str, ...]
    needs: tuple[tuple[str, bool], ...]


class Drawn(NamedTuple):
    """Tasks, each with its steps and the earlier tasks that it waits for."""

    tasks: list[tuple[list[Doing], list[int]]]


@st.composite
def plans(draw: st.DrawFn, most: int = 5) -> Drawn:
    needs = st.lists(st.tuples(st.sampled_from(FACTS), st.booleans()), max_size=2, unique=True)
    doing = st.builds(
        Doing,
        st.tuples(st.sampled_from(DOES[: draw(st.sampled_from((3, len(DOES))))]), st.sampled_from(DOES[:3])),
        needs.map(tuple),
    )
    count = draw(st.integers(1, most))
    tasks: list[tuple[list[Doing], list[int]]] = []
    for number in range(count):
        before = sorted(draw(st.sets(st.integers(0, number - 1), max_size=2))) if number else []
        tasks.append((draw(st.lists(doing, min_size=1, max_size=2)), before))
    return Drawn(tasks)


def step(name: str, called: str, inputs: Json, **more: Any) -> Json:
    intent = {"tool_name": "lab", "operation": called, "required_inputs": inputs}
    return {"step_id": name, "action": "x", "tool_intent": intent, **more}


def proposal(groups: Mapping[str, list[Json]], after: Mapping[str, list[str]]) -> Json:
    nodes = [{"task_id": name, "description": "x", "dependencies": after.get(name, [])} for name in groups]
    answer = {
        item["step_id"]: {"from": item["step_id"], "path": "/name"} for steps in groups.values() for item in steps
    }
    return {
        "goal": {"goal_id": "g", "text": "x"},
        "plan": {"dag_id": "d", "nodes": nodes},
        "decompositions": [{"task_id": name, "steps": steps} for name, steps in groups.items()],
        "answer": answer,
    }


def written(drawn: Drawn) -> Json:
    groups: dict[str, list[Json]] = {"first": [step("told", "tell", {})]}
    for number, (steps, _) in enumerate(drawn.tasks):
        groups[f"t{number}"] = [
            step(
                f"s{number}_{place}",
                named(doing.does),
                {"kind": {"from": "told", "path": "/name"}},
                preconditions=[{"fact": fact, "negated": negated} for fact, negated in doing.needs],
            )
            for place, doing in enumerate(steps)
        ]
    after = {
        f"t{number}": ["first", *(f"t{other}" for other in needed)] for number, (_, needed) in enumerate(drawn.tasks)
    }
    return proposal(groups, after)


def judged(data: Json) -> Report:
    return validate(data, catalogue=LABORATORY, policy=EVERYTHING, workers=frozenset(("python",)))


def broken(drawn: Drawn, *, perhaps: bool) -> set[tuple[str, int]]:
    """Every need that some order of the steps breaks, found by going through all orders.

    `perhaps`: what a step may do, it does or doesn't do in each of them.
    """
    lengths = [len(steps) for steps, _ in drawn.tasks]
    found: set[tuple[str, int]] = set()
    start = (tuple([0] * len(lengths)), frozenset[str]())
    seen, waiting = {start}, [start]
    while waiting:
        done, facts = waiting.pop()
        for number, (steps, needed) in enumerate(drawn.tasks):
            if done[number] == lengths[number] or any(done[other] < lengths[other] for other in needed):
                continue
            doing = steps[done[number]]
            found |= {
                (f"s{number}_{done[number]}", index)
                for index, (fact, negated) in enumerate(doing.needs)
                if (fact in facts) == negated
            }
            passed = tuple(count + (place == number) for place, count in enumerate(done))
            for following in outcomes(doing, facts, perhaps=perhaps):
                if (passed, following) not in seen:
                    seen.add((passed, following))
                    waiting.append((passed, following))
    return found


def outcomes(doing: Doing, facts: frozenset[str], *, perhaps: bool) -> Iterator[frozenset[str]]:
    choices: list[tuple[frozenset[str], ...]] = []
    for fact, word in zip(FACTS, doing.does, strict=True):
        kept, held, gone = facts & {fact}, frozenset((fact,)), frozenset[str]()
        certain = held if word.endswith("adds") else gone if word == "ends" else kept
        possible = {"may add": (kept, held), "may end": (kept, gone), "ends, may add": (gone, held)}
        choices.append(possible.get(word, (certain,)) if perhaps else (certain,))
    for chosen in itertools.product(*choices):
        yield frozenset().union(*chosen)


@given(plans())
@settings(max_examples=400, deadline=None)
def test_preconditions_are_broken_exactly_where_some_order_of_the_steps_breaks_them(drawn: Drawn) -> None:
    report = judged(written(drawn))
    found = {
        severity: {
            (item.step_id, int(item.path.rpartition("/")[2]))
            for item in report.findings
            if item.code == "D312" and item.severity == severity
        }
        for severity in ("error", "warning")
    }
    assert found["error"] == broken(drawn, perhaps=False)
    assert found["error"] | found["warning"] == broken(drawn, perhaps=True)
    assert not found["error"] & found["warning"]


# ----------------------------------------------------------------------------------------- blocks

TOLD = {"from": "told", "path": "/name"}
CONTROLS: dict[str, Json] = {
    "once": {},
    "when": {"when": [{"value": TOLD, "op": "exists"}]},
    "optional": {"optional": True},
    "repeat": {"repeat": {"until": [{"value": TOLD, "op": "exists"}], "at_most": 2}},
    "each": {"each": {"name": "item", "items": {"literal": [1, 2]}, "at_most": 2}},
    "perhaps each": {
        "each": {"name": "item", "items": {"coalesce": [{"literal": [1, 2]}, {"literal": []}]}, "at_most": 2}
    },
    "each that may fail": {"each": {"name": "item", "items": {"literal": [1, 2]}, "at_most": 2}, "optional": True},
}
"""What surrounds a task's steps: with at most two passes."""
UNSURE = ("when", "optional", "perhaps each", "each that may fail")
Lanes = tuple[int, ...]
"""How many steps each pass of a task has done; of a repetition, of all passes together."""


def begun(mode: str, count: int) -> tuple[Lanes, ...]:
    """The ways in which a task can begin."""
    return {
        "when": ((0,), (count,)),
        "each": ((0, 0),),
        "each that may fail": ((0, 0),),
        "perhaps each": ((), (0,), (0, 0)),
    }.get(mode, ((0,),))


def given_up(mode: str, lanes: Lanes, count: int) -> Iterator[Lanes]:
    """The ways in which a task can go on without doing a step."""
    for place, done in enumerate(lanes):
        fails = mode in ("optional", "each that may fail") and done < count
        if fails or (mode == "repeat" and done == count):
            yield (*lanes[:place], length(mode, count), *lanes[place + 1 :])


def length(mode: str, count: int) -> int:
    return 2 * count if mode == "repeat" else count


Progress = tuple[Lanes | None, ...]
"""What each task has done; None where it has not begun."""


class Runs:
    """All runs of tasks with what surrounds them."""

    def __init__(self, drawn: Drawn, modes: list[str], *, of: int | None) -> None:
        self.tasks, self.modes, self.of = drawn.tasks, modes, of
        self.found: set[tuple[str, int]] = set()

    def is_over(self, number: int, lanes: Lanes | None) -> bool:
        count = len(self.tasks[number][0])
        return lanes is not None and all(done == length(self.modes[number], count) for done in lanes)

    def beginnings(self, number: int, progress: Progress) -> tuple[Lanes, ...]:
        if not all(self.is_over(other, progress[other]) for other in self.tasks[number][1]):
            return ()
        skipped = self.of not in (None, number) and self.modes[number] in UNSURE
        return ((),) if skipped else begun(self.modes[number], len(self.tasks[number][0]))

    def moves(self, number: int, lanes: Lanes, facts: frozenset[str]) -> Iterator[tuple[Lanes, frozenset[str]]]:
        steps, mode = self.tasks[number][0], self.modes[number]
        yield from ((other, facts) for other in given_up(mode, lanes, len(steps)))
        for place, done in enumerate(lanes):
            if done == length(mode, len(steps)):
                continue
            doing = steps[done % len(steps)]
            if self.of in (None, number):
                broken = [n for n, (fact, negated) in enumerate(doing.needs) if (fact in facts) == negated]
                self.found |= {(f"s{number}_{done % len(steps)}", index) for index in broken}
            passed = (*lanes[:place], done + 1, *lanes[place + 1 :])
            yield from ((passed, after) for after in outcomes(doing, facts, perhaps=self.of is None))

    def following(self, progress: Progress, facts: frozenset[str]) -> Iterator[tuple[Progress, frozenset[str]]]:
        for number, lanes in enumerate(progress):
            if lanes is None:
                moves = [(lane, facts) for lane in self.beginnings(number, progress)]
            else:
                moves = list(self.moves(number, lanes, facts))
            for passed, after in moves:
                yield (*progress[:number], passed, *progress[number + 1 :]), after


def broken_in_blocks(drawn: Drawn, modes: list[str], *, of: int | None) -> set[tuple[str, int]]:
    """Every need that some run breaks.

    For `of` a task, only of its needs, and in runs in which no other block runs that need not.
    """
    runs = Runs(drawn, modes, of=of)
    start: tuple[Progress, frozenset[str]] = (tuple([None] * len(modes)), frozenset())
    seen, waiting = {start}, [start]
    while waiting:
        for state in runs.following(*waiting.pop()):
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return runs.found


@st.composite
def surrounded(draw: st.DrawFn) -> tuple[Drawn, list[str]]:
    drawn = draw(plans(most=3))
    return drawn, [draw(st.sampled_from(sorted(CONTROLS))) for _ in drawn.tasks]


@given(surrounded())
@settings(max_examples=400, deadline=None)
def test_preconditions_in_blocks_are_broken_exactly_where_some_run_breaks_them(case: tuple[Drawn, list[str]]) -> None:
    drawn, modes = case
    data = written(drawn)
    for number, mode in enumerate(modes):
        control = deepcopy(CONTROLS[mode])
        if "each" in control:
            control["each"]["name"] = f"item{number}"
        data["decompositions"][number + 1] |= {"control": control} if control else {}
    found = {
        severity: {
            (str(item.step_id), int(item.path.rpartition("/")[2]))
            for item in judged(data).findings
            if item.code == "D312" and item.severity == severity
        }
        for severity in ("error", "warning")
    }
    surely = set[tuple[str, int]]().union(
        *(broken_in_blocks(drawn, modes, of=number) for number in range(len(drawn.tasks)))
    )
    assert found["error"] == surely
    assert found["error"] | found["warning"] == broken_in_blocks(drawn, modes, of=None)


@given(plans())
@settings(max_examples=100, deadline=None)
def test_letting_a_task_wait_for_what_establishes_its_fact_settles_it(drawn: Drawn) -> None:
    data = written(drawn)
    for item in judged(data).findings:
        if item.fix and item.code == "D312":
            after = repair(data, catalogue=LABORATORY, policy=EVERYTHING, workers=frozenset(("python",))).report
            assert (item.code, item.step_id, item.message) not in {
                (x.code, x.step_id, x.message) for x in after.findings
            }


@st.composite
def accesses(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[list[int]]]:
    count = draw(st.integers(2, 7))
    uses = [(draw(st.sampled_from(("read", "write"))), draw(st.sampled_from("ab"))) for _ in range(count)]
    return uses, [sorted(draw(st.sets(st.integers(0, i - 1), max_size=2))) if i else [] for i in range(count)]


@given(accesses())
@settings(max_examples=200, deadline=None)
def test_a_conflict_is_found_exactly_where_two_steps_can_change_places(
    drawn: tuple[list[tuple[str, str]], list[list[int]]],
) -> None:
    uses, before = drawn
    groups = {f"t{i}": [step(f"s{i}", verb, {"path": {"literal": name}})] for i, (verb, name) in enumerate(uses)}
    report = judged(proposal(groups, {f"t{i}": [f"t{j}" for j in needed] for i, needed in enumerate(before)}))
    ancestors: list[set[int]] = []
    for needed in before:
        ancestors.append(set(needed).union(*(ancestors[other] for other in needed)))
    racing = {
        name
        for (i, (verb, name)), (j, (other_verb, other_name)) in itertools.combinations(enumerate(uses), 2)
        if name == other_name and "write" in (verb, other_verb) and i not in ancestors[j]
    }
    assert {str(item.evidence["resource"])[-1] for item in report.findings if item.code == "D311"} == racing


@pytest.mark.parametrize(
    ("one", "other", "races"),
    [
        ("a.csv", "./a.csv", True),
        ("x/../a.csv", "a.csv", True),
        ("a.csv", "b.csv", False),
        ("A.csv", "a.csv", False),
    ],
)
def test_two_ways_of_writing_a_path_are_one_file(one: str, other: str, races: bool) -> None:
    groups = {
        name: [step(f"s_{name}", "write", {"path": {"literal": path}})] for name, path in (("a", one), ("b", other))
    }
    assert ("D311" in {item.code for item in judged(proposal(groups, {})).findings}) == races


def test_facts_are_not_judged_where_an_operation_is_unknown() -> None:
    groups = {"a": [step("s", "tell", {}, preconditions=[{"fact": "f"}])], "b": [step("u", "wish", {})]}
    assert {item.code for item in judged(proposal(groups, {"a": ["b"]})).errors} == {"M202"}
    del groups["b"]
    assert {item.code for item in judged(proposal(groups, {})).errors} == {"D312"}


def test_one_fact_established_and_ended_by_thousands_of_steps_is_judged_in_linear_time() -> None:
    from time import process_time

    def chain(count: int) -> float:
        groups = {
            f"t{i}": [
                step(
                    f"s{i}",
                    "adds_nothing" if i % 2 else "ends_nothing",
                    {"kind": {"literal": "x"}},
                    preconditions=[{"fact": "f"}] if i % 3 == 2 and i % 2 == 0 else [],
                )
            ]
            for i in range(count)
        }
        data = proposal(groups, {f"t{i}": [f"t{i - 1}"] for i in range(1, count)})
        begun = process_time()
        assert {item.code for item in judged(data).errors} == set()
        return process_time() - begun

    chain(50)
    assert chain(4_000) < 40 * max(chain(400), 0.02)
