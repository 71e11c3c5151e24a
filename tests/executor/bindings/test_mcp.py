"""Tools of MCP servers: one conformance table for programs and endpoints, against servers of the official package."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dagwright.binding import McpCommand, McpEndpoint
from dagwright.exceptions import Cancelled, TimedOut, ToolRejected, ToolUnavailable
from dagwright.policy import Policy, Rule
from dagwright.tool import McpBinding, ToolSpec
from executor.bindings.mcp.runner import McpRunner
from executor.bindings.runner import may_have_acted

SERVER = Path(__file__).with_name("mcp_server.py")
COMMAND = (sys.executable, str(SERVER))
KEY = "k" * 64
TEXT = {"text": {"type": "string"}}
POLICY = Policy(name="p", allowed_commands=("*mcp_server.py",), allowed_hosts=("127.0.0.1",))

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The small server behind a URL."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen([*COMMAND, str(port)], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def runner() -> Iterator[McpRunner]:
    made = McpRunner(most_bytes=200_000)
    yield made
    made.close()


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> McpCommand | McpEndpoint:
    if request.param == "stdio":
        return McpCommand(command=COMMAND)
    return McpEndpoint(url=request.getfixturevalue("endpoint"))


def operation(server: Any, tool: str, outputs: dict[str, Any] = TEXT, **more: Any) -> ToolSpec:
    return ToolSpec(
        tool_name="small",
        operation=tool,
        description="A tool of the small server.",
        input_schema={"type": "object"},
        output_schema={"type": "object", "properties": outputs, "required": list(outputs)},
        effect="external",
        timeout=60,
        binding=McpBinding(server=server, tool=tool, **more),
    )


@pytest.fixture
def call(runner: McpRunner, server: Any, attempt: Any) -> Call:
    def called(tool: str, seconds: float = 60, outputs: Any = TEXT, more: Any = None, **arguments: Any) -> Any:
        spec = operation(server, tool, outputs, **(more or {}))
        return runner(spec, arguments, attempt(seconds=seconds, policy=POLICY))

    return called


def test_structured_content_is_preferred(call: Call) -> None:
    assert call("add", outputs={"total": {}, "count": {}}, numbers=[1, 2.5]) == {"total": 3.5, "count": 2}


def test_text_is_taken_where_there_is_no_structure(call: Call) -> None:
    assert call("greet", name="Ada") == {"text": "Hello Ada"}


def test_text_is_taken_where_only_text_is_promised(call: Call) -> None:
    assert json.loads(call("add", numbers=[1])["text"]) == {"total": 1.0, "count": 1}


REFUSED = [
    ("fail", {"reason": "because"}, "tool_failed", True),
    ("add", {"numbers": "many"}, "tool_failed", True),
    ("picture", {}, "bad_answer", True),
    ("nothing_such", {}, "unknown_tool", False),
]


@pytest.mark.parametrize(("tool", "arguments", "code", "acted"), REFUSED, ids=[case[2] for case in REFUSED])
def test_refusals(call: Call, tool: str, arguments: Any, code: str, acted: bool) -> None:
    with pytest.raises(ToolRejected) as refused:
        call(tool, **arguments)
    assert refused.value.code == code
    assert may_have_acted(refused.value) == acted


def test_a_call_that_takes_too_long_is_given_up(runner: McpRunner, server: Any, call: Call, attempt: Any) -> None:
    call("greet", name="who is awake")
    begun = time.monotonic()
    with pytest.raises(TimedOut) as late:
        runner(operation(server, "sleep"), {"seconds": 60}, attempt(seconds=1, policy=POLICY))
    assert may_have_acted(late.value)
    assert time.monotonic() - begun < 5


def test_the_idempotency_key_goes_where_the_tool_takes_it_and_along_as_metadata(call: Call) -> None:
    found = json.loads(call("ids", more={"key_argument": "key"})["text"])
    assert found["key"] == KEY
    assert found["dagwright/idempotency-key"] == KEY
    assert (found["dagwright/run"], found["dagwright/step"], found["dagwright/tenant"]) == ("r", "s", "default")


def test_an_answer_has_a_largest_size(call: Call) -> None:
    assert len(call("big", size=100_000)["text"]) == 100_000
    with pytest.raises((ToolRejected, ToolUnavailable)) as refused:
        call("big", size=1_000_000)
    assert may_have_acted(refused.value)
    assert call("greet", name="again") == {"text": "Hello again"}


def test_a_tool_that_has_changed_since_it_was_imported_is_refused(call: Call) -> None:
    with pytest.raises(ToolRejected) as refused:
        call("greet", more={"definition": "0" * 64}, name="x")
    assert refused.value.code == "tool_changed"
    assert not may_have_acted(refused.value)


# ------------------------------------------------------------------------------ programs


@pytest.fixture
def own() -> Iterator[McpRunner]:
    made = McpRunner(most_bytes=200_000)
    yield made
    made.close()


def server_pid(own: McpRunner, context: Any, **environment: str) -> int:
    spec = operation(McpCommand(command=COMMAND, environment=environment), "environment")
    return int(json.loads(own(spec, {}, context)["text"])["PID"])


@pytest.mark.slow
def test_a_server_serves_a_whole_run_and_each_run_has_its_own(own: McpRunner, attempt: Any) -> None:
    first, again = (server_pid(own, attempt(seconds=60, policy=POLICY, step=step)) for step in ("a", "b"))
    other = server_pid(own, attempt(seconds=60, policy=POLICY, run="other"))
    assert first == again != other
    own.close()
    assert not psutil.pid_exists(first)
    assert not psutil.pid_exists(other)


@pytest.mark.slow
def test_a_server_that_died_is_started_again_for_the_next_call(own: McpRunner, attempt: Any) -> None:
    given = attempt(seconds=60, policy=POLICY)
    first = server_pid(own, given)
    with pytest.raises(ToolUnavailable) as broken:
        own(operation(McpCommand(command=COMMAND), "die"), {}, given)
    assert broken.value.code == "mcp_broken"
    assert may_have_acted(broken.value)
    assert server_pid(own, given) != first


@pytest.mark.slow
def test_children_of_a_server_end_with_it(own: McpRunner, attempt: Any) -> None:
    spec = operation(McpCommand(command=COMMAND), "child")
    child = int(own(spec, {}, attempt(seconds=60, policy=POLICY))["text"])
    assert psutil.pid_exists(child)
    own.close()
    until = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_server_that_ignores_being_told_to_end_is_killed(attempt: Any) -> None:
    own = McpRunner()
    given = attempt(seconds=60, policy=POLICY)
    pid = server_pid(own, given)
    psutil.Process(pid).suspend()  # deaf to everything but SIGKILL
    begun = time.monotonic()
    own.close()
    assert not psutil.pid_exists(pid)
    assert time.monotonic() - begun < 12


def test_credentials_reach_the_server_by_name_and_are_hidden_in_what_it_says(own: McpRunner, attempt: Any) -> None:
    spec = operation(McpCommand(command=COMMAND, environment={"API_TOKEN": "token"}), "environment")
    os.environ["DAGWRIGHT_SECRET_OTHER"] = "never-to-be-seen"
    try:
        found = json.loads(own(spec, {}, attempt(seconds=60, policy=POLICY))["text"])
    finally:
        del os.environ["DAGWRIGHT_SECRET_OTHER"]
    assert found["API_TOKEN"] == "[credential]"
    assert "DAGWRIGHT_SECRET_OTHER" not in found


STARTS = [
    ("there is no such program", ("/nowhere/mcp_server.py",)),
    ("it ends at once", ("false", "mcp_server.py")),
    ("it never says anything", ("sleep", "60", "mcp_server.py")),
]


@pytest.mark.parametrize("command", [case[1] for case in STARTS], ids=[case[0] for case in STARTS])
def test_a_server_that_does_not_start_has_done_nothing(own: McpRunner, attempt: Any, command: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(ToolUnavailable) as unavailable:
        own(operation(McpCommand(command=command), "greet"), {}, attempt(seconds=3, policy=POLICY))
    assert unavailable.value.code == "mcp_unavailable"
    assert not may_have_acted(unavailable.value)
    assert time.monotonic() - begun < 8


def test_a_call_is_stopped_when_its_run_is(own: McpRunner, attempt: Any) -> None:
    given = attempt(seconds=60, policy=POLICY)
    server_pid(own, given)
    threading.Timer(0.3, given.cancelled.set).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        own(operation(McpCommand(command=COMMAND), "sleep"), {"seconds": 60}, given)
    assert time.monotonic() - begun < 5


@pytest.mark.slow
def test_what_is_too_late_is_woken_in_the_server(own: McpRunner, attempt: Any, tmp_path: Path) -> None:
    server_pid(own, attempt(seconds=60, policy=POLICY))
    mark = tmp_path / "mark"
    arguments = {"seconds": 60, "mark": str(mark)}
    with pytest.raises(TimedOut):
        own(operation(McpCommand(command=COMMAND), "sleep"), arguments, attempt(seconds=1, policy=POLICY))
    until = time.monotonic() + 5
    while not mark.exists():
        assert time.monotonic() < until
        time.sleep(0.05)


# ------------------------------------------------------------------------------ what policy says


def test_no_command_runs_that_policy_does_not_name(own: McpRunner, attempt: Any) -> None:
    with pytest.raises(ToolRejected) as refused:
        own(operation(McpCommand(command=("touch", "/tmp/x")), "greet"), {}, attempt(policy=Policy(name="none")))
    assert refused.value.code == "command_denied"


@pytest.mark.parametrize(
    ("hosts", "code"),
    [((), "host_not_allowed"), (("example.org",), "host_not_allowed"), (("127.*",), "address_not_allowed")],
)
def test_endpoints_must_be_allowed_hosts(own: McpRunner, attempt: Any, hosts: tuple[str, ...], code: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        own(operation(McpEndpoint(url="http://127.0.0.1:9/mcp"), "greet"), {}, attempt(*hosts))
    assert refused.value.code == code


def test_where_nobody_listens_nothing_was_done(own: McpRunner, attempt: Any) -> None:
    with pytest.raises(ToolUnavailable) as unavailable:
        own(operation(McpEndpoint(url="http://127.0.0.1:9/mcp"), "greet"), {}, attempt("127.0.0.1", seconds=5))
    assert unavailable.value.code == "mcp_unavailable"
    assert not may_have_acted(unavailable.value)


# ------------------------------------------------------------------------------ end to end


def test_a_certified_proposal_calls_a_tool(end_to_end: Any, server: Any) -> None:
    spec = operation(server, "add", {"total": {"type": "number"}, "count": {"type": "integer"}})
    policy = POLICY.model_copy(update={"rules": (Rule(tools="small.*", action="allow"),)})
    trial = end_to_end(spec, {"numbers": [1, 2]}, policy)
    assert trial.result.status == "completed"
    assert trial.outputs == {"total": 3, "count": 2}
    assert trial.program.steps[0].output_label.integrity == "untrusted"
