"""A report as SARIF and as rows: every finding, at its place in the file, with what the table says of its code."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import jsonschema
import pandas as pd
import pytest

from dagwright.finding import Finding, Report
from validation import CODES
from validation.reports.rows import COLUMNS, comma_separated
from validation.reports.sarif import Examined, sarif

TEXT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string"}},
}
NUMBER = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
URI = {
    "type": "object",
    "required": ["uri"],
    "additionalProperties": False,
    "properties": {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$"}},
}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


REGION = closed(["startLine"], startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER)
LOGICAL = closed([], fullyQualifiedName={"type": "string"}, name={"type": "string"})
RULE = closed(
    ["id"],
    id={"type": "string"},
    name={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    defaultConfiguration=closed([], level=LEVEL),
    properties={"type": "object"},
)
RESULT = closed(
    ["message", "ruleId"],
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=TEXT,
    locations={
        "type": "array",
        "minItems": 1,
        "items": closed(
            [],
            physicalLocation=closed(["artifactLocation"], artifactLocation=URI, region=REGION),
            logicalLocations={"type": "array", "items": LOGICAL},
        ),
    },
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    properties={"type": "object"},
)
DRIVER = closed(
    ["name"],
    name={"type": "string"},
    semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
    rules={"type": "array", "items": RULE, "uniqueItems": True},
)
SARIF = closed(
    ["version", "runs"],
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "items": closed(
            ["tool"],
            tool=closed(["driver"], driver=DRIVER),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            artifacts={"type": "array", "items": closed([], location=URI, mimeType={"type": "string"})},
            results={"type": "array", "items": RESULT},
        ),
    },
)
"""What the OASIS schema of SARIF 2.1.0 asks of the parts that are written here."""


def test_sarif_has_the_form_that_the_standard_asks_for(examined: Examined) -> None:
    log = sarif([examined], CODES)
    jsonschema.Draft202012Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    json.dumps(log, allow_nan=False)


def test_every_finding_is_a_result_at_its_line(examined: Examined) -> None:
    (run,) = sarif([examined], CODES)["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert [result["ruleId"] for result in results] == [finding.code for finding in examined.findings]
    assert {"M202", "M206", "D302"} <= {result["ruleId"] for result in results}
    for result, finding in zip(results, examined.findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == finding.code
        assert finding.message in result["message"]["text"]
        location = result["locations"][0]
        assert [item["fullyQualifiedName"] for item in location["logicalLocations"]] == [finding.path]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "plans/a%20plan.json"
    (at,) = (r["locations"][0]["physicalLocation"]["region"] for r in results if r["ruleId"] == "M206")
    assert '"literal": "above"' in examined.text.splitlines()[at["startLine"] - 1]


def test_every_code_of_the_table_is_a_rule_once() -> None:
    (run,) = sarif([], CODES)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)


def test_a_fingerprint_outlives_a_change_of_layout(examined: Examined) -> None:
    flat = Examined(name=examined.name, text=json.dumps(json.loads(examined.text)), findings=examined.findings)

    def prints(file: Examined) -> list[str]:
        return [result["partialFingerprints"]["dagwright/v1"] for result in sarif([file], CODES)["runs"][0]["results"]]

    assert prints(flat) == prints(examined)
    assert len(set(prints(examined))) == len(examined.findings)


@pytest.mark.parametrize("severity", ["error", "warning", "info"])
def test_severities_are_levels(severity: Any) -> None:
    found = Finding(code="D309", level="dependency", severity=severity, message="m")
    (run,) = sarif([Examined(name="p", text="{}", findings=(found,))], CODES)["runs"]
    assert run["results"][0]["level"] == {"error": "error", "warning": "warning", "info": "note"}[severity]


def test_rows_are_read_by_csv_and_pandas_as_they_were(examined: Examined) -> None:
    text = comma_separated([(examined.name, examined.findings)])
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["message"] for row in rows] == [finding.message for finding in examined.findings]
    frame = pd.read_csv(io.StringIO(text))
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == len(examined.findings)
    assert frame["needs_approval"].tolist() == [finding.needs_approval for finding in examined.findings]


def test_the_rows_have_what_the_report_gives_as_rows(examined: Examined) -> None:
    given = Report(findings=examined.findings).rows()
    assert set(given[0]) == set(COLUMNS) - {"file"}


def test_a_message_with_quotes_commas_and_line_ends_stays_one_row() -> None:
    found = Finding(code="S101", level="syntactic", severity="error", message='a "b", c\nd\r\ne; =1+1')
    rows = list(csv.DictReader(io.StringIO(comma_separated([("f,\n.json", [found])]), newline="")))
    assert [(row["file"], row["message"]) for row in rows] == [("f,\n.json", found.message)]
