"""The `secrets` of container definitions: what each value refers to, and its value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.agent.account import Account, sdk_error
from local_aws.agent.roles import ExecutionRole
from local_aws.interfaces import AwsError

_PARAMETERS_PER_CALL = 10
"""GetParameters takes no more."""


class SecretError(Exception):
    """A secret that cannot be had; the text is the agent's, and becomes the task's stoppedReason (ecs-facts.md 4.2)."""


@dataclass(frozen=True)
class ParameterReference:
    name: str
    """As GetParameters is asked: a name, or an ARN."""
    arn: str
    region: str


@dataclass(frozen=True)
class SecretReference:
    arn: str
    region: str
    json_key: str = ""
    version_stage: str = ""
    version_id: str = ""


def parse(value_from: str, account: str, region: str) -> ParameterReference | SecretReference:
    """`valueFrom` is a parameter's name or ARN, or `secret ARN[:json-key[:version-stage[:version-id]]]` (ECS: Secret)."""
    if not value_from.startswith("arn:"):
        return ParameterReference(value_from, f"arn:aws:ssm:{region}:{account}:parameter/{value_from.removeprefix('/')}", region)
    fields = value_from.split(":")
    if len(fields) >= 7 and fields[2] == "secretsmanager":
        extra = [*fields[7:10], "", "", ""]
        return SecretReference(":".join(fields[:7]), fields[3], extra[0], extra[1], extra[2])
    if len(fields) >= 6 and fields[2] == "ssm":
        return ParameterReference(value_from, value_from, fields[3])
    raise SecretError(f"invalid secret reference {value_from}: neither an SSM parameter nor a Secrets Manager secret")


def fetch(containers: Sequence[Mapping[str, Any]], account: Account, role: ExecutionRole) -> dict[str, dict[str, str]]:
    """Values by container name and variable. Raises SecretError."""
    wanted = [
        (container["name"], secret["name"], parse(secret["valueFrom"], account.account, account.region))
        for container in containers
        for secret in container.get("secrets", ())
    ]
    if not wanted:
        return {}
    if role.arn is None:
        raise SecretError("unable to find execution role credentials")
    parameters = _parameters([reference for _, _, reference in wanted if isinstance(reference, ParameterReference)], account, role)
    secrets: dict[SecretReference, str] = {}
    values: dict[str, dict[str, str]] = {}
    for container, variable, reference in wanted:
        if isinstance(reference, ParameterReference):
            value = parameters[reference]
        else:
            if reference not in secrets:
                secrets[reference] = _secret(reference, account, role)
            value = secrets[reference]
        values.setdefault(container, {})[variable] = value
    return values


def _parameters(references: Sequence[ParameterReference], account: Account, role: ExecutionRole) -> dict[ParameterReference, str]:
    values: dict[ParameterReference, str] = {}
    for region in dict.fromkeys(reference.region for reference in references):
        ours = list(dict.fromkeys(reference for reference in references if reference.region == region))
        where = f"fetching secret data from SSM Parameter Store in {region}"
        for start in range(0, len(ours), _PARAMETERS_PER_CALL):
            part = ours[start : start + _PARAMETERS_PER_CALL]
            for reference in part:
                denial = role.denial("ssm:GetParameters", reference.arn)
                if denial is not None:
                    raise SecretError(f"{where}: {sdk_error('SSM', 'GetParameters', AwsError('AccessDeniedException', denial))}")
            found = account.parameters([reference.name for reference in part], region)
            missing = [reference.name for reference in part if reference.name not in found]
            if missing:
                raise SecretError(f"{where}: invalid parameters: {','.join(missing)}")
            values |= {reference: found[reference.name] for reference in part}
    return values


def _secret(reference: SecretReference, account: Account, role: ExecutionRole) -> str:
    where = f"fetching secret data from AWS Secrets Manager in region {reference.region}"
    denial = role.denial("secretsmanager:GetSecretValue", reference.arn)
    try:
        if denial is not None:
            raise AwsError("AccessDeniedException", denial)
        text = account.secret(reference.arn, reference.version_id, reference.version_stage, reference.region)
    except AwsError as error:
        raise SecretError(f"{where}: secret {reference.arn}: {sdk_error('Secrets Manager', 'GetSecretValue', error)}") from error
    if not reference.json_key:
        return text
    try:
        document = json.loads(text)
    except ValueError as error:
        first = text.lstrip()[:1]
        problem = f"invalid character '{first}' looking for beginning of value" if first else "unexpected end of JSON input"
        raise SecretError(f"{where}: parsing response for secret {reference.arn}: {problem}") from error
    if not isinstance(document, dict) or reference.json_key not in document:
        raise SecretError(f"{where}: retrieved secret from Secrets Manager did not contain json key {reference.json_key}")
    value = document[reference.json_key]
    return value if isinstance(value, str) else json.dumps(value)
