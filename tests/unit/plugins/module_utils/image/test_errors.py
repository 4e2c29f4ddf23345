# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import Complaint, ImageError, hint_for, read_complaint


def body(**error: object) -> bytes:
    return json.dumps({"errors": [error]}).encode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (body(code="DENIED", message="no"), Complaint("DENIED", "no")),
        (body(code="DENIED", message="no", detail="User: x"), Complaint("DENIED", "no (User: x)")),
        (body(code="DENIED", detail="only this"), Complaint("DENIED", "only this")),
        (body(code="DENIED", message="no", detail={"a": 1}), Complaint("DENIED", "no")),
        (b'{"errors": []}', Complaint("", '{"errors": []}')),
        (b"<html>gateway</html>", Complaint("", "<html>gateway</html>")),
        (b"[]", Complaint("", "[]")),
        (b'{"errors": ["x"]}', Complaint("", '{"errors": ["x"]}')),
        (b"\xff", Complaint("", "\ufffd")),
        (b"x" * 1000, Complaint("", "x" * 300)),
        (b"", Complaint("", "")),
    ],
)
def test_reads_what_a_registry_says(given: bytes, expected: Complaint) -> None:
    assert read_complaint(given) == expected


@pytest.mark.parametrize(
    ("status", "code", "message", "hint"),
    [
        (404, "NAME_UNKNOWN", "", "Create the repository"),
        (404, "", "The repository with name 'x' does not exist", "Create the repository"),
        (400, "TAG_INVALID", "... because the repository is immutable.", "new tag"),
        (400, "", "KMS key is disabled", "KMS key"),
        (405, "UNSUPPORTED", "Limit on number of layers per image exceeded", "fewer layers"),
        (403, "DENIED", "The image quota of the repository is used up", "Service Quotas"),
        (429, "TOOMANYREQUESTS", "Rate exceeded", "request rate"),
        (429, "", "limit exceeded", "request rate"),
        (401, "UNAUTHORIZED", "", "did not accept the token"),
        (403, "DENIED", "not authorized to perform ecr:PutImage", "ecr:PutImage"),
        (413, "", "", "proxy"),
        (500, "", "boom", ""),
    ],
)
def test_hints_fit_the_answer(status: int, code: str, message: str, hint: str) -> None:
    found = hint_for(status, Complaint(code, message))
    assert hint in found if hint else found == ""


def test_an_error_reads_as_message_and_hint() -> None:
    assert str(ImageError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(ImageError("It broke.")) == "It broke."
