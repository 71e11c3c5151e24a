"""The proposals that `bench validate` measures are valid, of the size asked for and the same for one seed."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.validate import proposal_of, score
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
