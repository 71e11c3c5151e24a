"""Proposals with blocks from the command line to the archive: executed, asked about, shown, verified, replayed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@dataclass
class Shop:
    """The shop of the examples: order 3 is gone, order 9 is paid at the third look, refunds are counted."""

    asked: list[str] = field(default_factory=list[str])

    def __call__(self, method: str, path: str) -> tuple[int, str]:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        parts = path.partition("?")[0].strip("/").split("/")
        if method == "POST":
            return 204, ""
        if len(parts) == 1:
            return 200, json.dumps([self.order(number) for number in range(5, 0, -1)])
        number = int(parts[1])
        return (404, "{}") if number in (3, 7) else (200, json.dumps(self.order(number)))

    def order(self, number: int) -> dict[str, Any]:
        looks = self.asked.count(f"GET /orders/{number}")
        return {"id": number, "city": "Oslo", "revenue": 0 if number == 9 and looks < 3 else 10.5 * number}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new folder with the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shop(folder: Path, served: Any, dagwright: Any) -> Iterator[Shop]:
    """The shop, served; its catalogue and policy lie in the folder."""
    found = Shop()
    with served(found) as url:
        document = (folder / "examples/shop.openapi.yaml").read_text()
        (folder / "shop.openapi.yaml").write_text(document.replace("https://shop.example/api", url))
        policy = (folder / "examples/shop-policy.yaml").read_text()
        (folder / "policy.yaml").write_text(policy.replace("shop.example", url.removeprefix("http://")))
        assert dagwright("tools", "import", "shop.openapi.yaml", "--name", "shop", "-o", "shop.json").code == 0
        yield found


SHOP = ("--catalogue", "shop.json", "--policy", "policy.yaml")


def altered(name: str, change: Callable[[dict[str, Any]], object]) -> str:
    """Gives the file of an example proposal with a change."""
    proposal = json.loads(Path(f"examples/{name}.proposal.json").read_text())
    change(proposal)
    Path("altered.proposal.json").write_text(json.dumps(proposal))
    return "altered.proposal.json"


def shown(dagwright: Any, run: str) -> dict[str, str]:
    """Gives what `runs show` prints of a run, by view; verifies and replays it, too."""
    for verb, said in (("verify", "intact"), ("replay", "reproduced")):
        checked = dagwright("runs", verb, run)
        assert (checked.code, said in checked.out) == (0, True), checked.out
    for file in ("run.html", "run.svg"):
        assert dagwright("runs", "show", run, "-o", file).code == 0
    return {view: dagwright("runs", "show", run, "--as", view).out for view in ("all", "tree", "table", "timeline")}


def test_the_largest_order_of_each_city(folder: Path, dagwright: Any) -> None:
    ran = dagwright("execute", "examples/cities.proposal.json", "--json")
    assert ran.code == 0
    assert [(row["city"], row["revenue"]) for row in ran.json["answer"]["largest"]] == [
        ("Bergen", 236.0),
        ("Oslo", 140.0),
        ("Tromso", 177.0),
    ]
    assert ran.json["answer"]["normal"] is True
    views = shown(dagwright, ran.json["run"])
    assert "for each city of cities/values (at most 20)" in views["tree"]
    assert "only if count/value is at least 8, may fail" in views["all"]
    assert all("3 of 3 done" in views[view] for view in ("tree", "table", "timeline"))
    assert not any(word in text for word in ("all-first", "when-test", "#") for text in views.values())


def test_a_block_whose_condition_does_not_hold_is_skipped(folder: Path, dagwright: Any) -> None:
    content = "\n".join((folder / "examples/sales.csv").read_text().splitlines()[:5]) + "\n"
    (folder / "sales.csv").write_text(content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    file = altered(
        "cities", lambda found: found["goal"]["inputs"]["sales"]["value"].update(sha256=digest, bytes=len(content))
    )
    ran = dagwright("execute", file, "--json")
    assert (ran.code, ran.json["answer"]["normal"]) == (0, None)
    views = shown(dagwright, ran.json["run"])
    assert "skipped: the condition did not hold" in views["tree"]
    assert "skipped" in Path(ran.json["folder"], "plan.svg").read_text()


def test_passes_that_fail_are_left_out(shop: Shop, dagwright: Any) -> None:
    ran = dagwright("execute", "examples/orders.proposal.json", *SHOP)
    assert ran.code == 0
    assert "▸ look for each order of newest/body (at most 5), each of them may fail" in ran.out
    assert "look 4 of 5 done, 1 failed" in ran.out
    run = dagwright("runs", "list", "--json").json["runs"][-1]["run"]
    found = dagwright("runs", "show", run, "--json").json
    assert [order["id"] for order in found["outcome"]["answer"]["newest"]] == [5, 4, 2, 1]
    assert found["outcome"]["answer"]["seventh"] is None
    assert found["controls"]["look"]["each"]["at_most"] == 5
    views = shown(dagwright, run)
    assert "◐ details shop.getOrder 4 of 5 done, 1 failed" in views["tree"]
    assert all("4 of 5 done, 1 failed" in views[view] for view in ("table", "timeline"))


def looks_at(number: int, *, wait: int = 0, at_most: int = 10) -> Callable[[dict[str, Any]], object]:
    def change(proposal: dict[str, Any]) -> None:
        (item,) = proposal["decompositions"]
        item["control"]["repeat"].update(wait=wait, at_most=at_most)
        item["steps"][0]["tool_intent"]["required_inputs"]["id"] = {"literal": number}

    return change


def test_a_loop_ends_when_its_condition_holds(shop: Shop, dagwright: Any) -> None:
    ran = dagwright("execute", altered("paid", looks_at(9, wait=1)), *SHOP)
    assert ran.code == 0
    assert shop.asked == ["GET /orders/9"] * 3
    assert "wait pass 3 of at most 10" in ran.out
    run = dagwright("runs", "list", "--json").json["runs"][-1]["run"]
    assert dagwright("runs", "show", run, "--json").json["outcome"]["answer"]["order"]["revenue"] == 94.5
    assert "✓ order shop.getOrder 3 of 3 done" in shown(dagwright, run)["tree"]


def test_a_loop_whose_condition_never_holds_fails(shop: Shop, dagwright: Any) -> None:
    ran = dagwright("execute", altered("paid", looks_at(9, at_most=2)), *SHOP)
    assert ran.code == 3
    assert "the end of the loop of task 'wait'" in ran.out
    run = dagwright("runs", "list", "--json").json["runs"][-1]["run"]
    assert "wait (loop)" in shown(dagwright, run)["table"]


def refunds(proposal: dict[str, Any]) -> None:
    item = proposal["decompositions"][1]
    items = {"list": [{"literal": 1}, {"literal": 2}]}
    item["control"] = {"each": {"name": "refunded", "items": items, "at_most": 2}}
    item["steps"][0]["tool_intent"]["required_inputs"]["id"] = {"from": "refunded", "path": "/item"}
    proposal["decompositions"][0]["steps"][0]["tool_intent"]["required_inputs"]["id"] = {"literal": 1}
    proposal["answer"]["status"] = {"from": "refund", "path": "/items/*/status"}


def test_a_person_is_asked_once_and_told_how_often_a_step_may_run(shop: Shop, dagwright: Any) -> None:
    waits = dagwright("execute", altered("refund", refunds), *SHOP, "--json")
    assert waits.code == 4
    assert "step 'refund' (shop.refundOrder, 2 times) waits for approval" in waits.json["reason"]
    approved = dagwright("approve", waits.json["run"])
    assert "approved: step 'refund' (shop.refundOrder, 2 times)" in approved.out
    done = dagwright("run", "--resume", waits.json["run"], "--json")
    assert (done.code, done.json["answer"]["status"]) == (0, [204, 204])
    assert sorted(shop.asked) == ["GET /orders/1", "POST /orders/1/refund", "POST /orders/2/refund"]
