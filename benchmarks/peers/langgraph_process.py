"""Run by `peer` in LangGraph's own environment: DAGs of sleeping tasks on its scheduler, as its manual says.

One node per task; a task with several predecessors is joined by one edge from all of them, which waits for
all. A step is awaited, so that no thread is in its way. With a file of checkpoints LangGraph writes one after
each of its steps, before the next begins (`durability="sync"`).
"""

from __future__ import annotations

import asyncio
import json
import operator
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Annotated, Any, TypedDict


class Ran(TypedDict):
    """A graph's state."""

    tasks: Annotated[int, operator.add]
    """How many tasks have run."""


def compiled(after: Mapping[str, list[str]], seconds: Mapping[str, float], saver: Any) -> Any:
    """Gives a graph that sleeps along a DAG."""
    graph_module: Any = import_module("langgraph.graph")
    graph = graph_module.StateGraph(Ran)
    for name, befores in after.items():
        graph.add_node(name, napping(seconds[name]))
        if len(befores) > 1:
            graph.add_edge(befores, name)
        else:
            graph.add_edge(befores[0] if befores else graph_module.START, name)
    return graph.compile(checkpointer=saver)


def napping(seconds: float) -> Any:
    """Gives a node that sleeps."""

    async def nap(_state: Ran) -> dict[str, int]:
        if seconds:
            await asyncio.sleep(seconds)
        return {"tasks": 1}

    return nap


async def ran(job: dict[str, Any], graph: Any, *, durable: bool) -> dict[str, Any]:
    """Runs one DAG; what is timed is the run alone, without building and compiling the graph."""
    settings = {"recursion_limit": len(job["after"]) + 10, "configurable": {"thread_id": job["item"]}}
    durability = {"durability": "sync"} if durable else {}
    begun = time.perf_counter()
    state = await graph.ainvoke({"tasks": 0}, config=settings, **durability)
    return {"item": job["item"], "seconds": time.perf_counter() - begun, "tasks": state["tasks"]}


async def main(asked: dict[str, Any]) -> None:
    """Builds all graphs, runs them, some at a time, and writes a line for each as it ends."""
    async with AsyncExitStack() as stack:
        saver = None
        if asked["durable"]:
            module: Any = import_module("langgraph.checkpoint.sqlite.aio")
            saver = await stack.enter_async_context(module.AsyncSqliteSaver.from_conn_string(asked["durable"]))
        turns = asyncio.Semaphore(asked["together"])
        graphs = [compiled(job["after"], job["seconds"], saver) for job in asked["jobs"]]

        async def one(job: dict[str, Any], graph: Any) -> None:
            async with turns:
                try:
                    answer = await ran(job, graph, durable=saver is not None)
                except Exception as error:  # noqa: BLE001 - whatever goes wrong is the answer
                    answer = {"item": job["item"], "failed": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

        await asyncio.gather(*map(one, asked["jobs"], graphs))


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
