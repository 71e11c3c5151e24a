"""`bench bfcl-check`: BFCL's gold calls, mutated ones, and items in which no call should be made.

A gold item is a false positive where none of the calls that the suite accepts passes: of each argument
the first accepted value that the schema allows is taken. `first_listed_rejected` takes the first of all,
`rejected_without_contradiction` leaves out items whose gold calls contradict the functions on offer.
Passwords and keys come from inputs of the goal, because a plan must not hold secrets. A false negative
is a mutated gold call whose report lacks a code that its mutation must cause.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from pydantic import JsonValue

from benchmarks.bfcl_data import (
    LIVE,
    OFFLINE,
    TOOL,
    Item,
    accepted,
    contradictions,
    load_items,
    may_be_left_out,
    word_of,
)
from benchmarks.bfcl_unanswerable import unanswerable
from benchmarks.mutants import Trials, missed_by_operator, misses, totals
from benchmarks.mutation import OPERATORS, Draft
from benchmarks.mutation.operator import Json
from benchmarks.packages import open_data
from benchmarks.proposals import Call, arguments, proposal_of
from benchmarks.statistics import Metric, share
from benchmarks.suite import Options, Progress, Record
from dagwright.exceptions import InputError
from dagwright.finding import Report
from dagwright.policy import DEFAULT_POLICY

CATEGORIES = (*OFFLINE, *LIVE)
WORKERS = frozenset(("python",))

_OF_CALLS = tuple(operator for operator in OPERATORS if operator.level == "semantic")
_SECRET = re.compile(r"(.*_)?(password|api_?key|secret|(access_?)?token)", re.IGNORECASE)


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives a record per item, and per category one of its mutants; `limit` holds for each category."""
    wanted = _chosen(options.sets)
    with open_data("bfcl-check") as wheel:
        for number, category in enumerate(wanted, start=1):
            if category in options.skip:
                continue
            items = list(load_items(wheel, category))[: options.limit]
            records = list(_measured(category, items, options.seed))
            yield from (record for record in records if record["item"] not in options.skip)
            rejected = sum(record.get("accepted") is False for record in records)
            on_progress(number, len(wanted) + 1, f"{category}: {rejected} of {len(items)} gold items rejected")
        if not options.sets:
            records = list(unanswerable(wheel, options.limit))
            yield from (record for record in records if record["item"] not in options.skip)
            on_progress(len(wanted) + 1, len(wanted) + 1, f"{len(records)} items without a call")


def _chosen(sets: Sequence[str]) -> list[str]:
    unknown = [name for name in sets if name not in CATEGORIES]
    if unknown:
        raise InputError(f"there is no category {unknown[0]!r} with gold calls; there are: {', '.join(CATEGORIES)}")
    return [category for category in CATEGORIES if not sets or category in sets]


def _measured(category: str, items: Sequence[Item], seed: int) -> Iterator[Record]:
    trials = Trials(operators=_OF_CALLS)
    for item in items:
        draft, first = fitting(item)
        report = draft.report()
        if report.is_valid:
            trials.attempt(item.id, draft, seed=seed, single=False)
        yield {
            "item": item.id,
            "kind": "gold",
            "live": category in LIVE,
            "accepted": report.is_valid,
            "first": first.is_valid,
            "contradictions": [*contradictions(item)] if not report.is_valid else [],
            "codes": [*sorted({finding.code for finding in report.errors})],
        }
    yield {"item": category, "kind": "mutants", "live": category in LIVE, **trials.record()}


# ------------------------------------------------------------------------------------ gold calls


def fitting(item: Item) -> tuple[Draft, Report]:
    """Gives an item's gold calls with values that fit, where some do, and the report on the first-listed values."""
    options = [_options(item, name, given) for name, given in item.calls]
    chosen = [{argument: values[0] for argument, values in call.items()} for call in options]
    draft = draft_of(item, chosen)
    first = draft.report()
    errors = len(first.errors)
    for number, call in enumerate(options if errors else ()):
        for argument, values in call.items():
            for value in values[1:]:
                tried = [dict(one) for one in chosen]
                tried[number][argument] = value
                other = draft_of(item, tried)
                found = len(other.report().errors)
                if found < errors:
                    draft, chosen, errors = other, tried, found
    return draft, first


class LeftOut:
    """Stands for an argument that is not given."""


LEFT_OUT = LeftOut()


def _options(item: Item, name: str, given: Json) -> dict[str, list[Any]]:
    function = next(one for one in item.functions if one["name"] == name)
    required = set(function["parameters"].get("required", ()))
    found: dict[str, list[Any]] = {}
    for argument, values in given.items():
        listed = accepted(values, required=argument in required)
        optional = may_be_left_out(values) and argument not in required
        found[argument] = [*listed, LEFT_OUT] if optional or not listed else listed
    return found


def draft_of(item: Item, chosen: Sequence[Mapping[str, Any]]) -> Draft:
    """Gives the proposal that makes an item's calls with the chosen values."""
    calls: list[Call] = []
    inputs: Json = {}
    for number, ((name, _), values) in enumerate(zip(item.calls, chosen, strict=True), start=1):
        given = {argument: value for argument, value in values.items() if not isinstance(value, LeftOut)}
        secrets = [argument for argument, value in given.items() if _SECRET.fullmatch(argument) and value]
        inputs |= {f"s{number}_{word_of(a)}": {"value": given[a], "schema": {"const": given[a]}} for a in secrets}
        replaced: dict[tuple[str | int, ...], Json] = {(a,): {"input": f"s{number}_{word_of(a)}"} for a in secrets}
        step, operation = f"s{number}", f"{TOOL}.{word_of(name)}"
        calls.append(Call(step_id=step, task_id=f"t{number}", operation=operation, inputs=arguments(given, replaced)))
    proposal = proposal_of("bfcl", item.text or "Do it.", calls, inputs=inputs)
    proposal["answer"] = {call.step_id: {"from": call.step_id} for call in calls}
    return Draft(proposal=proposal, catalogue=item.catalogue, policy=DEFAULT_POLICY, workers=WORKERS, random=Random(0))


# --------------------------------------------------------------------------------------- figures


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives false negatives and positives, and what of the calls that should not be made is known."""
    del seed
    tallies = totals(records)
    found: dict[str, Metric] = {}
    missed = misses(tallies)
    if missed is not None:
        found["false_negative_rate"] = missed
    gold = [record for record in records if record["kind"] == "gold"]
    live = [record for record in gold if record["live"]]
    offline = [record for record in gold if not record["live"]]
    for suffix, part in (("", gold), ("_live", live), ("_offline", offline)):
        if part:
            found[f"false_positive_rate{suffix}"] = share(sum(not one["accepted"] for one in part), len(part))
            found[f"first_listed_rejected{suffix}"] = share(sum(not one["first"] for one in part), len(part))
    unexplained = sum(not one["accepted"] and not one["contradictions"] for one in gold)
    if gold:
        found["rejected_without_contradiction"] = share(unexplained, len(gold))
    for kind in ("miss_func", "miss_param", "irrelevance"):
        part = [record for record in records if record["kind"] == kind]
        if part:
            found[f"{kind}_rejected"] = share(sum(bool(one["rejected"]) for one in part), len(part))
            found[f"{kind}_not_knowable"] = share(sum(not one["knowable"] for one in part), len(part))
    return {**found, **dict(missed_by_operator(tallies))}
