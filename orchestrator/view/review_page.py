"""A `Review` as one HTML page: no script, no network, light and dark, readable by keyboard and aloud."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files

from dagwright.finding import Finding
from dagwright.label import Label
from orchestrator.view.blocks import called
from orchestrator.view.estimate import span
from orchestrator.view.markup import text
from orchestrator.view.review import Argument, Review, ReviewBlock, ReviewStep
from orchestrator.view.review_graph import graph

SIGNS = {"error": "✗", "warning": "!", "info": "·"}
VERDICTS = {
    "rejected": "Rejected: it will not run.",
    "needs approval": "Valid. It waits for a person's approval.",
    "ready": "Valid. Nothing is left to approve.",
}


def page(review: Review) -> str:
    """Gives the page; the same for the same review, byte for byte."""
    style = files("orchestrator.view").joinpath("review.css").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = (_head(review), _effects(review), _findings(review), _picture(review), _steps(review), _ends(review))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>Plan: {text(review.verdict)}</title><style>{style}</style></head>\n"
        '<body><a class="skip" href="#steps">Skip to the steps</a><main>\n'
        + "\n".join(filter(None, parts))
        + "\n</main></body></html>\n"
    )


def _head(review: Review) -> str:
    counts = Counter(step.effect or "unknown" for step in review.steps)
    effects = ", ".join(f"{counts[effect]} {effect}" for effect in counts)
    kind = {"rejected": "wrong", "needs approval": "asked", "ready": "fine"}[review.verdict]
    return (
        f"<header><h1>{text(review.goal or 'A proposal without a goal')}</h1>"
        f'<p class="verdict {kind}" role="status">{text(VERDICTS[review.verdict])}</p>'
        f"<p>{len(review.tasks)} tasks, {len(review.steps)} steps{f': {text(effects)}' if effects else ''}.</p>"
        f"{_bounds(review)}</header>"
    )


def _bounds(review: Review) -> str:
    bounds = review.bounds
    if bounds is None:
        return ""
    rows = (
        ("Calls", span(bounds.calls, 0)),
        ("Cost, US dollars", span(bounds.cost, 4)),
        ("Time, seconds", span(bounds.makespan)),
        ("Tokens of answers", span(bounds.tokens, 0)),
        ("Steps at a time", span(bounds.concurrency, 0)),
        ("Bytes of a call", span(bounds.payload, 0)),
    )
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{'unknown' if value == '?' else value}</dd></div>" for name, value in rows
    )
    return f'<dl class="bounds" aria-label="Bounds, retries included">{cells}</dl>'


def _effects(review: Review) -> str:
    acting = [(index, step) for index, step in enumerate(review.steps) if step.effect != "read"]
    if not acting:
        return (
            "<section><h2>What it changes</h2><p>Nothing: every step only reads.</p></section>" if review.steps else ""
        )
    items = "".join(
        f'<li><a href="#step-{index}">{text(step.step_id)}</a> <span class="effect {step.effect or "unknown"}">'
        f"{text(step.effect or 'unknown operation')}</span> {text(step.operation)}"
        f"{_often(step)}{_places(step)}{_asked(step)}{_fallbacks(step)}{_with(step)}</li>"
        for index, step in acting
    )
    return f"<section><h2>What it changes</h2><ul>{items}</ul></section>"


def _with(step: ReviewStep) -> str:
    """Gives the arguments in short, those that decide where something goes, or what is done, first."""
    ordered = sorted(step.arguments, key=lambda argument: argument.role == "data")
    shown = "".join(
        f"<br>{text(argument.name)} = <code>{text(argument.value)}</code>{_role(argument)}" for argument in ordered
    )
    return f'<div class="with">{shown.removeprefix("<br>")}</div>' if shown else ""


def _fallbacks(step: ReviewStep) -> str:
    """Gives what is called where the operation is down: who approves the step approves that, too."""
    if not step.fallbacks:
        return ""
    return f'<div class="fallbacks">Where that is down: {text(", then ".join(step.fallbacks))}</div>'


def _often(step: ReviewStep) -> str:
    return f" <strong>{text(step.often)}</strong>" if step.runs_again else ""


def _places(step: ReviewStep) -> str:
    return f' <span class="places">{text(", ".join(step.places))}</span>' if step.places else ""


def _asked(step: ReviewStep) -> str:
    return " <strong>needs approval</strong>" if any(finding.needs_approval for finding in step.findings) else ""


def _findings(review: Review) -> str:
    order = {"error": 0, "warning": 1, "info": 2}
    found = sorted(review.report.findings, key=lambda finding: order[finding.severity])
    passed = f"<p>{len(review.report.checks_passed)} checks passed.</p>"
    numbers = {step.step_id: index for index, step in enumerate(review.steps)}
    numbers |= {name: numbers[block.first] for block in review.blocks for name in block.controls}
    rows = "".join(_finding(finding, numbers) for finding in found)
    table = (
        '<table><thead><tr><th scope="col">Code</th><th scope="col">Where</th><th scope="col">What</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    return f"<section><h2>Findings</h2>{table if found else ''}{passed}</section>"


def _finding(finding: Finding, numbers: dict[str, int]) -> str:
    step = finding.step_id or ""
    where = (
        f'<a href="#step-{numbers[step]}">{text(called(step))}</a>' if step in numbers else text(finding.task_id or "")
    )
    fix = f'<br><span class="fix">{text(finding.suggested_fix)}</span>' if finding.suggested_fix else ""
    return (
        f'<tr class="{finding.severity}"><th scope="row">{SIGNS[finding.severity]} {text(finding.code)} '
        f'<span class="severity">{finding.severity}</span></th>'
        f"<td>{where}<br><code>{text(finding.path or '/')}</code></td><td>{text(finding.message)}{fix}</td></tr>"
    )


def _picture(review: Review) -> str:
    drawn = graph(review)
    if not drawn:
        return ""
    legend = (
        '<p class="legend"><span class="key trusted">trusted data</span> <span class="key untrusted">untrusted data'
        '</span> <span class="key secret">confidential data</span> <span class="key order">waits for</span></p>'
    )
    scroll = '<div class="scroll" tabindex="0" role="region" aria-label="Data flow, can be scrolled">'
    return f"<section><h2>Data flow</h2>{legend}{scroll}{drawn}</div></section>"


def _steps(review: Review) -> str:
    described = {task.task_id: task for task in review.tasks}
    blocks = {block.task_id: block for block in review.blocks}
    parts: list[str] = []
    last = None
    for index, step in enumerate(review.steps):
        if step.task_id != last:
            task, last = described.get(step.task_id), step.task_id
            after = f" <small>after {text(', '.join(task.dependencies))}</small>" if task and task.dependencies else ""
            parts.append(f"<h3>{text(step.task_id)}: {text(task.description if task else '')}{after}</h3>")
            parts.append(_block(blocks.get(step.task_id)))
        parts.append(_step(index, step))
    empty = [task for task in review.tasks if task.task_id not in {step.task_id for step in review.steps}]
    parts += [f"<h3>{text(task.task_id)}: {text(task.description)}</h3><p>No step.</p>" for task in empty]
    return f'<section id="steps" tabindex="-1"><h2>Steps</h2>{"".join(parts)}</section>' if parts else ""


def _block(block: ReviewBlock | None) -> str:
    """Gives what surrounds a task's steps, with what decides about it."""
    if block is None:
        return ""
    return f'<div class="block"><p>{text(block.words)}</p>{_arguments(block.arguments, "Decided by")}</div>'


def _step(index: int, step: ReviewStep) -> str:
    facts = [f"outputs are {_label(step.label)}"]
    facts += [f"{text(', '.join(step.checks))} checked while running"] if step.checks else []
    facts += [f"undone by: {text(step.rollback)}"] if step.rollback != "none" else []
    effect = step.effect or "unknown"
    marks = "".join(
        f' <span class="mark {f.severity}" title="{text(f.message)}">{SIGNS[f.severity]} {text(f.code)}</span>'
        for f in step.findings
    )
    return (
        f'<article id="step-{index}" tabindex="-1"><h4>{text(step.step_id)} <code>{text(step.operation)}</code> '
        f'<span class="effect {effect}">{effect}</span>{_often(step)}{marks}{_asked(step)}</h4>'
        f"<p>{text(step.action)}</p>{_fallbacks(step)}"
        f'{_arguments(step.arguments)}<p class="facts">{"; ".join(facts)}{_places(step)}</p></article>'
    )


def _arguments(arguments: Iterable[Argument], name: str = "Argument") -> str:
    rows = "".join(
        f'<tr><th scope="row">{text(argument.name)}{_role(argument)}</th>'
        f"<td><code>{text(argument.value)}</code></td><td>{_label(argument.label)}</td></tr>"
        for argument in arguments
    )
    head = f'<tr><th scope="col">{name}</th><th scope="col">Value</th><th scope="col">Label</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""


def _role(argument: Argument) -> str:
    return f' <span class="role">{argument.role}</span>' if argument.role != "data" else ""


def _label(label: Label) -> str:
    readers = f", for {text(', '.join(label.readers))} only" if label.readers is not None else ""
    kind = f"{label.integrity} {label.confidentiality}"
    return f'<span class="label {kind}">{label.integrity}, {label.confidentiality}{readers}</span>'


def _ends(review: Review) -> str:
    inputs = "".join(
        f'<tr><th scope="row">{text(name)}</th><td><code>{text(value)}</code></td><td>{_label(label)}</td></tr>'
        for name, value, label in review.inputs
    )
    head = '<tr><th scope="col">Input</th><th scope="col">Value</th><th scope="col">Label</th></tr>'
    given = f"<section><h2>Inputs</h2><table><thead>{head}</thead><tbody>{inputs}</tbody></table></section>"
    answer = f"<section><h2>Answer</h2>{_arguments(review.answer)}</section>"
    identity = "".join(
        f"<div><dt>{text(word)}</dt><dd><code>{text(value)}</code></dd></div>" for word, value in review.identity
    )
    return (
        f"{given if inputs else ''}{answer if review.answer else ''}"
        f'<footer><h2>What was judged</h2><dl class="identity">{identity}</dl></footer>'
    )
