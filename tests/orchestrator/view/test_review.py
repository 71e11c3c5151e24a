"""The review page shows every step, argument, label and finding of a proposal, and nothing in one can act on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.label import FieldLabel, Label
from dagwright.policy import FlowRule, Policy, Rule
from dagwright.tool import HttpBinding, PythonBinding, ToolSpec
from orchestrator.view.markup import text
from orchestrator.view.review import review
from orchestrator.view.review_graph import MOST
from orchestrator.view.review_page import page

WORKERS = frozenset(("python", "http"))
VOID = {"meta", "br", "link", "img", "hr", "input"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "footer", "div"),
    *("h1", "h2", "h3", "h4", "p", "a", "span", "strong", "small", "code", "br", "ul", "li", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "defs", "marker", "path", "g", "rect", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "role", "aria-label", "tabindex"),
    *("scope", "title", "viewbox", "width", "height", "refx", "refy", "markerwidth", "markerheight", "orient"),
    *("d", "x", "y", "rx", "marker-end"),
}


class Page(HTMLParser):
    """The elements of a page, strictly nested, with their text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def rows(**columns: Any) -> dict[str, Any]:
    return {"type": "object", "properties": columns, "required": list(columns), "additionalProperties": False}


TEXT = {"type": "string"}
LOOK = ToolSpec(
    tool_name="shop",
    operation="orders",
    description="Orders.",
    input_schema=rows(city=TEXT),
    output_schema=rows(text=TEXT),
    effect="read",
    binding=HttpBinding(method="GET", url="https://shop.example/{city}"),
    output_labels=(FieldLabel(path="", label=Label(integrity="untrusted", confidentiality="tenant")),),
)
SEND = ToolSpec(
    tool_name="mail",
    operation="send",
    description="Mail.",
    input_schema=rows(to=TEXT, body=TEXT),
    output_schema=rows(status={"type": "integer"}),
    effect="external",
    roles={"to": "sink"},
    writes=("mail:{to}",),
    binding=PythonBinding(callable="a.b:c"),
)
CATALOGUE = catalogue_of("lab", (LOOK, SEND))
POLICY = Policy(
    name="lab",
    rules=(Rule(tools="mail.*", action="ask", reason="mail is seen first"),),
    flows=(FlowRule(integrity=("untrusted",), action="deny", reason="not from outside"),),
    allowed_hosts=("shop.example",),
)


def step(step_id: str, operation: str, **inputs: Any) -> dict[str, Any]:
    tool, _, name = operation.partition(".")
    intent = {"tool_name": tool, "operation": name, "required_inputs": inputs}
    return {"step_id": step_id, "action": f"call {operation}", "tool_intent": intent}


GOOD: dict[str, Any] = {
    "goal": {
        "goal_id": "g",
        "text": "Tell Ann about the orders.",
        "inputs": {"ann": {"value": "ann@lab.example", "schema": TEXT}},
    },
    "plan": {
        "dag_id": "d",
        "nodes": [
            {"task_id": "look", "description": "look them up"},
            {"task_id": "tell", "description": "tell Ann", "dependencies": ["look"]},
        ],
    },
    "decompositions": [
        {"task_id": "look", "steps": [step("orders", "shop.orders", city={"literal": "Bergen"})]},
        {
            "task_id": "tell",
            "steps": [step("mail", "mail.send", to={"input": "ann"}, body={"from": "orders", "path": "/text"})],
        },
    ],
    "answer": {"sent": {"from": "mail", "path": "/status"}},
}


def shown(proposal: object, catalogue: Catalogue = CATALOGUE) -> str:
    return page(review(proposal, catalogue=catalogue, policy=POLICY, workers=WORKERS))


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    proposal = deepcopy(GOOD)
    place: Any = proposal
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = to
    return proposal


def test_a_plan_that_waits_for_approval_shows_all_that_it_takes_to_approve() -> None:
    found = Page(shown(GOOD))
    for words in (
        "Tell Ann about the orders.",
        "It waits for a person's approval.",
        "2 tasks, 2 steps: 1 read, 1 external.",
        "needs approval",
        "P403",
        "mail is seen first",
        "GET https://shop.example/{city}",
        "writes mail:{to}",
        "look: look them up",
        "tell: tell Ann",
        "after look",
        '"Bergen"',
        "input:ann",
        "step:orders/text",
        "untrusted, tenant",
        "trusted, public",
        "sink",
        '"ann@lab.example"',
        "step:mail/status",
        POLICY.hash,
    ):
        assert words in found.text, words


PROPOSALS = {
    "good": GOOD,
    "untrusted sink": changed(
        "decompositions", 1, "steps", 0, "tool_intent", "required_inputs", "to", to={"from": "orders", "path": "/text"}
    ),
    "unknown operation": changed("decompositions", 0, "steps", 0, "tool_intent", "operation", to="ordrs"),
    "cycle": changed("plan", "nodes", 0, "dependencies", to=["tell"]),
    "duplicate step": changed("decompositions", 1, "steps", 0, "step_id", to="orders"),
    "task without steps": changed("decompositions", 1, "steps", to=[]),
    "no task": changed("plan", "nodes", to=[]),
    "no goal": changed("goal", to=None),
    "list": [],
    "no JSON": b"{",
    "too deep": b"[" * 1000,
}


@pytest.mark.parametrize("proposal", PROPOSALS.values(), ids=PROPOSALS.keys())
def test_every_finding_and_step_is_there_whatever_is_wrong(proposal: Any) -> None:
    seen = review(proposal, catalogue=CATALOGUE, policy=POLICY, workers=WORKERS)
    found = Page(page(seen))
    for finding in seen.report.findings:
        assert finding.code in found.text
        assert re.sub(r"\s+", " ", finding.message) in found.text
    for item in seen.steps:
        assert item.step_id in found.text
        assert item.operation in found.text
        for argument in item.arguments:
            assert f"{argument.label.integrity}, {argument.label.confidentiality}" in found.text
            assert argument.value in found.text
    assert ("Rejected" in found.text) == (not seen.report.is_valid)


@pytest.mark.parametrize("proposal", PROPOSALS.values(), ids=PROPOSALS.keys())
def test_a_page_is_the_same_each_time(proposal: Any) -> None:
    assert shown(proposal) == shown(deepcopy(proposal))


# ------------------------------------------------------------------------------------ hostile text

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--><svg/onload=alert(1)>",
    "</style></title><a href='javascript:alert(1)'>x</a>",
    "]]><!--",
    "&lt;b&gt;&#x3c;b&#x3e;",
    "\u202egpj.exe\u2066",
    "a\x00b\x1b[31m\u200b\ufeff",
    "\ud800",
    "{{7*7}}${7*7}",
)


def strings_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in members:
        if isinstance(item, str):
            yield (*path, key)
        yield from strings_in(item, (*path, key))


def assert_harmless(html: str) -> None:
    html.encode("utf-8")
    found = Page(html)
    assert {tag for tag, _ in found.elements} <= ELEMENTS
    for tag, attributes in found.elements:
        assert set(attributes) <= ATTRIBUTES
        assert (attributes.get("href") or "#").startswith("#"), tag
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", html)
    for drawing in re.findall("<svg.*?</svg>", html, re.DOTALL):
        ElementTree.fromstring(drawing)


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_no_text_of_a_proposal_can_be_anything_but_text(hostile: str) -> None:
    for path in strings_in(GOOD):
        assert_harmless(shown(changed(*path, to=hostile)))
    for where in (("goal", "inputs"), ("answer",), ("decompositions", 0, "steps", 0, "tool_intent", "required_inputs")):
        place: Any = GOOD
        for part in where:
            place = place[part]
        first = next(iter(place.values()))
        assert_harmless(shown(changed(*where, to={**place, hostile: first})))


@given(hostile=st.text(), path=st.sampled_from(sorted(strings_in(GOOD), key=str)))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_proposal_is_only_text(hostile: str, path: tuple[Any, ...]) -> None:
    assert_harmless(shown(changed(*path, to=hostile)))


def test_texts_of_the_catalogue_and_policy_are_only_text_too() -> None:
    spec = LOOK.model_copy(update={"reads": (HOSTILE[0],), "binding": PythonBinding(callable="a:b")})
    policy = POLICY.model_copy(
        update={"name": HOSTILE[1], "rules": (Rule(tools="*", action="ask", reason=HOSTILE[2]),)}
    )
    seen = review(GOOD, catalogue=Catalogue(name="c", tools=(spec, SEND)), policy=policy, workers=WORKERS)
    assert_harmless(page(seen))
    assert HOSTILE[2] in Page(page(seen)).text


@given(st.text())
def test_escaped_text_reads_as_it_was_but_for_what_cannot_be_seen(value: str) -> None:
    read = "".join(Page(f"<p>{text(value)}</p>").words)
    assert re.sub(r"⟨U\+[0-9A-F]{4}⟩", "", read).replace("\r", "") == re.sub(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
        "\ud800-\udfff]",
        "",
        re.sub(r"⟨U\+[0-9A-F]{4}⟩", "", value),
    )


# ---------------------------------------------------------------------------- the page as a page


def test_the_page_needs_no_network_and_no_script() -> None:
    html = shown(GOOD)
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link|@import|url\((?!#head)|src=", html)
    assert not re.search(r'href="(?!#)', html)


def test_every_link_leads_to_a_place_that_is_reached_by_keyboard() -> None:
    found = Page(shown(GOOD))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"] for tag, attributes in found.elements if tag == "a"}
    assert targets == {"#steps", "#step-0", "#step-1"}
    assert {target[1:] for target in targets if target} <= set(ids)
    assert all(attributes.get("scope") for tag, attributes in found.elements if tag == "th")
    assert ("html", {"lang": "en"}) in found.elements


def colours(css: str) -> list[dict[str, str]]:
    return [dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{(.*?)\}", css)]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_has_contrast_by_day_and_by_night() -> None:
    css = (Path(__file__).parents[3] / "orchestrator" / "view" / "review.css").read_text()
    day, night = colours(css)
    assert set(day) == set(night)
    for theme in (day, night):
        for ink in ("ink", "dim", "link", "wrong", "asked", "fine", "outside"):
            assert contrast(theme[ink], theme["paper"]) >= 4.5
            assert contrast(theme[ink], theme["field"]) >= 4.5
        for kind in ("wrong", "asked", "fine"):
            assert contrast(theme[kind], theme[f"{kind}field"]) >= 4.5


def test_a_large_plan_is_listed_without_a_picture() -> None:
    proposal = deepcopy(GOOD)
    first = proposal["decompositions"][0]
    first["steps"] += [step(f"more{n}", "shop.orders", city={"literal": "Oslo"}) for n in range(MOST)]
    html = shown(proposal)
    assert "<svg" not in html
    assert html.count("<article") == MOST + 2


def test_the_command_writes_the_page(dagwright: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in CATALOGUE.tools]
    Path("c.json").write_text(json.dumps({"name": "lab", "tools": tools}))
    Path("p.json").write_text(json.dumps(GOOD))
    ran = dagwright("show", "p.json", "--html", "p.html", "-c", "c.json", "--json")
    assert (ran.code, ran.json["verdict"]) == (1, "rejected")
    assert "Tell Ann about the orders." in Page(Path("p.html").read_text()).text
    assert dagwright("show", "p.json", "--html", "no/p.html", "-c", "c.json").code == 2


# ------------------------------------------------------------------------------------- blocks


def with_block(**control: Any) -> dict[str, Any]:
    """Gives the good proposal with what surrounds the mail."""
    return changed("decompositions", 1, "control", to=control)


PER_LETTER = {"name": "letter", "items": {"from": "orders", "path": "/text"}, "at_most": 5}
HOLDS = ({"value": {"from": "orders", "path": "/text"}, "op": "not_equals", "to": "<none>"},)


def test_a_block_is_said_over_its_steps_with_what_decides_about_it() -> None:
    found = Page(shown(with_block(when=HOLDS, each=PER_LETTER)))
    assert 'only if orders/text is not "<none>", for each letter of orders/text (at most 5)' in found.text
    assert "Decided by Value Label only if control step:orders/text untrusted, tenant" in found.text
    assert "for each control step:orders/text untrusted, tenant" in found.text
    assert "2 tasks, 2 steps" in found.text
    assert "mail mail.send external at most 5 times" in found.text


def test_what_controls_a_block_is_no_step_of_the_page() -> None:
    proposal = with_block(each=PER_LETTER)
    proposal["decompositions"][1]["steps"][0]["tool_intent"]["required_inputs"]["body"] = {
        "from": "letter",
        "path": "/item",
    }
    proposal["answer"] = {"sent": {"from": "mail", "path": "/items/*/status"}}
    found = review(proposal, catalogue=CATALOGUE, policy=POLICY, workers=WORKERS)
    assert [step.step_id for step in found.steps] == ["orders", "mail"]
    assert found.after == {"orders": (), "mail": ("orders",)}
    (block,) = found.blocks
    assert (block.first, block.controls) == ("mail", ("letter", "all-mail"))
    body = next(argument for argument in found.steps[1].arguments if argument.name == "body")
    assert (body.value, body.sources) == ("each:letter/item", ("step:orders",))
    assert found.answer[0].value == "step:mail/items/*/status"
    drawn = Page(page(found))
    assert not any(word in drawn.text for word in ("all-mail", "control.each", "control.collect"))
    edges = [words for tag, _ in drawn.elements if tag == "path" for words in [drawn.text] if "step:orders to" in words]
    assert edges


def test_a_finding_about_a_block_leads_to_its_first_step() -> None:
    found = shown(with_block(when=HOLDS))
    assert '<a href="#step-1">the condition of tell</a>' in found


@pytest.mark.parametrize(
    "control",
    [
        {"each": {**PER_LETTER, "items": {"from": "letter", "path": "/item"}}},
        {"each": {**PER_LETTER, "name": "mail"}},
        {"each": {**PER_LETTER, "name": "orders"}},
        {"when": HOLDS, "each": PER_LETTER, "repeat": {"until": HOLDS}},
    ],
    ids=["over itself", "called as its step", "called as another step", "twice over"],
)
def test_a_block_that_makes_no_sense_is_drawn_too(control: dict[str, Any]) -> None:
    assert "Rejected" in Page(shown(with_block(**control))).text
