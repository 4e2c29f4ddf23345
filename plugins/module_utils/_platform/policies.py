# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents of IAM, ECR and Secrets Manager, compared as AWS reads them. Pure."""

from __future__ import annotations

import json
import typing as t

Document = dict[str, t.Any]

# Members whose single value and whose list of that one value mean the same (IAM user guide, reference_policies_grammar).
_LISTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})
_PRINCIPALS = frozenset({"Principal", "NotPrincipal"})


def same(one: Document | None, other: Document | None) -> bool:
    """Whether two documents say the same: the order of lists and a single value instead of a list of one make no difference."""
    return canonical(one or {}) == canonical(other or {})


def canonical(document: Document) -> Document:
    """The document in the one spelling in which equal documents are equal. Statements keep their order."""
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [_statement(statement) for statement in listed]} if document else {}


def text(document: Document) -> str:
    """The document as it is sent: without spaces, which count towards the quotas of IAM."""
    return json.dumps(document, separators=(",", ":"))


def readable(document: Document | None) -> str:
    """The document for a diff."""
    return json.dumps(canonical(document), indent=2, sort_keys=True) + "\n" if document else ""


def _statement(statement: Document) -> Document:
    result: Document = {}
    for key, value in statement.items():
        if key in _LISTS:
            result[key] = _texts(value)
        elif key in _PRINCIPALS and isinstance(value, dict):
            result[key] = {kind: _texts(names) for kind, names in value.items()}
        elif key == "Condition":
            result[key] = {operator: {name: _texts(values) for name, values in tests.items()} for operator, tests in value.items()}
        else:
            result[key] = value
    return result


def _texts(value: t.Any) -> list[str]:
    """Sorted texts; a number or a truth value is what AWS makes of it."""
    listed = value if isinstance(value, list) else [value]
    return sorted(str(item).lower() if isinstance(item, bool) else str(item) for item in listed)
