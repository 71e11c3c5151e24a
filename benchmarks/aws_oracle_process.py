"""Run by `aws_oracle` in a process of its own: botocore from wheels, calls in, verdicts out, a line each way."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def main(wheels: list[str]) -> None:
    """Answers each line of standard input with a line: what botocore has against each call."""
    sys.path[:0] = wheels
    models: Any = import_module("botocore.model")
    validator: Any = import_module("botocore.validate").ParamValidator()
    for line in sys.stdin:
        asked = json.loads(line)
        model: Any = models.ServiceModel(
            {"metadata": {}, "shapes": asked["shapes"], "operations": asked["operations"]}, "x"
        )
        verdicts: list[str] = []
        for operation, parameters in asked["calls"]:
            shape = model.operation_model(operation).input_shape
            if shape is None:
                verdicts.append("unknown parameters: it takes none" if parameters else "")
            else:
                verdicts.append(validator.validate(parameters, shape).generate_report())
        sys.stdout.write(json.dumps(verdicts) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
