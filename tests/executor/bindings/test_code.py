"""Code in a sandbox as operations: what goes in, what comes out, what is refused, and a whole run."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dagwright.binding import CodeBinding, CodeLimits
from dagwright.canonical import to_json
from dagwright.exceptions import Cancelled, GuardViolation, ProposalRejected, ToolRejected
from dagwright.policy import DEFAULT_POLICY, Policy, Rule, load_policy
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.bindings.code import CodeRunner
from executor.bindings.runner import ToolContext, may_have_acted
from executor.engine.engine import EngineResult
from executor.sandbox import bubblewrap, landlock, strength
from executor.toolchest import load_pack
from executor.toolchest.workspace import described
from validation import certify, validate

PACK = load_pack("code")
PYTHON, SHELL = PACK.by_name["code.run_python"], PACK.by_name["code.run_shell"]
ACCEPTING = DEFAULT_POLICY.model_copy(update={"sandbox": "limits"})
"""Accepts every sandbox, so that these tests run everywhere."""


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    for name in ("files", "inputs"):
        (tmp_path / name).mkdir()
    return ToolContext(
        run="r",
        step="s",
        attempt=1,
        idempotency_key="k",
        files=tmp_path / "files",
        inputs=tmp_path / "inputs",
        policy=ACCEPTING,
        secrets=lambda name: None,
        deadline=time.monotonic() + 60,
    )


def run(context: ToolContext, code: str, *, spec: ToolSpec = PYTHON, **arguments: Any) -> dict[str, Any]:
    return CodeRunner()(spec, {"code": code, **arguments}, context)


def refusal(context: ToolContext, code: str, **arguments: Any) -> ToolRejected:
    with pytest.raises(ToolRejected) as refused:
        run(context, code, **arguments)
    return refused.value


def limited(**limits: int) -> ToolSpec:
    return PYTHON.model_copy(update={"binding": CodeBinding(language="python", limits=CodeLimits(**limits))})


def test_python_and_the_shell_run_with_data(context: ToolContext) -> None:
    strongest = [isolation for isolation in strength.STRENGTHS if strength.problem(isolation) is None][-1]
    found = run(context, "import json, sys\nprint(sum(json.load(sys.stdin)))", data=[1, 2, 3])
    assert found == {"stdout": "6\n", "stderr": "", "exit_code": 0, "files": [], "sandbox": strongest}
    assert run(context, "cat; echo warned >&2", spec=SHELL, data={"a": "ä"})["stdout"] == '{"a": "ä"}'


def test_files_go_in_as_copies_and_what_is_written_is_kept_in_the_folder_named(context: ToolContext) -> None:
    (context.inputs / "table.csv").write_text("a\n1\n")
    given = described(context.inputs / "table.csv", "inputs/table.csv")
    code = (
        "import os, pathlib\nsource = pathlib.Path('inputs/table.csv')\n"
        "os.makedirs('sub')\npathlib.Path('sub/copy.csv').write_text(source.read_text() * 2)"
    )
    (kept,) = run(context, code, files=[given], folder="made")["files"]
    assert kept == described(context.files / "made/sub/copy.csv", "files/made/sub/copy.csv")
    assert (context.files / "made/sub/copy.csv").read_text() == "a\n1\na\n1\n"
    assert run(context, code, files=[given])["files"] == []
    assert [path.name for path in context.files.iterdir()] == ["made"]


def test_other_files_of_the_run_are_not_there(context: ToolContext) -> None:
    (context.files / "other.txt").write_text("of another step")
    found = run(context, "import os\nprint([f for _, _, fs in os.walk('.') for f in fs])")
    assert found["stdout"] == "[]\n"


@pytest.mark.parametrize(
    ("code", "arguments", "expected", "says"),
    [
        ("raise SystemExit(3)", {}, "exit_status", "exit code 3, not 0"),
        ("import os; os.abort()", {}, "exit_status", "signal 6"),
        ("1 / 0", {}, "exit_status", "ZeroDivisionError"),
        ("raise SystemExit(3)", {"exit_codes": [1, 2]}, "exit_status", "not 1 or 2"),
        ("import os; os.symlink('/etc/passwd', 'x')", {"folder": "f"}, "file_kind", "no regular file"),
        ("import os; os.mkfifo('x')", {"folder": "f"}, "file_kind", "no regular file"),
        ("open('a', 'w'); open('b.exe', 'w')", {"folder": "f"}, "path_denied", "f/b.exe"),
        ("print('x' * 100)", {"spec": limited(output=50)}, "output_limit", "more `output`"),
        ("while True: pass", {"spec": limited(cpu_seconds=1)}, "cpu_limit", "more `cpu_seconds`"),
        ("open('f', 'w').write('x' * 9999)", {"spec": limited(file=4096)}, "file_limit", "larger `file`"),
        ("import time; time.sleep(9)", {"spec": PYTHON.model_copy(update={"timeout": 2.0})}, "time_limit", "`timeout`"),
    ],
)
def test_what_ends_badly_is_refused_and_leaves_nothing(
    context: ToolContext, code: str, arguments: dict[str, Any], expected: str, says: str
) -> None:
    policy = ACCEPTING.model_copy(update={"allowed_paths": ("f/a", "*.csv")})
    error = refusal(ToolContext(**{**vars(context), "policy": policy}), code, **arguments)
    assert error.code == expected
    assert says in str(error)
    assert list(context.files.iterdir()) == []


def test_exit_codes_may_be_accepted(context: ToolContext) -> None:
    assert run(context, "grep x /dev/null", spec=SHELL, exit_codes=[0, 1])["exit_code"] == 1


def test_a_stopped_attempt_stops_the_code(context: ToolContext) -> None:
    threading.Timer(0.3, context.cancelled.set).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        run(context, "import time; time.sleep(50)")
    assert time.monotonic() - begun < 20


def test_the_same_file_name_twice_is_refused(context: ToolContext) -> None:
    for folder in (context.files, context.inputs):
        (folder / "x").write_text("1")
    files = [described(context.files / "x", "files/x"), described(context.inputs / "x", "inputs/x")]
    assert refusal(context, "", files=files).code == "name_clash"


OWN = {
    "tool_name": "own",
    "operation": "count",
    "description": "Count words.",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "output_schema": {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]},
    "effect": "read",
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import json, sys; print(json.dumps({'words': len(json.load(sys.stdin)['text'].split())}))", {"words": 2}),
        ("print('two')", "bad_answer"),
        ("print(2)", "bad_answer"),
    ],
    ids=["an object", "no JSON", "no object"],
)
def test_code_of_the_catalogue_reads_arguments_and_writes_outputs(
    context: ToolContext, source: str, expected: Any
) -> None:
    spec = ToolSpec.model_validate({**OWN, "binding": {"kind": "code", "language": "python", "source": source}})
    if isinstance(expected, dict):
        assert CodeRunner()(spec, {"text": "two words"}, context) == expected
        return
    with pytest.raises(ToolRejected) as refused:
        CodeRunner()(spec, {"text": "two words"}, context)
    assert refused.value.code == expected


def test_an_operation_whose_argument_is_code_must_guard_it() -> None:
    with pytest.raises(ValueError, match="'control'"):
        ToolSpec.model_validate({**OWN, "binding": {"kind": "code", "language": "python"}})


def test_too_weak_a_sandbox_is_refused_before_anything_happens(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    monkeypatch.setattr(landlock, "version", lambda: 0)
    strength.problem.cache_clear()
    try:
        with pytest.raises(GuardViolation, match="install bubblewrap") as refused:
            CodeRunner()(PYTHON, {"code": ""}, ToolContext(**{**vars(context), "policy": DEFAULT_POLICY}))
    finally:
        strength.problem.cache_clear()
    assert refused.value.code == "sandbox_too_weak"
    assert not may_have_acted(refused.value)


# ------------------------------------------------------------------------------ from proposal to run


def proposal(*, code: dict[str, Any] | None = None) -> Proposal:
    """Gives a proposal that computes with code, and hands what it wrote to a second step."""

    def step(name: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        intent = {"tool_name": "code", "operation": operation, "required_inputs": arguments}
        return {"task_id": f"t_{name}", "steps": [{"step_id": name, "action": operation, "tool_intent": intent}]}

    program = "import json, sys\nopen('sum.txt', 'w').write(str(sum(json.load(sys.stdin))))\nprint('done')"
    second = {
        "code": code or {"literal": "cat inputs/made/sum.txt"},
        "files": {"from": "a", "path": "/files"},
        "data": {"from": "a", "path": "/stdout"},
    }
    return Proposal.model_validate(
        {
            "goal": {"goal_id": "g", "text": "Sum with code."},
            "plan": {
                "dag_id": "d",
                "nodes": [
                    {"task_id": "t_a", "description": "a"},
                    {"task_id": "t_b", "description": "b", "dependencies": ["t_a"]},
                ],
            },
            "decompositions": [
                step(
                    "a",
                    "run_python",
                    {"code": {"literal": program}, "data": {"literal": [1, 2, 3]}, "folder": {"literal": "made"}},
                ),
                step("b", "run_shell", second),
            ],
            "answer": {"sum": {"from": "b", "path": "/stdout"}},
        }
    )


def executed(archive: Archive, build: Any, policy: Policy, *, approve: bool = False) -> EngineResult:
    program = certify(proposal(), catalogue=PACK, policy=policy, workers=frozenset({"code"}))
    approvals = {program.approval_digest(item.step.step_id) for item in program.steps} if approve else set[str]()
    return build.executed(program, archive, {"code": CodeRunner()}, approvals=approvals)


def test_a_proposal_with_code_is_certified_and_runs(tmp_path: Path, build: Any) -> None:
    with Archive.create(tmp_path, "run") as archive:
        result = executed(archive, build, ACCEPTING)
        assert result.status == "completed", result
        assert archive.get(result.outputs["b"])["stdout"] == "6"  # type: ignore[index, call-overload]
        assert (archive.files / "made/sum.txt").read_text() == "6"


@pytest.mark.parametrize("approve", [True, False], ids=["approved", "not approved"])
def test_policy_can_ask_a_person_before_code_runs(tmp_path: Path, build: Any, approve: bool) -> None:
    policy = ACCEPTING.model_copy(update={"rules": (Rule(tools="code.*", action="ask", reason="code"),)})
    with Archive.create(tmp_path, "run") as archive:
        result = executed(archive, build, policy, approve=approve)
        assert result.status == ("completed" if approve else "failed")
        if not approve:
            assert [error.code for error in result.feedback["a"].errors] == ["approval_required"]


def test_what_code_wrote_is_untrusted_and_never_becomes_code() -> None:
    written = proposal(code={"from": "a", "path": "/stdout"})
    with pytest.raises(ProposalRejected) as rejected:
        certify(written, catalogue=PACK, policy=DEFAULT_POLICY, workers=frozenset({"code"}))
    assert [error.level for error in rejected.value.report.errors] == ["policy"]
    report = validate(written, catalogue=PACK, policy=DEFAULT_POLICY, workers=frozenset({"python"}))
    assert "R507" in {finding.code for finding in report.findings}


def test_a_certified_policy_is_kept_where_no_sandbox_is_strong_enough(
    tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath if bubblewrap.found() is None else str(tmp_path))
    strength.problem.cache_clear()
    try:
        with Archive.create(tmp_path, "run") as archive:
            result = executed(archive, build, DEFAULT_POLICY.model_copy(update={"sandbox": "bubblewrap"}))
    finally:
        strength.problem.cache_clear()
    assert result.status == "failed"
    assert [(error.kind, error.code) for error in result.feedback["a"].errors] == [("guard", "sandbox_too_weak")]


def test_the_packs_contract_is_plain_data() -> None:
    assert json.loads(json.dumps(to_json(PYTHON)))["binding"]["language"] == "python"
    assert PYTHON.effect == "write"
    assert PYTHON.roles == {"code": "control", "folder": "control"}


def test_the_example_is_certified_and_asks() -> None:
    examples = Path(__file__).parents[3] / "examples"
    given = Proposal.model_validate_json((examples / "squares.proposal.json").read_bytes())
    policy = load_policy(examples / "code-policy.yaml")
    program = certify(given, catalogue=PACK, policy=policy, workers=frozenset({"code"}))
    assert [item.needs_approval for item in program.steps] == [True]
    assert policy.sandbox == "landlock"
