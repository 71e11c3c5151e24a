"""The proposals that `bench validate` measures are valid, of the size asked for and the same for one seed."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.suite import Options
from benchmarks.validate import enlarged, run, score
from benchmarks.validate_proposals import proposal_of
from dagwright.policy import DEFAULT_POLICY
from executor.toolchest import default_catalogue
from validation import certify


@pytest.mark.parametrize("size", [1, 2, 10, 150])
def test_measured_proposals_are_valid(size: int) -> None:
    proposal = proposal_of(size, Random(size))
    program = certify(
        proposal,
        catalogue=default_catalogue(),
        policy=DEFAULT_POLICY,
        workers=frozenset(("python",)),
    )
    assert len(program.steps) == size
    assert program.report.findings == ()
    assert proposal == proposal_of(size, Random(size))


def test_growth_is_the_slope_of_the_logarithms() -> None:
    times = {10: 1.0, 1_000: 20.0, 10_000: 400.0}
    records = [{"steps": size, "ms": ms} for size, ms in times.items()]
    metrics = score(records)
    assert metrics["ms_1000"].value == 20
    assert metrics["growth_exponent"].value == pytest.approx(1.30103)


@pytest.mark.slow
def test_each_kind_of_record_is_scored() -> None:
    wanted = ("", "levels/", "catalogue/", "memory/", "calls/")
    every = {f"{kind}{size}/{repeat:02}" for kind in wanted for size in (10, 30, 100, 300, 1_000, 3_000, 10_000)
             for repeat in range(15)}  # fmt: skip
    some = {f"{kind}1000/00" for kind in wanted}
    records = list(run(Options(skip=frozenset(every - some)), lambda done, total, text: None))
    assert {record["item"] for record in records} == some
    assert {name.removesuffix("_1000") for name in score(records)} == {
        *("ms", "large_catalogue_ms", "peak_mb", "calls"),
        *(f"{level}_ms" for level in ("syntactic", "semantic", "dependency", "policy", "resource")),
    }


def test_the_large_catalogue_has_as_many_operations_as_said() -> None:
    found = enlarged(default_catalogue(), 1_000)
    assert len({spec.name for spec in found.tools}) == 1_000
