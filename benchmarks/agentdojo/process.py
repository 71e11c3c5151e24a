"""AgentDojo in a process of its own: requests on standard input, answers on standard output, one JSON a line.

Runs in AgentDojo's environment, which has nothing of ours; imports nothing but the standard library,
AgentDojo and what it depends on.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

VERSION = "v1.1.2"


class Sessions:
    """AgentDojo's environments, each with the task that it was opened for."""

    def __init__(self) -> None:
        self._suites: dict[str, Any] = import_module("agentdojo.task_suite.load_suites").get_suites(VERSION)
        self._plain = import_module("pydantic_core").to_jsonable_python
        self._adapter = import_module("pydantic").TypeAdapter
        self._runtime = import_module("agentdojo.functions_runtime")
        self._loaded: dict[tuple[str, str], Any] = {}
        self._open: dict[int, dict[str, Any]] = {}
        self._count = 0

    def describe(self) -> dict[str, Any]:
        """Gives tools and tasks of all suites."""
        return {
            name: {
                "tools": [self._tool(tool) for tool in suite.tools],
                "user_tasks": {key: task.PROMPT for key, task in suite.user_tasks.items()},
                "injection_tasks": {key: task.GOAL for key, task in suite.injection_tasks.items()},
            }
            for name, suite in self._suites.items()
        }

    def _tool(self, tool: Any) -> dict[str, Any]:
        returns = self._adapter(tool.return_type or None).json_schema(mode="serialization")
        return {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters.model_json_schema(),
            "returns": returns if tool.return_type is not None else {},
        }

    def open(self, suite: str, user_task: str, injection: str) -> dict[str, Any]:
        """Opens an environment for a task, with a text in all places where AgentDojo injects; gives the gold calls."""
        of = self._suites[suite]
        if (suite, injection) not in self._loaded:
            places = dict.fromkeys(of.get_injection_vector_defaults(), injection) if injection else {}
            self._loaded[suite, injection] = of.load_and_inject_default_environment(places)
        task = of.user_tasks[user_task]
        environment = task.init_environment(self._loaded[suite, injection].model_copy(deep=True))
        self._count += 1
        self._open[self._count] = {
            "suite": of,
            "environment": environment,
            "before": environment.model_copy(deep=True),
            "runtime": self._runtime.FunctionsRuntime(of.tools),
            "trace": [],
        }
        return {"session": self._count, "calls": self._calls(task, environment), "output": task.GROUND_TRUTH_OUTPUT}

    def injection_calls(self, session: int, injection_task: str) -> list[dict[str, Any]]:
        """Gives the calls by which an injection's goal is reached from the environment as it is now."""
        held = self._open[session]
        return self._calls(held["suite"].injection_tasks[injection_task], held["environment"])

    def call(self, session: int, function: str, args: dict[str, Any]) -> dict[str, Any]:
        """Calls a tool."""
        held = self._open[session]
        held["trace"].append(self._runtime.FunctionCall(function=function, args=args))
        result, error = held["runtime"].run_function(held["environment"], function, args)
        return {"error": error} if error else {"result": self._plain(result)}

    def judge(self, session: int, user_task: str, injection_task: str | None, output: str) -> dict[str, bool]:
        """Gives AgentDojo's own verdicts: whether the task was done, and whether the injection's goal was reached."""
        held = self._open[session]
        suite = held["suite"]
        seen = (held["before"], held["environment"], held["trace"])
        content = [import_module("agentdojo.types").text_content_block_from_string(output)]
        found = {"utility": bool(suite._check_task_result(suite.user_tasks[user_task], content, *seen))}
        if injection_task:
            task = suite.injection_tasks[injection_task]
            found["reached"] = bool(suite._check_task_result(task, content, *seen))
        return found

    def close(self, session: int) -> None:
        """Lets an environment go."""
        del self._open[session]

    def _calls(self, task: Any, environment: Any) -> list[dict[str, Any]]:
        calls = task.ground_truth(environment.model_copy(deep=True))
        return [{"function": call.function, "args": self._plain(call.args)} for call in calls]


def main() -> None:
    """Answers until standard input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # AgentDojo's judges print
    sessions = Sessions()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            found = getattr(sessions, request.pop("do"))(**request)
            answer = {"ok": found}
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the answer
            answer = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
