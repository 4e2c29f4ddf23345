# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks, before a deploy, at everything that the tasks of a definition will need. Changes nothing."""

from __future__ import annotations

import http.client
import json
import typing as t
import urllib.parse
from dataclasses import replace

from ansible.module_utils.urls import open_url

from .._aws import ecr, ecs, elbv2, iam, logs, secretsmanager, ssm, sts
from .._aws.failures import error_code, error_message
from .._taskdef import verification
from .._taskdef.arns import SecretReference, account_in, parse_value_from, partition_of
from .._taskdef.checks import shape_problems
from .._taskdef.reading import registrable
from .._taskdef.verification import FAILED, Check, failed, ok, unknown
from .._verb import Context, Verb, VerbFailure

Data = dict[str, t.Any]
Params = dict[str, t.Any]

ARGUMENT_SPEC: dict[str, t.Any] = {
    "definition": {"type": "dict"},
    "task_definition": {"type": "str"},
    "cluster": {"type": "str"},
    "service": {"type": "str"},
    "load_balancers": {
        "type": "list",
        "elements": "dict",
        "options": {
            "target_group_arn": {"type": "str", "required": True},
            "container_name": {"type": "str", "required": True},
            "container_port": {"type": "int", "required": True},
        },
    },
    "fail": {"type": "bool", "default": True},
}

_FETCH_SECONDS = 15
_LONGEST_CONFIGURATION = 4 * 1024 * 1024


def run(params: Params, context: Context) -> Data:
    definition = registrable(definition_to_look_at(params, context))
    checks = [
        *_images(params, context, definition),
        *_roles(context, definition),
        *_secrets(context, definition),
        *_log_groups(context, definition),
        *_load_balancers(params, context, definition),
        *_environment_files(definition),
    ]
    wrong = [item for item in checks if item["result"] == FAILED]
    for item in checks:
        if item["result"] != verification.OK:
            context.progress(f"{item['check']} {item['subject']}: {item['result']}: {item['message']}")
    result: Data = {"changed": False, "checks": checks, "failed_checks": len(wrong)}
    if wrong and params["fail"]:
        lines = [f"{item['check']} {item['subject']}: {item['message']}. {item['fix']}" for item in wrong]
        raise VerbFailure("The tasks of this definition could not run:\n  " + "\n  ".join(lines), **result)
    return result


def definition_to_look_at(params: Params, context: Context) -> Data:
    """The definition that the options name. A registered one comes with what ECS found out about it, such as `requiresAttributes`."""
    if params["definition"] is not None:
        definition: Data = params["definition"]
        misshapen = shape_problems(registrable(definition))
        if misshapen:
            raise VerbFailure("The task definition cannot be looked at:\n  " + "\n  ".join(misshapen), problems=misshapen)
        return definition
    found = ecs.describe_task_definition(context.client("ecs"), params["task_definition"])
    if found is None:
        raise VerbFailure(
            f"task_definition: there is no task definition {params['task_definition']}. It is family, family:revision or an ARN."
        )
    return found


def _asked(check: str, subject: str, ask: t.Callable[..., Check], *arguments: t.Any) -> Check:
    """What `ask` finds, or that it is unknown when AWS refuses to say."""
    try:
        return ask(*arguments)
    except Exception as error:
        return _refused(check, subject, error)


def _refused(check: str, subject: str, error: Exception) -> Check:
    code = error_code(error)
    if not code:
        raise error
    return unknown(check, subject, f"{getattr(error, 'operation_name', 'a call')} was refused: {code}: {error_message(error)}")


def _region(context: Context) -> str:
    return str(context.client("ecs").meta.region_name)


def _images(params: Params, context: Context, definition: Data) -> t.Iterator[Check]:
    instances: set[str] = set()
    if params["cluster"]:
        try:
            instances = _instance_architectures(context, params["cluster"])
        except Exception as error:
            yield _refused("cluster_architecture", params["cluster"], error)
        else:
            judged = verification.judge_instances(definition, instances, params["cluster"])
            if judged:
                yield judged
    wanted = verification.wanted_architectures(definition, instances)
    for image in dict.fromkeys(str(item.get("image")) for item in definition.get("containerDefinitions") or []):
        try:
            yield from _image(params, context, image, wanted)
        except Exception as error:
            yield _refused("image", image, error)


def _instance_architectures(context: Context, cluster: str) -> set[str]:
    found: set[str] = set()
    for instance in ecs.describe_container_instances(context.client("ecs"), cluster):
        for attribute in instance.get("attributes") or []:
            if attribute.get("name") == "ecs.cpu-architecture" and attribute.get("value"):
                found.add(str(attribute["value"]))
    return found


def _image(params: Params, context: Context, image: str, wanted: set[str]) -> t.Iterator[Check]:
    place = verification.ecr_image(image)
    if place is None:
        yield unknown("image", image, "it is not in Amazon ECR, and other registries are not asked")
        return
    if place.region != _region(context):
        yield unknown("image", image, f"it is in {place.region}, and only {_region(context)} is asked")
        return
    client = context.client("ecr")
    manifest = ecr.image_manifest(client, place.registry_id, place.repository, place.tag, place.digest)
    if manifest is None:
        yield failed(
            "image", image, "there is no such image in the repository, or no such repository", "Push the image, or correct its name."
        )
        return
    yield ok("image", image, "is there")
    has = verification.index_architectures(manifest)
    if has is None:
        digest = str((manifest.get("config") or {}).get("digest"))
        url = ecr.download_url(client, place.registry_id, place.repository, digest)
        try:
            has = {str(_configuration(params, url).get("architecture"))}
        except (OSError, ValueError, http.client.HTTPException) as error:
            # ECR hands out blobs from Amazon S3, which not every network lets through. The URL is a key to the blob: it is not shown.
            host = urllib.parse.urlsplit(url).hostname
            why = getattr(error, "reason", None) or type(error).__name__
            yield unknown("image_architecture", image, f"the image's configuration cannot be fetched from {host}: {why}")
            return
    yield verification.judge_architecture(image, has, wanted)


def _configuration(params: Params, url: str) -> Data:
    """The configuration of an image, which says what it is built for."""
    with open_url(
        url, timeout=_FETCH_SECONDS, validate_certs=params.get("validate_certs", True), ca_path=params.get("aws_ca_bundle")
    ) as answer:
        return dict(json.loads(answer.read(_LONGEST_CONFIGURATION)))


def _roles(context: Context, definition: Data) -> t.Iterator[Check]:
    why = verification.needs_execution_role(definition)
    if why:
        yield failed("execution_role", "executionRoleArn", f"the definition names no execution role, and {why}", "Name one.")
    for check, member in (("execution_role", "executionRoleArn"), ("task_role", "taskRoleArn")):
        arn = definition.get(member)
        if arn:
            yield _asked(check, arn, _role, context, check, arn)


def _role(context: Context, check: str, arn: str) -> Check:
    return verification.judge_role(check, arn, iam.trust_policy(context.client("iam"), arn))


def _secrets(context: Context, definition: Data) -> t.Iterator[Check]:
    account = account_in(definition)
    for value_from, users in verification.secret_uses(definition).items():
        subject = f"{', '.join(users)} ({value_from})"
        reference = parse_value_from(value_from)
        if reference is None:
            yield failed("secret", subject, "it refers to neither an SSM parameter nor a secret", "Correct valueFrom.")
            continue
        region = _region(context)
        if reference.region not in ("", region):
            yield unknown("secret", subject, f"it is in {reference.region}, and only {region} is asked")
            continue
        yield _asked("secret", subject, _secret, context, reference, subject)
        role = definition.get("executionRoleArn")
        if role:
            if not reference.name.startswith("arn:"):
                account = account or sts.account(context.client("sts"))
                name = f"arn:{partition_of(region)}:ssm:{region}:{account}:parameter/{reference.name.removeprefix('/')}"
                reference = replace(reference, name=name)
            yield _asked("secret_access", subject, _access, context, role, reference, subject)


def _secret(context: Context, reference: SecretReference, subject: str) -> Check:
    if reference.kind == "ssm":
        # By its ARN or by its name; a value is not asked for in plain.
        if ssm.parameter_exists(context.client("ssm"), reference.name):
            return ok("secret", subject, "the parameter is there")
        return failed("secret", subject, "there is no such SSM parameter", "Create it, or correct its name.")
    client = context.client("secretsmanager")
    if not (reference.key or reference.version_stage or reference.version_id):
        if secretsmanager.describe_secret(client, reference.name):
            return ok("secret", subject, "the secret is there")
        return failed("secret", subject, "there is no such secret", "Create it, or correct its ARN, with the six characters at its end.")
    # Which keys a secret has only its value tells. It is looked at here and goes nowhere.
    answer = secretsmanager.get_secret_value(client, reference.name, reference.version_stage, reference.version_id)
    if answer is None:
        return failed("secret", subject, "there is no such secret, or no such version of it", "Create it, or correct its ARN and version.")
    if not reference.key:
        return ok("secret", subject, "the secret and its version are there")
    try:
        value = json.loads(answer.get("SecretString") or "")
    except ValueError:
        return failed("secret", subject, "the secret is not JSON, and a key of it is asked for", "Leave the key out, or store JSON.")
    if not isinstance(value, dict) or reference.key not in value:
        return failed("secret", subject, f"the secret has no key {reference.key!r}", "Add the key to the secret, or correct its name.")
    return ok("secret", subject, "the secret and its key are there")


def _access(context: Context, role: str, reference: SecretReference, subject: str) -> Check:
    action = "ssm:GetParameters" if reference.kind == "ssm" else "secretsmanager:GetSecretValue"
    decision = iam.simulate(context.client("iam"), role, action, reference.name)
    name = role.rsplit("/", 1)[-1]
    if decision == "allowed":
        return ok("secret_access", subject, f"the execution role {name} may read it")
    may_be_let_in = decision == "implicitDeny" and reference.kind == "secretsmanager"
    if may_be_let_in and secretsmanager.has_policy(context.client("secretsmanager"), reference.name):
        return unknown("secret_access", subject, f"the policies of {name} do not allow {action}, and the secret's own policy may")
    denied = "deny" if decision == "explicitDeny" else "do not allow"
    return failed(
        "secret_access",
        subject,
        f"the policies of the execution role {name} {denied} {action} on it",
        f"Allow {action} on {reference.name} in a policy of {name}.",
    )


def _log_groups(context: Context, definition: Data) -> t.Iterator[Check]:
    for group, options in verification.log_groups(definition).items():
        region = options.get("awslogs-region")
        if region and region != _region(context):
            yield unknown("log_group", group, f"it is in {region}, and only {_region(context)} is asked")
        else:
            yield _asked("log_group", group, _log_group, context, group, options)


def _log_group(context: Context, group: str, options: Data) -> Check:
    if logs.log_group_exists(context.client("logs"), group):
        return ok("log_group", group, "is there")
    if str(options.get("awslogs-create-group")).lower() == "true":
        return unknown("log_group", group, "is not there; the first task is to create it, and whether it may is not looked at")
    return failed("log_group", group, "there is no such log group", "Create it, or correct awslogs-group.")


def _load_balancers(params: Params, context: Context, definition: Data) -> t.Iterator[Check]:
    entries: list[Data] = [
        {"targetGroupArn": item["target_group_arn"], "containerName": item["container_name"], "containerPort": item["container_port"]}
        for item in params["load_balancers"] or []
    ]
    if params["load_balancers"] is None and params["service"]:
        service = ecs.describe_service(context.client("ecs"), params["cluster"], params["service"])
        if service is not None and service.get("status") != "INACTIVE":
            entries = [item for item in service.get("loadBalancers") or [] if item.get("targetGroupArn")]
    for entry in entries:
        yield verification.judge_load_balancer(definition, entry)
        yield _asked("target_group", entry["targetGroupArn"], _target_group, context, definition, entry)


def _target_group(context: Context, definition: Data, entry: Data) -> Check:
    return verification.judge_target_group(definition, entry, elbv2.describe_target_group(context.client("elbv2"), entry["targetGroupArn"]))


def _environment_files(definition: Data) -> t.Iterator[Check]:
    for container in definition.get("containerDefinitions") or []:
        for item in container.get("environmentFiles") or []:
            yield unknown("environment_file", str(item.get("value")), "files in Amazon S3 are not looked at")


VERB = Verb(
    name="ecs_task_definition_verify",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    mutually_exclusive=(("definition", "task_definition"),),
    required_one_of=(("definition", "task_definition"),),
    required_by={"service": ("cluster",)},
)
