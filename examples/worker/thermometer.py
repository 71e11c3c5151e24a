"""The example of the README: a worker in twenty lines."""

import os
import sys

from worker import Rejected, Worker

worker = Worker(os.environ.get("WORKER_KEYS", "keys.db"), token=os.environ.get("WORKER_TOKEN"))
NUMBER = {"type": "number"}
LAWS = {"celsius": lambda value: value, "fahrenheit": lambda value: (value - 32) * 5 / 9}


@worker.operation(
    "units.to_celsius",
    arguments={"type": "object", "properties": {"value": NUMBER, "unit": {"type": "string"}}, "required": ["value"]},
    outputs={"type": "object", "properties": {"celsius": NUMBER}, "required": ["celsius"]},
    idempotent=True,
)
def to_celsius(arguments: dict, request: dict) -> dict:
    """Gives degrees Celsius."""
    unit = arguments.get("unit", "celsius")
    if unit not in LAWS:
        raise Rejected("unknown_unit", f"units are: {', '.join(LAWS)}")
    return {"celsius": LAWS[unit](arguments["value"])}


if __name__ == "__main__":
    worker.serve(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8090)
