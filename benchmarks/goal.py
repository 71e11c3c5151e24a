"""`DemoGoal`: a wish over CSV files, with checks that say what a right answer holds."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from dagwright.exceptions import InputError
from dagwright.model import Frozen, Identifier

HERE = Path(__file__).parent
GOALS = HERE / "goals"
DATA = HERE / "data"

Cell = str | int | float | None


class NumberCheck(Frozen):
    """One value of the answer is this number; whole numbers exactly."""

    kind: Literal["number"] = "number"
    value: int | float
    winner: bool = False
    """Whether it names the first group of an ordered table (a month), as a word does."""


class WordCheck(Frozen):
    """One value of the answer is this word, capital letters or not."""

    kind: Literal["word"] = "word"
    value: str


class TableCheck(Frozen):
    """One table of the answer has exactly these rows; it may have more columns."""

    kind: Literal["table"] = "table"
    rows: tuple[tuple[Cell, ...], ...]
    ordered: bool = False
    """Whether the order of the rows counts."""


class FileCheck(Frozen):
    """A CSV file was written with these columns and exactly these rows; it may have more columns."""

    kind: Literal["file"] = "file"
    path: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    ordered: bool = False


class PictureCheck(Frozen):
    """A PNG picture was written."""

    kind: Literal["picture"] = "picture"
    path: str


class ReportCheck(Frozen):
    """A text was written that holds these words and numbers."""

    kind: Literal["report"] = "report"
    path: str
    mentions: tuple[str | int | float, ...]


Check = Annotated[
    NumberCheck | WordCheck | TableCheck | FileCheck | PictureCheck | ReportCheck, Field(discriminator="kind")
]


class DemoGoal(Frozen):
    """A goal with its known answer."""

    id: Identifier
    """Name of the goal and of its reference."""
    text: str
    """The wish."""
    inputs: dict[Identifier, str]
    """CSV files by the names that the goal's inputs get."""
    expected: tuple[Check, ...]
    """All must hold."""

    def files(self) -> dict[str, Path]:
        """Gives the paths of the inputs."""
        return {name: table_path(file) for name, file in self.inputs.items()}


def load_goals(part: str) -> tuple[DemoGoal, ...]:
    """Gives the goals of a set: `development`, `heldout` and so on, as the files in `goals/` are called.

    Raises:
        InputError: there is no such part, or its file is not a list of goals.
    """
    path = GOALS / f"{part}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in GOALS.glob("*.yaml")))
        raise InputError(f"there is no set {part!r} of demo goals; there are: {known}")
    try:
        return TypeAdapter(tuple[DemoGoal, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path.name} is not a list of goals: {error}") from error


def table_path(file: str) -> Path:
    """Gives the path of a CSV file: the penguins come with their package, all others are ours.

    Raises:
        InputError: it is not there.
    """
    path = DATA / file
    if file == "penguins.csv":
        spec = find_spec("palmerpenguins")
        if spec is None or spec.origin is None:
            raise InputError("the penguins are missing; get them with: pip install palmerpenguins")
        path = Path(spec.origin).parent / "data" / file
    if not path.is_file():
        raise InputError(f"the table {file!r} is missing; write it with: python benchmarks/data/generate.py")
    return path
