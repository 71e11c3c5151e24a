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
from executor.archive import Archive

ALL_KINDS = frozenset[BindingKind](get_args(BindingKind))
"""Which workers there were is no part of a certificate."""


def program_of(archive: Archive, event: Event) -> Program:
    """Gives the program that a `program` event records, certified anew.

    Raises:
        ArchiveError: something that it takes is missing or damaged.
        ProposalRejected: it does not hold.
    """
    from validation import certify

    body = cast("dict[str, Any]", event.body)
    try:
        proposal = Proposal.model_validate(archive.get(body["proposal"]))
        catalogue = Catalogue.model_validate(archive.get(body["catalogue"]))
        policy = Policy.model_validate(archive.get(body["policy"]))
        at = date.fromisoformat(body["at"]) if body.get("at") else None
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"event {event.seq} does not record a program: {error}") from error
    return certify(proposal, catalogue=catalogue, policy=policy, workers=ALL_KINDS, at=at)


def recertified(archive: Archive, event: Event) -> Sha256:
    """Gives the hash of the program that a `program` event records. Errors as for `program_of`."""
    return program_of(archive, event).hash
