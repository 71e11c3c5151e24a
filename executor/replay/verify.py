"""`verify`: whether an archive is what was written, byte for byte, and proves what it claims."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import JsonValue

from dagwright.canonical import Sha256, canonical_json, sha256, sha256_bytes
from dagwright.event import GENESIS, Event, EventKind
from dagwright.exceptions import DagwrightError
from dagwright.goal import Goal
from executor.archive.archive import Archive
from executor.archive.recertify import recertified
from executor.ledger.ledger import Ledger, ledger_of

MAX_PROBLEMS = 100
"""Problems listed at most."""


NAMED: dict[EventKind, tuple[str, ...]] = {
    "goal": ("goal",),
    "llm.exchange": ("request", "reply"),
    "proposal": ("proposal",),
    "program": ("proposal", "catalogue", "policy"),
    "workflow": ("workflow",),
    "task.completed": ("output",),
    "effect.intended": ("arguments",),
    "effect.done": ("output",),
    "effect.settled": ("output",),
}
"""Members of an event's body that are hashes of artefacts, by its kind."""


def verify(
    archive: Archive, *, recertify: Callable[[Archive, Event], Sha256] = recertified, head: Sha256 = ""
) -> tuple[str, ...]:
    """Gives all problems of an archive, the first `MAX_PROBLEMS`; none for one that is whole.

    Checks the chain of events and that it ends where the archive says, each artefact's hash, that
    no event names a missing artefact, the ledger against the events, the goal's files and those
    that steps wrote against the hashes that the archive has of them, and that certifying each
    archived proposal again gives the same program. Whoever can write may also make a whole new
    archive: `head`, the hash of the last event as it was noted elsewhere, excludes that.
    """
    problems: list[str] = []
    if head and head != archive.head:
        problems.append(f"the history ends with event {archive.head}, not with {head}")
    for check in (_database, _chain, _artefacts, _references, _ledger, _files):
        for problem in _guarded(check, archive):
            problems.append(problem)
            if len(problems) >= MAX_PROBLEMS:
                return tuple(problems)
    if not problems:
        problems.extend(_programs(archive, recertify))
    return tuple(problems)


def _guarded(check: Callable[[Archive], Iterator[str]], archive: Archive) -> Iterator[str]:
    try:
        yield from check(archive)
    except (DagwrightError, KeyError, TypeError, ValueError) as error:
        yield f"{check.__name__.strip('_')} cannot be checked: {error}"


def _database(archive: Archive) -> Iterator[str]:
    for (line,) in archive.rows("PRAGMA integrity_check(10)"):
        if line != "ok":
            yield f"the database is damaged: {line}"


def _chain(archive: Archive) -> Iterator[str]:
    previous, expected = GENESIS, 0
    for seq, time, kind, text, prev, digest in archive.rows(
        "SELECT seq, time, kind, CAST(body AS BLOB), prev, hash FROM event ORDER BY seq"
    ):
        if seq != expected:
            yield f"event {expected} is missing; the next is {seq}"
        if prev != previous:
            yield f"event {seq} does not follow event {seq - 1}: its `prev` is another hash"
        try:
            body = json.loads(text)
            plain: dict[str, Any] = {"seq": seq, "time": time, "run": archive.run, "kind": kind, "body": body}
            same = canonical_json(body) == text and sha256({**plain, "prev": prev}) == digest
        except ValueError:
            same = False
        if not same:
            yield f"event {seq} ({kind}) is not what was written: its content has another hash"
        previous, expected = digest, seq + 1
    if archive.stated_head != previous:
        yield "the history does not end where the archive says: its last event is not the one that was written last"


def _artefacts(archive: Archive) -> Iterator[str]:
    for (name,) in archive.rows("SELECT sha256 FROM artefact ORDER BY sha256"):
        ((data,),) = archive.rows("SELECT CAST(data AS BLOB) FROM artefact WHERE sha256 = ?", (name,))
        if sha256_bytes(data) != name:
            yield f"artefact {name} is not what was written: its bytes have another hash"


def _references(archive: Archive) -> Iterator[str]:
    known = {name for (name,) in archive.rows("SELECT sha256 FROM artefact")}
    for event in archive.events():
        body = event.body if isinstance(event.body, dict) else {}
        for field in NAMED.get(event.kind, ()):
            if body.get(field) is not None and body[field] not in known:
                yield f"event {event.seq} ({event.kind}) names an artefact that is missing: {body[field]}"


def _ledger(archive: Archive) -> Iterator[str]:
    stated, derived = Ledger(archive).entries(), ledger_of(archive)
    if stated != derived:
        different = {entry.key for entry in set(stated) ^ set(derived)}
        yield f"the ledger does not say what the events say about {sorted(different)[:5]}"


def _files(archive: Archive) -> Iterator[str]:
    expected: dict[str, str] = {}
    for event in archive.events():
        body = event.body if isinstance(event.body, dict) else {}
        if event.kind == "goal" and body.get("goal"):
            goal = Goal.model_validate(archive.get(str(body["goal"])))
            expected.update(described_files({name: given.value for name, given in goal.inputs.items()}))
        elif event.kind == "task.completed" and body.get("output"):
            expected.update(described_files(archive.get(str(body["output"]))))
        elif event.kind == "outcome":  # also what a tool wrote without telling of it
            left = body.get("digests")
            expected.update(
                {f"files/{name}": str(found) for name, found in left.items()} if isinstance(left, dict) else {}
            )
    root = archive.folder.resolve()
    for name, digest in sorted(expected.items()):
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            yield f"file {name!r} is missing"
        elif sha256_bytes(path.read_bytes()) != digest:
            yield f"file {name!r} is not what was recorded: its bytes have another hash"


def described_files(outputs: JsonValue) -> Iterator[tuple[str, str]]:
    """Gives path and hash of each named output that describes a file."""
    for value in outputs.values() if isinstance(outputs, dict) else ():
        if isinstance(value, dict) and {"path", "sha256", "bytes", "media_type"} == set(value):
            yield str(value["path"]), str(value["sha256"])


def _programs(archive: Archive, recertify: Callable[[Archive, Event], Sha256]) -> Iterator[str]:
    for event in archive.events("program"):
        body = event.body if isinstance(event.body, dict) else {}
        try:
            found = recertify(archive, event)
        except DagwrightError as error:
            yield f"the proposal of event {event.seq} cannot be certified again: {error}"
            continue
        if found != body.get("program"):
            yield f"certifying the proposal of event {event.seq} again gives program {found}, not {body.get('program')}"
