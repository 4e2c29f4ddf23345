"""What a role may do: the `Permissions` door, decided from the role's policies in moto's IAM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from moto.backends import get_backend
from moto.iam.exceptions import NotFoundException

from local_aws.control_plane.moto_in_process import Moto
from local_aws.interfaces import JsonObject

DEFAULT_SESSION = "local-aws"


class Decision(Enum):
    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    SILENT = "not mentioned"


class RolePermissions:
    """Identity-based policies of a role (attached and inline) and its permissions boundary. Trust policies are not looked at."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    def denial(self, role_arn: str, action: str, resource: str) -> str | None:
        """None when the role may do it, else AWS's sentence.

        `role_arn` is `arn:aws:iam::ACCOUNT:role/[path/]NAME`, or `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION` to have the
        session named in the sentence (a task's id, an instance's id). A role that does not exist may do nothing.
        """
        partition, account, name, session = _role_parts(role_arn)
        caller = f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}"
        policies, boundary = self._policies(partition, account, name)
        context = {"aws:principalarn": f"arn:{partition}:iam::{account}:role/{name}", "aws:principalaccount": account}
        by_identity = decide(policies, action, resource, context)
        sentence = f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
        if by_identity is Decision.DENIED:
            return f"{sentence} with an explicit deny in an identity-based policy"
        if by_identity is Decision.SILENT:
            return f"{sentence} because no identity-based policy allows the {action} action"
        if boundary is None:
            return None
        by_boundary = decide([boundary], action, resource, context)
        if by_boundary is Decision.DENIED:
            return f"{sentence} with an explicit deny in a permissions boundary"
        return None if by_boundary is Decision.ALLOWED else f"{sentence} because no permissions boundary allows the {action} action"

    def _policies(self, partition: str, account: str, name: str) -> tuple[list[JsonObject], JsonObject | None]:
        with self._moto.lock:
            backend = get_backend("iam")[account][partition]
            try:
                role = backend.get_role(name)
            except NotFoundException:
                return [], None
            documents = [*role.policies.values(), *(_default_version(policy) for policy in role.managed_policies.values())]
            boundary = backend.managed_policies.get(role.permissions_boundary_arn) if role.permissions_boundary_arn else None
            return [_document(text) for text in documents], _document(_default_version(boundary)) if boundary is not None else None


def _role_parts(arn: str) -> tuple[str, str, str, str]:
    """Partition, account, role name and session name of a role's or an assumed role's ARN."""
    found = re.fullmatch(r"arn:([\w-]+):(iam|sts)::(\d+):(role|assumed-role)/(.+)", arn)
    if found is None:
        raise ValueError(f"{arn} is not the ARN of a role.")
    partition, _, account, kind, rest = found.groups()
    if kind == "assumed-role":
        name, _, session = rest.partition("/")
        return partition, account, name, session or DEFAULT_SESSION
    return partition, account, rest.rpartition("/")[2], DEFAULT_SESSION


def _default_version(policy: Any) -> Any:
    return next(version.document for version in policy.versions if version.is_default)


@lru_cache(maxsize=512)
def _parsed(text: str) -> JsonObject:
    parsed: JsonObject = json.loads(text)
    return parsed


def _document(document: Any) -> JsonObject:
    return _parsed(document) if isinstance(document, str) else dict(document)


def decide(policies: Iterable[JsonObject], action: str, resource: str, context: Mapping[str, str]) -> Decision:
    """IAM's evaluation of identity-based policies: an explicit deny wins, else one allow is enough.

    moto's own evaluation is not used: it knows no NotResource, takes an unmet condition of an Allow for a Deny, and matches
    actions with regard to case.
    """
    decision = Decision.SILENT
    for policy in policies:
        for statement in _listed(policy.get("Statement", [])):
            if not _concerns(statement, action, resource, context):
                continue
            if statement.get("Effect") == "Deny":
                return Decision.DENIED
            decision = Decision.ALLOWED
    return decision


def _concerns(statement: JsonObject, action: str, resource: str, context: Mapping[str, str]) -> bool:
    wanted = action.lower()
    if "NotAction" in statement:
        named = not any(_like(wanted, pattern.lower()) for pattern in _listed(statement["NotAction"]))
    else:
        named = any(_like(wanted, pattern.lower()) for pattern in _listed(statement.get("Action", [])))
    if "NotResource" in statement:
        there = not any(_like(resource, pattern) for pattern in _listed(statement["NotResource"]))
    else:
        there = any(_like(resource, pattern) for pattern in _listed(statement.get("Resource", [])))
    return named and there and _conditions_hold(statement.get("Condition", {}), context)


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """String and ARN operators over the caller's own keys.

    A key that is not known here fails every operator but the Not and IfExists ones, as a key that is missing from a request does
    in IAM. Operators of other kinds count as not met.
    """
    for operator, tests in conditions.items():
        optional = operator.endswith("IfExists")
        base = operator.removesuffix("IfExists")
        negated = "Not" in base
        if not re.fullmatch(r"(String|Arn)(Not)?(Equals|Like|EqualsIgnoreCase)", base):
            return False
        for key, values in tests.items():
            known = context.get(key.lower())
            if known is None:
                if not (optional or negated):
                    return False
                continue
            if any(_holds(base, known, str(value)) for value in _listed(values)) == negated:
                return False
    return True


def _holds(operator: str, known: str, wanted: str) -> bool:
    if operator.endswith("IgnoreCase"):
        return known.lower() == wanted.lower()
    if operator.startswith("Arn") or operator.endswith("Like"):
        return _like(known, wanted)
    return known == wanted


def _like(text: str, pattern: str) -> bool:
    # IAM knows * and ? only; fnmatch would also read [sets].
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
