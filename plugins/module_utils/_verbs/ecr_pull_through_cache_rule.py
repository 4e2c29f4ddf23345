# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a pull-through cache rule: images of another registry under a prefix of this one."""

from __future__ import annotations

import re
import typing as t

from .._aws import ecr
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "prefix": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "upstream_url": {"type": "str"},
    "upstream_prefix": {"type": "str"},
    "credential_arn": {"type": "str"},
}

Data = dict[str, t.Any]
_MEMBERS = {"upstream_url": "upstreamRegistryUrl", "upstream_prefix": "upstreamRepositoryPrefix", "credential_arn": "credentialArn"}
# The names of the secrets with the credentials (ECR user guide, pull-through-cache-creating-secret).
_NAME_OF_CREDENTIALS = "ecr-pullthroughcache/"


def run(params: Data, context: Context) -> Data:
    _check(params)
    client, prefix = context.client("ecr"), params["prefix"]
    found = ecr.pull_through_rule(client, prefix)
    before = {option: found[member] for option, member in _MEMBERS.items() if found.get(member)} if found else {}
    after = {} if params["state"] == "absent" else {**before, **{option: params[option] for option in _MEMBERS if params[option]}}
    fixed = [option for option in ("upstream_url", "upstream_prefix") if before and after and before.get(option) != after.get(option)]
    if fixed:
        raise VerbFailure(
            f"{fixed[0]}: the rule of {prefix} has {before.get(fixed[0], 'none')}, and ECR cannot change that to {after[fixed[0]]}. "
            "Remove the rule with state absent first, or use another prefix."
        )
    if before != after and not context.check_mode:
        if not after:
            ecr.delete_pull_through_rule(client, prefix)
        elif not before:
            ecr.create_pull_through_rule(
                client, {"ecrRepositoryPrefix": prefix, **{_MEMBERS[option]: value for option, value in after.items()}}
            )
        else:
            ecr.update_pull_through_rule(client, prefix, after["credential_arn"])
    result: Data = {"changed": before != after, "rule": {"prefix": prefix, **after} if after else None}
    if context.diff_mode:
        result["diff"] = {"before": before, "after": after}
    return result


def _check(params: Data) -> None:
    prefix, secret = params["prefix"], params["credential_arn"]
    if not re.fullmatch(r"(?=.{2,30}$)[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*|ROOT", prefix):
        raise VerbFailure(
            f"prefix: {prefix} is no prefix of repositories. Use 2 to 30 lower case letters, digits, and single . _ - / between them."
        )
    if secret and f":secret:{_NAME_OF_CREDENTIALS}" not in secret:
        raise VerbFailure(
            f"credential_arn: {secret} is not the ARN of a secret whose name begins with {_NAME_OF_CREDENTIALS}, which ECR demands."
        )


VERB = Verb(
    name="ecr_pull_through_cache_rule",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    required_if=(("state", "present", ("upstream_url",)),),
)
