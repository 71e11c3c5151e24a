"""AWS's shapes as JSON Schemas, chains through real output shapes, and the reading beside botocore's."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZipFile

import pytest
from pydantic import JsonValue

from benchmarks.aws import POLICY, WORKERS, is_development, score
from benchmarks.aws_catalogue import catalogue_for, effect_of, scalar
from benchmarks.aws_models import Service, load_services
from benchmarks.aws_oracle import beyond_botocore
from benchmarks.aws_proposals import chain, input_leaves, output_leaves, single
from dagwright.exceptions import InputError
from validation import validate

SHAPES: dict[str, Any] = {
    "VpcId": {"type": "string", "min": 4, "max": 12, "pattern": "vpc-[a-z]+"},
    "Tier": {"type": "string", "enum": ["default", "dedicated"]},
    "Secret": {"type": "string", "sensitive": True},
    "Size": {"type": "integer", "min": 1, "max": 8},
    "Vpcs": {"type": "list", "member": {"shape": "Vpc"}},
    "Vpc": {"type": "structure", "members": {"VpcId": {"shape": "VpcId"}, "Parent": {"shape": "Vpc"}}},
    "Names": {"type": "map", "key": {"shape": "Tier"}, "value": {"shape": "VpcId"}, "max": 1},
    "CreateVpcRequest": {
        "type": "structure",
        "required": ["Tier"],
        "members": {"Tier": {"shape": "Tier"}, "Size": {"shape": "Size"}, "Key": {"shape": "Secret"}},
    },
    "CreateVpcResult": {"type": "structure", "members": {"Vpc": {"shape": "Vpc"}}},
    "DeleteVpcRequest": {
        "type": "structure",
        "required": ["VpcId"],
        "members": {"VpcId": {"shape": "VpcId"}, "Names": {"shape": "Names"}},
    },
}
MODEL: dict[str, Any] = {
    "metadata": {"endpointPrefix": "net"},
    "shapes": SHAPES,
    "operations": {
        "CreateVpc": {
            "name": "CreateVpc",
            "http": {"method": "POST"},
            "input": {"shape": "CreateVpcRequest"},
            "output": {"shape": "CreateVpcResult"},
            "documentation": "<p>Makes a <b>network</b>. And more.</p>",
        },
        "DeleteVpc": {"name": "DeleteVpc", "http": {"method": "POST"}, "input": {"shape": "DeleteVpcRequest"}},
    },
}
EXAMPLES: dict[str, Any] = {
    "examples": {
        "CreateVpc": [{"input": {"Tier": "default", "Size": 2, "Key": "k"}, "description": "Makes one."}],
        "DeleteVpc": [{"input": {"VpcId": "vpc-a"}, "title": "Removes one."}],
    }
}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    path = tmp_path / "wheel.zip"
    with ZipFile(path, "w") as archive:
        for version, examples in (("2015-01-01", {"examples": {}}), ("2016-01-01", EXAMPLES)):
            base = f"botocore/data/net/{version}"
            archive.writestr(f"{base}/examples-1.json", json.dumps(examples))
            archive.writestr(f"{base}/service-2.json.gz", gzip.compress(json.dumps(MODEL).encode()))
    with ZipFile(path) as archive:
        (found,) = load_services(archive)
    return found


def test_the_newest_version_with_its_examples_is_read(service: Service) -> None:
    assert [example.item for example in service.examples] == ["net/CreateVpc/0", "net/DeleteVpc/0"]
    assert [example.text for example in service.examples] == ["Makes one.", "Removes one."]


def test_an_archive_without_examples_is_refused(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("x", "y")
    with ZipFile(tmp_path / "other.zip") as archive, pytest.raises(InputError, match="not the botocore wheel"):
        list(load_services(archive))


def test_shapes_become_schemas(service: Service) -> None:
    create = catalogue_for(service).by_name["net.CreateVpc"]
    assert create.input_schema["required"] == ["Tier"]
    assert create.input_schema["additionalProperties"] is False
    assert create.description == "Makes a network"
    assert create.output_schema["properties"] == {"Vpc": {"$ref": "#/$defs/Vpc"}}
    assert scalar(SHAPES["VpcId"]) == {
        "type": "string",
        "minLength": 4,
        "maxLength": 12,
        "pattern": "^(?:vpc-[a-z]+)$",
    }
    assert scalar(SHAPES["Size"]) == {"type": "integer", "minimum": 1, "maximum": 8}


@pytest.mark.parametrize(
    ("operation", "effect"),
    [("DescribeVpcs", "read"), ("CreateVpc", "external"), ("DeleteVpc", "irreversible"), ("TagVpc", "external")],
)
def test_effects_follow_from_verbs(operation: str, effect: str) -> None:
    assert effect_of(operation) == effect


def test_one_call_is_a_valid_proposal_and_what_is_sensitive_comes_from_the_goal(service: Service) -> None:
    built = single(service, service.examples[0])
    (step,) = built.proposal["decompositions"][0]["steps"]
    assert step["tool_intent"]["required_inputs"]["Key"] == {"input": "s1_secret_1"}
    report = validate(built.proposal, catalogue=catalogue_for(service), policy=POLICY, workers=WORKERS)
    assert report.is_valid, report.errors


def test_a_chain_takes_an_argument_from_the_output_of_the_same_shape(service: Service) -> None:
    create, delete = service.examples
    assert [leaf.shape for leaf in input_leaves(service, delete)] == ["VpcId"]
    assert ("Vpc", "VpcId") in [leaf.place for leaf in output_leaves(service, "CreateVpc")]
    built = chain(service, delete, [create, delete], Random(1))
    assert built is not None
    given = built.proposal["decompositions"][-1]["steps"][-1]["tool_intent"]["required_inputs"]
    assert given["VpcId"]["from"] == "s1"
    assert given["VpcId"]["path"].endswith("/VpcId")
    report = validate(built.proposal, catalogue=catalogue_for(service), policy=POLICY, workers=WORKERS)
    assert report.is_valid, report.errors
    assert chain(service, create, [create, delete], Random(1)) is None, "nothing gives what it takes"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"VpcId": "vpc-a"}, []),
        ({"VpcId": "vpc-1"}, ["/VpcId: not of the pattern"]),
        ({"VpcId": "vpc-abcdefghij"}, ["/VpcId: longer than 12"]),
        ({"VpcId": "vpc-a", "Names": {"other": "vpc-b"}}, ["/Names/other: none of the values"]),
        ({"VpcId": "vpc-a", "Names": {"default": "vpc-b", "dedicated": "vpc-c"}}, ["/Names: longer than 1"]),
    ],
)
def test_what_botocore_does_not_look_at(service: Service, given: dict[str, Any], found: list[str]) -> None:
    assert beyond_botocore(service, "DeleteVpc", given) == found


def proposal(item: str, *, accepted: bool, botocore: int = 0, beyond: int = 0) -> Mapping[str, JsonValue]:
    return {
        "item": item,
        "kind": "single",
        "development": is_development(item),
        "accepted": accepted,
        "botocore": botocore,
        "beyond": [""] * beyond,
    }


def test_figures_are_of_the_records_alone() -> None:
    records: list[Mapping[str, JsonValue]] = [
        proposal("batch/A/0", accepted=True),
        proposal("ec2/A/0", accepted=False),
        proposal("ec2/B/0", accepted=True),
        proposal("ec2/C/0", accepted=False, botocore=1),
        proposal("ec2/D/0", accepted=True, beyond=1),
        {
            "item": "ec2",
            "kind": "mutants",
            "development": False,
            "operators": {"number_for_text": [10, 9, 8, 8], "value_not_allowed": [4, 4, 0, 0]},
            "missed": ["number_for_text: ec2/B/0"],
        },
    ]
    metrics = score(records)
    values = {name: (round(metric.value, 4), metric.n) for name, metric in metrics.items()}
    assert values["false_positive_rate"] == (round(1 / 3, 4), 3)
    assert values["false_positive_rate_held_out"] == (0.5, 2)
    assert values["documentation_errors_rejected"] == (0.5, 2)
    assert values["false_negative_rate"] == (round(1 / 14, 4), 14)
    assert values["missed_of_botocore"] == (0, 8)
    assert values["bad_enums_found"] == (1, 4)
    assert values["bad_enums_botocore_refuses"] == (0, 4)
    assert values["missed.number_for_text"] == (0.1, 10)
