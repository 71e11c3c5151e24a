"""`bench aws`: proposals made from AWS's documented calls, valid ones and mutated ones.

A false positive is a valid proposal that is rejected: botocore's own validator accepts its calls, and
nothing in them contradicts the service model. A false negative is a mutated proposal whose report lacks
a code that its mutation must cause. Services up to `c` are the development slice: operators and schemas
were written with them; `…_held_out` leaves them out.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from random import Random

from pydantic import JsonValue

from benchmarks.aws_catalogue import catalogue_for
from benchmarks.aws_models import Example, Service, load_services
from benchmarks.aws_oracle import Botocore, beyond_botocore
from benchmarks.aws_proposals import Built, chain, single
from benchmarks.mutants import Tally, Trials, missed_by_level, missed_by_operator, misses, totals
from benchmarks.mutation import OPERATORS, Draft
from benchmarks.packages import open_data
from benchmarks.statistics import Metric, share
from benchmarks.suite import Options, Progress, Record
from dagwright.catalogue import Catalogue
from dagwright.exceptions import InputError
from dagwright.policy import Policy, Rule

WORKERS = frozenset(("http", "python", "llm", "human"))
POLICY = Policy(
    name="aws", rules=(Rule(tools="*", action="allow", reason="measured"),), allowed_hosts=("*.amazonaws.com",)
)
"""Everything that is documented may be called."""

_LAST_OF_DEVELOPMENT = "c"
_ENUMS = ("value_not_allowed", "value_in_other_case")


def is_development(service: str) -> bool:
    """Whether a service is in the development slice."""
    return service[0] <= _LAST_OF_DEVELOPMENT


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives a record per valid proposal, and one per service of its mutants; `limit` holds for each service."""
    with open_data("aws") as wheel, Botocore() as botocore:
        services = list(load_services(wheel))
        chosen = _chosen(services, options.sets)
        for number, service in enumerate(chosen, start=1):
            if service.name in options.skip:
                continue
            records = list(_measured(service, botocore, options))
            yield from (record for record in records if record["item"] not in options.skip)
            rejected = sum(record.get("accepted") is False for record in records)
            missed = misses(totals(records))
            told = f"{service.name}: {len(records) - 1} proposals, {rejected} rejected"
            on_progress(number, len(chosen), f"{told}, missed {missed.value if missed else 0:.4f} of mutants")


def _chosen(services: Sequence[Service], sets: tuple[str, ...]) -> list[Service]:
    names = {service.name for service in services}
    unknown = [name for name in sets if name not in names | {"development"}]
    if unknown:
        raise InputError(f"there is no service {unknown[0]!r}; there are 'development' and {', '.join(sorted(names))}")
    wanted = {name for name in names if not sets or name in sets or ("development" in sets and is_development(name))}
    return [service for service in services if service.name in wanted]


def _measured(service: Service, botocore: Botocore, options: Options) -> Iterator[Record]:
    catalogue = catalogue_for(service)
    examples = service.examples[: options.limit]
    refused = dict(zip((one.item for one in examples), _refusals(service, botocore, examples), strict=True))
    trials = Trials()
    valid = [one for one in examples if not refused[one.item] and not _beyond(service, one)]
    for example in examples:
        made = [single(service, example)]
        if example in valid:
            joined = chain(service, example, valid, Random(f"{options.seed}/{example.item}"))
            made += [joined] if joined else []
        for built in made:
            record = _judged(service, built, catalogue, refused[example.item])
            if record["accepted"] and not record["botocore"] and not record["beyond"]:
                draft = _draft(built, catalogue)
                trials.attempt(built.item, draft, seed=options.seed, single=len(built.examples) == 1)
            yield record
    trials.ask(lambda calls: [bool(verdict) for verdict in botocore.judged(service, calls)])
    yield {"item": service.name, "kind": "mutants", "development": is_development(service.name), **trials.record()}


def _refusals(service: Service, botocore: Botocore, examples: Sequence[Example]) -> list[str]:
    return botocore.judged(service, [(one.operation, one.parameters) for one in examples])


def _beyond(service: Service, example: Example) -> list[str]:
    return beyond_botocore(service, example.operation, example.parameters)


def _judged(service: Service, built: Built, catalogue: Catalogue, refusal: str) -> Record:
    report = _draft(built, catalogue).report()
    beyond = [f"{one.operation} {place}" for one in built.examples for place in _beyond(service, one)]
    return {
        "item": built.item,
        "kind": "single" if len(built.examples) == 1 else "chain",
        "development": is_development(service.name),
        "steps": len(built.examples),
        "botocore": len(refusal.splitlines()),
        "beyond": list(beyond),
        "accepted": report.is_valid,
        "codes": [*sorted({finding.code for finding in report.findings})],
    }


def _draft(built: Built, catalogue: Catalogue) -> Draft:
    return Draft(proposal=built.proposal, catalogue=catalogue, policy=POLICY, workers=WORKERS, random=Random(0))


# --------------------------------------------------------------------------------------- figures


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives false negatives and positives, all and of the held-out services; then by level and by operator."""
    del seed
    tallies = totals(records)
    found: dict[str, Metric] = {}
    for suffix, part in (("", records), ("_held_out", [one for one in records if not one["development"]])):
        for name, metric in (
            ("false_negative_rate", misses(totals(part))),
            ("false_positive_rate", _rejected(part, wrong=False)),
        ):
            if metric is not None:
                found[f"{name}{suffix}"] = metric
    errors = _rejected(records, wrong=True)
    if errors is not None:
        found["documentation_errors_rejected"] = errors
    found |= _compared(tallies)
    return {**found, **dict(missed_by_level(tallies)), **dict(missed_by_operator(tallies))}


def _rejected(records: Sequence[Mapping[str, JsonValue]], *, wrong: bool) -> Metric | None:
    """Gives the share rejected among documented calls with (or without) an error."""
    listed = [one for one in records if one["kind"] != "mutants" and bool(one["botocore"] or one["beyond"]) == wrong]
    return share(sum(not one["accepted"] for one in listed), len(listed)) if listed else None


def _compared(tallies: Mapping[str, Tally]) -> dict[str, Metric]:
    """Gives what botocore refuses and we accept, and bad allowed values, which botocore does not look at."""
    found: dict[str, Metric] = {}
    refused = sum(tally.refused for tally in tallies.values())
    if refused:
        found["missed_of_botocore"] = share(refused - sum(t.refused_found for t in tallies.values()), refused)
    of_arguments = [tallies[op.name] for op in OPERATORS if op.of_arguments and op.name in tallies]
    enums = {name: tallies[name] for name in _ENUMS if name in tallies}
    bad = misses(enums)
    if bad is not None and of_arguments:
        found["bad_enums_found"] = share(sum(tally.found for tally in enums.values()), bad.n)
        found["bad_enums_botocore_refuses"] = share(sum(tally.refused for tally in enums.values()), bad.n)
    return found
