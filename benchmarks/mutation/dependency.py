"""Operators on order and references (D301-D313)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.mutation.operator import Draft, Json, Operator, Table
from benchmarks.mutation.sites import Link, followed, links
from benchmarks.proposals import sources_of

operator = Table()


# ------------------------------------------------------------------------------- order of tasks


@operator("D301")
def circle(draft: Draft) -> bool:
    """A task waits for one that waits for it."""
    pairs = [(task, name) for task in draft.tasks for name in task["dependencies"]]
    if not pairs:
        return False
    later, name = draft.random.choice(pairs)
    earlier = next(task for task in draft.tasks if task["task_id"] == name)
    earlier["dependencies"].append(later["task_id"])
    return True


@operator("D302")
def dangling_dependency(draft: Draft) -> bool:
    """A task waits for one that there is not."""
    draft.random.choice(draft.tasks)["dependencies"].append("nowhere")
    return True


@operator("D302")
def decomposition_of_nothing(draft: Draft) -> bool:
    """A decomposition is of a task that there is not."""
    step = {**draft.random.choice(draft.steps), "step_id": "elsewhere"}
    draft.groups.append({"task_id": "nowhere", "steps": [step]})
    return True


@operator("D303")
def dependency_on_itself(draft: Draft) -> bool:
    """A task waits for itself."""
    task = draft.random.choice(draft.tasks)
    task["dependencies"].append(task["task_id"])
    return True


@operator("D310")
def dependency_twice(draft: Draft) -> bool:
    """A task names a dependency twice."""
    tasks = [task for task in draft.tasks if task["dependencies"]]
    if not tasks:
        return False
    task = draft.random.choice(tasks)
    task["dependencies"].append(task["dependencies"][0])
    return True


@operator("D310")
def idle_dependency(draft: Draft) -> bool:
    """A task that only reads waits for another whose results it does not use."""
    reading = [step for step in draft.steps if _only_reads(draft, step)]
    if not reading or not all(_only_reads(draft, step) for step in draft.groups[0]["steps"]):
        return False
    copies = _copied(draft, draft.random.choice(reading))
    if copies is None:
        return False
    copies["dependencies"] = [draft.tasks[0]["task_id"]]
    return True


# ----------------------------------------------------------------------------------- references


def _link(draft: Draft) -> Link | None:
    found = links(draft)
    return draft.random.choice(found) if found else None


@operator("D304")
def reference_to_no_step(draft: Draft) -> bool:
    """A reference names a step that there is not."""
    link = _link(draft)
    if link is None:
        return False
    link.reference["from"] = "nowhere"
    return True


@operator("D304")
def reference_to_no_input(draft: Draft) -> bool:
    """A reference names an input of the goal that there is not."""
    found = [step for step in draft.steps if step["tool_intent"]["required_inputs"]]
    if not found:
        return False
    given = draft.random.choice(found)["tool_intent"]["required_inputs"]
    given[draft.random.choice(sorted(given))] = {"input": "nowhere"}
    return True


@operator("D304")
def answer_from_nothing(draft: Draft) -> bool:
    """The answer names a step that there is not."""
    draft.proposal["answer"]["more"] = {"from": "nowhere"}
    return True


@operator("D305")
def dependency_forgotten(draft: Draft) -> bool:
    """A task does not wait for the only task through which it gets what it uses."""
    found = [
        (task, name)
        for task in draft.tasks
        for name in task["dependencies"]
        if name in _feeding(draft, task) and not _reached(draft, task, name)
    ]
    if not found:
        return False
    task, name = draft.random.choice(found)
    task["dependencies"].remove(name)
    return True


@operator("D305")
def own_output(draft: Draft) -> bool:
    """A step uses its own output."""
    link = _link(draft)
    if link is None:
        return False
    link.reference["from"] = link.step["step_id"]
    return True


@operator("D305")
def steps_of_a_task_turned(draft: Draft) -> bool:
    """A step stands before the step of the same task whose output it uses."""
    found = [group for group in draft.groups if _uses_within(group)]
    if not found:
        return False
    draft.random.choice(found)["steps"].reverse()
    return True


@operator("D305")
def reference_to_a_later_step(draft: Draft) -> bool:
    """A step uses what a step after it gives."""
    steps = draft.steps
    if len(steps) < 2:
        return False
    number = draft.random.randrange(len(steps) - 1)
    given = steps[number]["tool_intent"]["required_inputs"]
    if not given:
        return False
    given[draft.random.choice(sorted(given))] = {"from": steps[number + 1]["step_id"]}
    return True


@operator("D306")
def output_that_is_not_there(draft: Draft) -> bool:
    """A reference leads to an output that the operation does not give."""
    link = _link(draft)
    if link is None or _open(draft, link):
        return False
    link.reference["path"] = "/not_an_output"
    return True


@operator("D306")
def path_misspelt(draft: Draft) -> bool:
    """The last name of a reference's path has a letter too many."""
    found = [link for link in links(draft) if not _open(draft, link) and link.reference.get("path", "")[-1:].isalpha()]
    if not found:
        return False
    link = draft.random.choice(found)
    parent, _, name = link.reference["path"].rpartition("/")
    if not _is_closed(_at(draft, link, parent)) or f"{name}x" in _at(draft, link, parent).get("properties", {}):
        return False
    link.reference["path"] += "x"
    return True


@operator("D306")
def path_into_a_text(draft: Draft) -> bool:
    """A reference leads into a text, which holds nothing."""
    found = [link for link in links(draft) if _at(draft, link, link.reference.get("path", "")).get("type") == "string"]
    if not found:
        return False
    draft.random.choice(found).reference["path"] += "/inner"
    return True


@operator("D306")
def list_as_object(draft: Draft) -> bool:
    """A reference looks for a member where there is a list."""
    found = [link for link in links(draft) if "/0/" in link.reference.get("path", "")]
    if not found:
        return False
    link = draft.random.choice(found)
    link.reference["path"] = link.reference["path"].replace("/0/", "/", 1)
    return True


def _retyped(draft: Draft, kind: str) -> bool:
    """Leads a reference that gives a text to something of another type."""
    for link in _shuffled(draft, links(draft)):
        wanted = _wanted(draft, link)
        if wanted.get("type") != "string":
            continue
        others = sorted(path for path, schema in _places(draft, link) if schema.get("type") == kind)
        if others:
            link.reference["path"] = draft.random.choice(others)
            return True
    return False


@operator("D307")
def list_where_text_is_wanted(draft: Draft) -> bool:
    """A reference gives the list, not its item."""
    return _retyped(draft, "array")


@operator("D307")
def object_where_text_is_wanted(draft: Draft) -> bool:
    """A reference gives the object, not its member."""
    return _retyped(draft, "object")


@operator("D307")
def number_where_text_is_wanted(draft: Draft) -> bool:
    """A reference gives a whole number where a text is wanted."""
    return _retyped(draft, "integer")


@operator("D307")
def boolean_where_text_is_wanted(draft: Draft) -> bool:
    """A reference gives a boolean where a text is wanted."""
    return _retyped(draft, "boolean")


@operator("D307")
def whole_output(draft: Draft) -> bool:
    """A reference gives all outputs where one is wanted."""
    found = [link for link in links(draft) if _wanted(draft, link).get("type") == "string"]
    if not found:
        return False
    draft.random.choice(found).reference.pop("path", None)
    return True


@operator("D307")
def wrong_constant_beside_a_reference(draft: Draft) -> bool:
    """In an argument put together from references and constants, a constant has the wrong type."""
    found = [link for link in links(draft) if not link.whole and isinstance(link.holder, list)]
    found = [link for link in found if _wanted(draft, link).get("type") == "string"]
    if not found:
        return False
    draft.random.choice(found).holder.append({"literal": 7})
    return True


# -------------------------------------------------------------------- use, resources and facts


@operator("D309")
def unused_step(draft: Draft) -> bool:
    """A step that only reads gives what nobody uses."""
    found = [step for step in draft.steps if _only_reads(draft, step)]
    return bool(found) and _copied(draft, draft.random.choice(found)) is not None


@operator("D311")
def conflicting_access(draft: Draft) -> bool:
    """Two steps without an order change one resource."""
    found = [
        step for step in draft.steps if any(_literal_resource(template, step) for template in draft.spec(step).writes)
    ]
    return bool(found) and _copied(draft, draft.random.choice(found)) is not None


@operator("D312")
def precondition_never_established(draft: Draft) -> bool:
    """A step needs a fact that nothing establishes."""
    step = draft.random.choice(draft.steps)
    step["preconditions"] = [{"fact": "nobody_did_this"}]
    return True


@operator("D312")
def precondition_established_later(draft: Draft) -> bool:
    """A step needs a fact that only a step after it establishes."""
    steps = draft.steps
    if len(steps) < 2:
        return False
    steps[0]["preconditions"] = [{"fact": "done_later"}]
    steps[-1]["postconditions"].append({"fact": "done_later"})
    return True


@operator("D313")
def postcondition_contradicted(draft: Draft) -> bool:
    """A step promises the opposite of what its operation does."""
    found = [step for step in draft.steps if draft.spec(step).facts_removed or draft.spec(step).facts_added]
    if not found:
        return False
    step = draft.random.choice(found)
    spec = draft.spec(step)
    if spec.facts_removed:
        step["postconditions"].append({"fact": spec.facts_removed[0]})
    else:
        step["postconditions"].append({"fact": spec.facts_added[0], "negated": True})
    return True


# ------------------------------------------------------------------------------------ questions


def _only_reads(draft: Draft, step: Json) -> bool:
    """Whether a step changes nothing and establishes no fact."""
    spec = draft.spec(step)
    return spec.effect == "read" and not spec.facts_added and not any("fact" in item for item in step["postconditions"])


def _copied(draft: Draft, step: Json) -> Json | None:
    """Adds a copy of a step that uses nothing, in a task of its own, which is given."""
    if any(True for value in step["tool_intent"]["required_inputs"].values() for _ in sources_of(value)):
        return None
    copy: Json = json.loads(json.dumps(step))
    copy["step_id"] = "copied"
    task: Json = {"task_id": "aside", "description": "Once more.", "dependencies": []}
    draft.tasks.append(task)
    draft.groups.append({"task_id": "aside", "steps": [copy]})
    return task


def _literal_resource(template: str, step: Json) -> bool:
    given = step["tool_intent"]["required_inputs"]
    names = [part.partition("}")[0] for part in template.split("{")[1:]]
    return all(isinstance(given.get(name, {}).get("literal"), str | int) for name in names)


def _feeding(draft: Draft, task: Json) -> set[str]:
    """Gives the tasks whose steps a task refers to."""
    owner = {step["step_id"]: group["task_id"] for group in draft.groups for step in group["steps"]}
    own = [step for group in draft.groups if group["task_id"] == task["task_id"] for step in group["steps"]]
    used = {s for step in own for value in step["tool_intent"]["required_inputs"].values() for s in sources_of(value)}
    return {owner[source] for source in used}


def _reached(draft: Draft, task: Json, name: str) -> bool:
    """Whether a task comes after another even without the direct dependency."""
    needed = {one["task_id"]: one["dependencies"] for one in draft.tasks}
    waiting = [other for other in task["dependencies"] if other != name]
    seen: set[str] = set()
    while waiting:
        other = waiting.pop()
        if other == name:
            return True
        if other not in seen:
            seen.add(other)
            waiting.extend(needed.get(other, ()))
    return False


def _uses_within(group: Json) -> bool:
    own = {step["step_id"] for step in group["steps"]}
    return any(
        source in own
        for step in group["steps"]
        for value in step["tool_intent"]["required_inputs"].values()
        for source in sources_of(value)
    )


def _shuffled(draft: Draft, found: list[Link]) -> list[Link]:
    draft.random.shuffle(found)
    return found


def _producer(draft: Draft, link: Link) -> Any:
    source = next(step for step in draft.steps if step["step_id"] == link.reference["from"])
    return draft.spec(source).output_schema


def _open(draft: Draft, link: Link) -> bool:
    return _producer(draft, link).get("additionalProperties") is not False


def _is_closed(schema: Json) -> bool:
    return schema.get("type") == "object" and schema.get("additionalProperties") is False


def _at(draft: Draft, link: Link, path: str) -> Json:
    """Gives the schema of what lies at a path of the step that a reference names; `{}` where nothing is."""
    whole = _producer(draft, link)
    found = followed(whole, whole)
    for token in path.split("/")[1:]:
        inner = found.get("items") if found.get("type") == "array" else found.get("properties", {}).get(token)
        found = followed(inner, whole)
    return found


def _places(draft: Draft, link: Link) -> Iterator[tuple[str, Json]]:
    """Gives the outputs of the step that a reference names, and what lies directly in them."""
    whole = _producer(draft, link)
    for name, inner in whole.get("properties", {}).items():
        schema = followed(inner, whole)
        yield f"/{name}", schema
        if schema.get("type") == "array":
            item = followed(schema.get("items"), whole)
            yield f"/{name}/0", item
            yield from ((f"/{name}/0/{m}", followed(s, whole)) for m, s in item.get("properties", {}).items())
        yield from ((f"/{name}/{m}", followed(s, whole)) for m, s in schema.get("properties", {}).items())


def _wanted(draft: Draft, link: Link) -> Json:
    """Gives the schema of the place that a reference fills; `{}` where it is not plain."""
    whole: Any = draft.spec(link.step).input_schema
    value = link.step["tool_intent"]["required_inputs"][link.argument]
    return _filled(value, followed(whole.get("properties", {}).get(link.argument), whole), whole, link) or {}


def _filled(value: Json, schema: Json, whole: Json, link: Link) -> Json | None:
    if value is link.reference:
        return schema
    if "list" in value:
        inner = ((item, schema.get("items")) for item in value["list"])
    else:
        inner = ((item, schema.get("properties", {}).get(name)) for name, item in value.get("object", {}).items())
    found = (_filled(item, followed(part, whole), whole, link) for item, part in inner)
    return next((schema for schema in found if schema is not None), None)


OPERATORS: tuple[Operator, ...] = tuple(operator)
