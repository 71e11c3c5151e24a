"""`dagwright policy test | explain | schema`: policies that are known to say what they should."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagwright.exceptions import InputError
from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from dagwright.label import Label

app = typer.Typer(
    no_args_is_help=True,
    help="""Policies: test them, explain what they say of a call, give their JSON Schema.

    \b
    Examples:
      dagwright policy test careful.test.yaml
      dagwright policy test careful.test.yaml --mutants        also: is every rule tested?
      dagwright policy explain files.write_text --policy careful.yaml --arguments '{"path": "a.md", "text": "x"}'
      dagwright policy schema > policy.schema.json
    """,
)


@app.command("test")
def compare(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of policy tests, in YAML.")],
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Invert each rule in turn; some case must notice it.")
    ] = False,
    json: Json = False,
) -> None:
    """Compares what policies say of calls with what is expected; exit 1 if a case fails."""
    results = [_tested(path, mutants=mutants) for path in files]
    failed = any(result["failures"] or result["survivors"] for result in results)
    if json:
        put_json({"passed": not failed, "files": results})
    else:
        for result in results:
            _put_result(result)
    raise typer.Exit(1 if failed else 0)


def _tested(path: Path, *, mutants: bool) -> dict[str, Any]:
    from orchestrator.policy_test import open_test
    from validation import policy_test

    opened = open_test(path)
    cases, policy, catalogue = opened.test.cases, opened.policy, opened.catalogue
    judged = [(case.name, policy_test.verdict(case, policy, catalogue).failure(case)) for case in cases]
    failures = {name: failure for name, failure in judged if failure}
    looked = mutants and not failures
    survivors = list(policy_test.survivors(cases, policy, catalogue)) if looked else []
    count = len(list(policy_test.mutants(policy))) if looked else 0
    body: dict[str, Any] = {"file": str(path), "cases": len(cases), "failures": failures}
    return {**body, "mutants": count, "survivors": survivors}


def _put_result(result: dict[str, Any]) -> None:
    for name, failure in result["failures"].items():
        put(f"✗ {name}: {failure}")
    for change in result["survivors"]:
        put(f"✗ no case notices that {change}")
    passed = result["cases"] - len(result["failures"])
    noticed = f", {result['mutants'] - len(result['survivors'])} of {result['mutants']} mutants noticed"
    put(f"{result['file']}: {passed} of {result['cases']} cases pass{noticed if result['mutants'] else ''}")


@app.command()
def explain(
    call: Annotated[str, typer.Argument(metavar="OPERATION", help="The operation, `tool.operation`.")],
    arguments: Annotated[str, typer.Option("--arguments", metavar="JSON", help="Its constant arguments.")] = "{}",
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="NAME=LABEL",
            help="An argument that comes from data: untrusted, tenant, secret or public.",
        ),
    ] = None,
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    json: Json = False,
) -> None:
    """Says what a policy says of one call, which rule decides, and why; exit 1 if it is denied."""
    from orchestrator.assembly import open_catalogue, open_policy
    from validation.policy_test import Case, verdict

    known = open_catalogue(catalogue or (), to_run=False)
    if known.get(call) is None:
        raise InputError(f"catalogue {known.name!r} has no operation {call!r}; dagwright tools list shows them")
    labels = dict(_labelled(item) for item in data or ())
    case = Case(name=call, call=call, arguments=_object(arguments), data=labels, expected="allow")
    found = verdict(case, open_policy(policy), known)
    if json:
        put_json({"call": call, "action": found.action, "why": list(found.why), "problems": list(found.problems)})
    else:
        put(found.action)
        for line in found.why:
            put(f"  {line}")
        for line in found.problems:
            put(f"  beside that: {line}")
    raise typer.Exit(1 if found.action == "deny" else 0)


@app.command()
def schema(json: Json = False) -> None:
    """Prints the JSON Schema of policy files, for editors."""
    from dagwright.schemas import schemas

    put_json(schemas()["Policy"])


def _object(text: str) -> dict[str, Any]:
    try:
        found: Any = jsonlib.loads(text)
    except ValueError as error:
        raise InputError(f"--arguments is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError('--arguments must be a JSON object: \'{"name": "value"}\'')
    return found  # pyright: ignore[reportUnknownVariableType]


def _labelled(item: str) -> tuple[str, Label]:
    from dagwright.label import Label

    labels = {
        "untrusted": Label(integrity="untrusted"),
        "tenant": Label(integrity="untrusted", confidentiality="tenant"),
        "secret": Label(integrity="untrusted", confidentiality="secret"),
        "public": Label(integrity="trusted"),
    }
    name, equals, word = item.partition("=")
    if not equals or word not in labels:
        raise InputError(f"--data {item!r} is not NAME=LABEL; labels are: {', '.join(labels)}")
    return name, labels[word]
