"""Documents that a person names: what is wrong is said of what they named, with what would be right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import CatalogueError, DagwrightError, InputError, Unreachable
from knowledge import import_openapi
from orchestrator.fetching import fetched

SHOP = {"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "paths": {"/a": {"get": {"responses": {}}}}}

DEAD: dict[str, tuple[str, type[DagwrightError], str]] = {
    "nobody listens": (
        "http://127.0.0.1:1/openapi.json",
        Unreachable,
        r"the server at 127.0.0.1:1 is not reachable: 'http://127.0.0.1:1/openapi.json': .*refused\. "
        r"Check the address, or save the document and name its file\.",
    ),
    "no such host": ("http://nowhere.invalid/x.json", Unreachable, r"the server at nowhere.invalid is not reachable"),
    "no host": ("http://", InputError, r"'http://' is not a URL like https://HOST/openapi.json"),
    "broken host": ("http://[x/y", InputError, r"is not a URL like"),
    "another protocol": ("ftp://x/y", InputError, r"'ftp://x/y' is not a URL like https"),
    "no file": ("nowhere.yaml", InputError, r"there is no file 'nowhere.yaml'; name a file, an http\(s\) URL, or"),
}


@pytest.mark.parametrize(("source", "error", "says"), DEAD.values(), ids=DEAD)
def test_a_source_that_leads_to_nothing(source: str, error: type[DagwrightError], says: str) -> None:
    with pytest.raises(error, match=says), fetched(source):
        pass


def test_what_a_server_gives_is_read_and_faults_are_those_of_the_url(served: Any) -> None:
    bodies = {"/shop.json": json.dumps(SHOP), "/page": "<html>", "/list.json": "[1]", "/cut.json": '{"a":'}

    def answer(method: str, path: str) -> tuple[int, str]:
        return (200, bodies[path]) if path in bodies else (404, "{}")

    with served(answer) as url:
        with fetched(f"{url}/shop.json") as path:
            assert json.loads(path.read_text()) == SHOP
        for path, error in (("/page", CatalogueError), ("/list.json", CatalogueError), ("/cut.json", InputError)):
            with pytest.raises(error, match=f"'{url}{path}'"), fetched(f"{url}{path}") as copy:
                import_openapi(copy, name="shop")
        with pytest.raises(InputError, match=rf"'{url}/no' holds no document: the server answers with 404\. Check"):
            fetched(f"{url}/no").__enter__()


def test_conductor_is_the_server_in_use(served: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(method: str, path: str) -> tuple[int, str]:
        asked.append(path)
        return 200, json.dumps(SHOP)

    with served(answer) as url:
        monkeypatch.setenv("CONDUCTOR_SERVER_URL", f"{url}/api")
        with fetched("conductor") as path:
            assert json.loads(path.read_text()) == SHOP
    assert asked == ["/api-docs"]


def test_without_a_server_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_SERVER_URL", "http://127.0.0.1:1/api")
    with pytest.raises(Unreachable, match="dagwright conductor up"), fetched("conductor"):
        pass
