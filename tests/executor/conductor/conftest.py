"""A real Conductor server for the tests that are marked so, started once and stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.conductor.server import down, up


@pytest.fixture(scope="session")
def conductor_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("conductor")
    try:
        found = up(lambda done, total, what: None, port=18110, home=home)
        assert found.url is not None
        yield found.url
    finally:
        down(home)
