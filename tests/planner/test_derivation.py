"""What can be derived is derived: dependencies, descriptions, names of answers."""

from __future__ import annotations

from dagwright.decomposition import ToolIntent
from dagwright.value import LiteralValue, StepReference, Value
from executor.toolchest import default_catalogue
from planner.derivation import Draft, answer_names, plan_of, step_of

CATALOGUE = default_catalogue()


def draft(step: str, operation: str, **arguments: Value) -> Draft:
    tool, _, name = operation.partition(".")
    intent = ToolIntent(tool_name=tool, operation=name, required_inputs=arguments)
    return Draft(step_id=step, intent=intent, spec=CATALOGUE.by_name[operation], evidence=(f"tool:{operation}",))


def of(step: str) -> StepReference:
    return StepReference.model_validate({"from": step, "path": "/table"})


SORT = draft("s1", "data.sort_rows", table=of("load"), column=LiteralValue(literal="pay"))
TOP = draft("s2", "data.top_rows", table=of("s1"), n=LiteralValue(literal=3))
OUT = draft("s3", "data.write_csv", table=of("s1"), path=LiteralValue(literal="a.csv"))
AGAIN = draft("s4", "data.write_csv", table=of("s2"), path=LiteralValue(literal="a.csv"))


def test_dependencies_follow_from_references() -> None:
    plan = plan_of("g", [SORT, TOP, OUT], at=None)
    assert [task.dependencies for task in plan.nodes] == [("t_load",), ("t_s1",), ("t_s1",)]


def test_two_writers_of_one_file_are_ordered() -> None:
    plan = plan_of("g", [SORT, TOP, OUT, AGAIN], at=None)
    assert plan.nodes[-1].dependencies == ("t_s2", "t_s3")


def test_a_step_refers_to_the_documents_that_were_shown() -> None:
    assert step_of(SORT).documentation_references == ("tool:data.sort_rows",)


def test_a_description_says_what_and_with_what() -> None:
    assert step_of(SORT).action == 'sort rows (table of load, column "pay")'


def test_answers_have_names_of_their_own() -> None:
    named = answer_names([(of("s1"), SORT), (of("s2"), TOP), (of("s1"), SORT)])
    assert list(named) == ["sort_rows_pay", "top_rows", "sort_rows_pay_2"]
