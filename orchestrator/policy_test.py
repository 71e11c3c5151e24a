"""Files of policy tests: read, with the policy and the catalogue that they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.exceptions import PolicyError
from dagwright.model import faults
from dagwright.policy import Policy
from orchestrator.assembly import open_catalogue, open_policy
from validation.policy_test import PolicyTest, operations_of


@dataclass(frozen=True, kw_only=True)
class OpenedTest:
    """A file of policy tests with all that it names."""

    test: PolicyTest
    policy: Policy
    catalogue: Catalogue


def open_test(path: Path) -> OpenedTest:
    """Reads a file of policy tests, in YAML or JSON.

    Raises:
        PolicyError: it cannot be read or is not one, or calls an operation that there is not.
        CatalogueError: a catalogue that it names is not one.
    """
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        test = PolicyTest.model_validate(data)
        made_up = tuple(operations_of(test.operations))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(f"policy test {str(path)!r} cannot be read: {error}") from error
    except ValidationError as error:
        lines = "".join(f"\n  {fault}" for fault in faults(error, PolicyTest))
        raise PolicyError(f"policy test {str(path)!r} is not one:{lines}") from error
    named = [_beside(path, name) for name in test.catalogues]
    known = open_catalogue(named, to_run=False).tools if named else ()
    catalogue = catalogue_of("tested", (*known, *made_up))
    for case in test.cases:
        if case.call not in catalogue.by_name:
            raise PolicyError(
                f"policy test {str(path)!r}: case {case.name!r} calls {case.call!r}; no catalogue that the test names "
                "has it, and it is not among its `operations`"
            )
    return OpenedTest(test=test, policy=open_policy(_beside(path, test.policy)), catalogue=catalogue)


def _beside(path: Path, name: str) -> str:
    """Gives a file's path relative to the test that names it; a pack's name stays."""
    return str(path.parent / name) if Path(name).suffix else name
