"""`python -m tests.fuzz`: coverage-guided fuzzing with atheris, target after target; 1 where one failed.

Run it by `make fuzz`, which makes the environment. An input that fails is kept beside the cache
(its path is printed) and is tried again alone by `--input FILE TARGET`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

INSTRUMENTED = ["dagwright", "knowledge", "validation"]
LONGEST = 4_096
"""Bytes of one input."""
HANGS = 10
"""Seconds after which an input counts as hanging."""
MOST_MEMORY = 2_048
"""Megabytes."""


def main() -> int:
    """Fuzzes the targets named, or all, each in a process of its own."""
    options = _options()
    if options.one:
        return _fuzz(options)
    from tests.fuzz.targets import TARGETS

    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        print(f"there is no target {unknown[0]!r}; there are: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    if options.input:
        TARGETS[options.targets[0]](options.input.read_bytes())
        return 0
    names = options.targets or list(TARGETS)
    failed = [name for name in names if not _holds(name, options)]
    print(
        f"\n{len(names) - len(failed)} of {len(names)} targets hold" + "".join(f"\nFAILED: {name}" for name in failed)
    )
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="which targets; none named is all")
    parser.add_argument("--seconds", type=int, default=60, help="how long each is fuzzed")
    parser.add_argument("--seed", type=int, default=1, help="seed of the fuzzer")
    parser.add_argument("--kept", type=Path, default=Path(".fuzz"), help="folder of inputs that fail")
    parser.add_argument("--input", type=Path, help="a file with one input, to be tried alone")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _holds(name: str, options: argparse.Namespace) -> bool:
    print(f"\n=== {name}", flush=True)
    own = ["--one", name, "--seconds", str(options.seconds), "--seed", str(options.seed), "--kept", str(options.kept)]
    limit = options.seconds + 120
    try:
        return subprocess.run([sys.executable, "-m", "tests.fuzz", *own], check=False, timeout=limit).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"{name} did not end within {limit} s", file=sys.stderr)
        return False


def _fuzz(options: argparse.Namespace) -> int:
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import TARGETS, opening
    options.kept.mkdir(parents=True, exist_ok=True)
    name = options.targets[0]
    with TemporaryDirectory(prefix="dagwright-fuzz-") as corpus:
        for number, data in enumerate(opening(name, Random(options.seed))):
            (Path(corpus) / str(number)).write_bytes(data)
        flags = [
            f"-max_total_time={options.seconds}",
            f"-seed={options.seed}",
            f"-max_len={LONGEST}",
            "-len_control=0",
            f"-timeout={HANGS}",
            f"-rss_limit_mb={MOST_MEMORY}",
            f"-artifact_prefix={options.kept}/{name}-",
            "-print_final_stats=1",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *flags, corpus], TARGETS[name])
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
