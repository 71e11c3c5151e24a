"""Fetches a Kafka broker for the tests of the kafka binding: `python tests/kafka_jars.py` prints its folder.

Maven brings Apache Kafka and what it needs into the user's cache (43 MB, once); every jar is checked against
`kafka_jars.sha256`. Needs `mvn`; running it needs Java 17 or newer.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

VERSION = "4.1.0"
POM = f"""<project><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
</dependency></dependencies></project>
"""
SUMS = Path(__file__).with_suffix(".sha256")
SECONDS = 600


def folder() -> Path:
    """Gives where the jars are, or will be."""
    cache = os.environ.get("DAGWRIGHT_CACHE") or platformdirs.user_cache_dir("dagwright")
    return Path(cache).absolute() / f"kafka-{VERSION}"


def wanted() -> dict[str, str]:
    """Gives the checksum of each jar by its name."""
    lines = (line.split() for line in SUMS.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in lines}


def problems(where: Path) -> list[str]:
    """Gives what is missing, wrong or too much in a folder."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in where.glob("*.jar")}
    expected = wanted()
    names = sorted(found.keys() | expected.keys())
    return [
        f"{name}: {found.get(name, 'missing')}, not {expected.get(name, 'expected')}"
        for name in names
        if found.get(name) != expected.get(name)
    ]


def fetch() -> Path:
    """Gives the folder of the jars, fetched where they were not there."""
    target = folder()
    if target.is_dir() and not problems(target):
        return target
    maven = shutil.which("mvn")
    if maven is None:
        sys.exit("mvn is needed to fetch Kafka")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        (Path(work) / "pom.xml").write_text(POM, encoding="utf-8")
        jars = Path(work) / "jars"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        done = subprocess.run(
            [maven, "-q", "-B", *goal], cwd=work, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode:
            sys.exit(f"mvn could not fetch Kafka {VERSION}: {done.stdout[-500:]}")
        wrong = problems(jars)
        if wrong:
            sys.exit("what was fetched is not what it should be:\n" + "\n".join(wrong))
        shutil.rmtree(target, ignore_errors=True)
        jars.rename(target)
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{fetch()}\n")
