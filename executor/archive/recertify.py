"""From an archive back to a program: certify the archived proposal again, never load a program."""

from __future__ import annotations

from datetime import date
from typing import Any, cast, get_args

from dagwright.canonical import Sha256
from dagwright.catalogue import Catalogue
from dagwright.event import Event
from dagwright.exceptions import ArchiveError
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.proposal import Proposal
from dagwright.tool import BindingKind
from executor.archive.archive import Archive
from validation.rules import OwnRule

ALL_KINDS = frozenset[BindingKind](get_args(BindingKind))
"""Which workers there were is no part of a certificate."""


def program_of(archive: Archive, event: Event, rules: tuple[OwnRule, ...] = ()) -> Program:
    """Gives the program that a `program` event records, certified anew.

    Args:
        archive: of the run.
        event: of kind `program`.
        rules: rules of your own; those that its certificate names are obeyed again.

    Raises:
        ArchiveError: something that it takes is missing or damaged, rules of your own included.
        ProposalRejected: it does not hold.
    """
    from validation import certify

    body = cast("dict[str, Any]", event.body)
    try:
        proposal = Proposal.model_validate(archive.get(body["proposal"]))
        catalogue = Catalogue.model_validate(archive.get(body["catalogue"]))
        policy = Policy.model_validate(archive.get(body["policy"]))
        at = date.fromisoformat(body["at"]) if body.get("at") else None
        named: dict[str, Sha256] = body.get("certificate", {}).get("rules") or {}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"event {event.seq} does not record a program: {error}") from error
    own = tuple(rule for rule in rules if named.get(rule.code) == rule.source)
    if missing := sorted(named.keys() - {rule.code for rule in own}):
        raise ArchiveError(
            f"the program of event {event.seq} was certified with rules that are not here as they were: "
            f"{', '.join(missing)}; name their files with --rules"
        )
    return certify(proposal, catalogue=catalogue, policy=policy, workers=ALL_KINDS, at=at, rules=own)


def recertified(archive: Archive, event: Event, rules: tuple[OwnRule, ...] = ()) -> Sha256:
    """Gives the hash of the program that a `program` event records. Errors as for `program_of`."""
    return program_of(archive, event, rules).hash
