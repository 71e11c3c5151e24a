"""P410: what counts as a secret that is written into a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagwright.finding import Report

KEY = "AKIA" + "Q" * 16


@pytest.mark.parametrize(
    ("argument", "text", "secret"),
    [
        pytest.param("text", f"use {KEY}", True, id="access key in a text"),
        pytest.param("text", KEY, True, id="access key where any text is wanted"),
        pytest.param("AccessKeyId", KEY, False, id="id of an access key where it is wanted"),
        pytest.param("access_key_id", KEY, False, id="other spelling"),
        pytest.param("AccessKeyId", f"{KEY} and more", True, id="more than the id"),
        pytest.param("AccessKeyId", "-----BEGIN RSA PRIVATE KEY-----", True, id="other secret"),
        pytest.param("password", "x", True, id="named like a secret"),
        pytest.param("password", "", False, id="nothing"),
    ],
)
def test_secrets(argument: str, text: str, secret: bool, judge: Callable[..., Report], good: dict[str, Any]) -> None:
    (send,) = good["decompositions"][-1]["steps"]
    send["tool_intent"]["required_inputs"][argument] = {"literal": text}
    assert ("P410" in {finding.code for finding in judge(good).findings}) == secret
