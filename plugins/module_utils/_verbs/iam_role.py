# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes an IAM role what it should be: trust, managed and inline policies, boundary, tags, and an instance profile of its name."""

from __future__ import annotations

import re
import typing as t

from .._aws import iam, sts
from .._platform import policies
from .._platform.roles import Changes, Role, after, compare, shown
from .._platform.tags import mapping, pairs, texts
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "trust_policy": {"type": "dict"},
    "description": {"type": "str"},
    "max_session_duration": {"type": "int"},
    "boundary": {"type": "str"},
    "managed_policies": {"type": "list", "elements": "str"},
    "policies": {"type": "dict"},
    "instance_profile": {"type": "bool", "default": False},
    "tags": {"type": "dict", "default": {}},
}

# IAM user guide, reference_iam-quotas: of all inline policies of a role together, spaces not counted.
_INLINE_CHARACTERS = 10_240
_APPEARS_SECONDS = 30.0


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    _check(params)
    client, name = context.client("iam"), params["name"]
    found = iam.get_role(client, name)
    profile = iam.get_instance_profile(client, name) if params["instance_profile"] else None
    _check_profile(name, profile)
    has = _role(client, name, found, profile) if found else None
    wanted = Role(
        name,
        trust=params["trust_policy"],
        description=params["description"],
        max_session_duration=params["max_session_duration"],
        boundary=params["boundary"],
        managed=params["managed_policies"],
        inline=params["policies"],
        tags=texts(params["tags"]),
        instance_profile=params["instance_profile"],
    )
    if has is None and wanted.trust is None:
        raise VerbFailure(
            f"trust_policy: there is no role {name}, and one cannot be made without. Give the policy that says who may assume it."
        )
    changes = compare(has, wanted)
    words = changes.words(name)
    if not context.check_mode:
        _apply(client, context, changes, wanted, profile)
    result: dict[str, t.Any] = {"changed": bool(words), "changes": words, "role": _shown(context, name, found, profile, wanted)}
    if context.diff_mode:
        result["diff"] = {"before": shown(has), "after": shown(after(has, wanted))}
    return result


def _check(params: dict[str, t.Any]) -> None:
    name, inline = params["name"], params["policies"] or {}
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII):
        raise VerbFailure(f"name: {name} is no name for a role. Use 1 to 64 letters, digits and + = , . @ - _.")
    for policy, document in inline.items():
        if not isinstance(document, dict) or not document.get("Statement"):
            raise VerbFailure(f"policies: {policy} is no policy document. Give a mapping with Version and at least one Statement.")
    size = sum(len(policies.text(document)) for document in inline.values())
    if size > _INLINE_CHARACTERS:
        raise VerbFailure(
            f"policies: the policies of {name} have {size} characters together, and IAM takes {_INLINE_CHARACTERS}. "
            "Name fewer resources, or use patterns for them."
        )
    seconds = params["max_session_duration"]
    if seconds is not None and not 3600 <= seconds <= 43200:
        raise VerbFailure(f"max_session_duration: {seconds} s. Use 3600 to 43200.")


def _check_profile(name: str, profile: dict[str, t.Any] | None) -> None:
    others = [role["RoleName"] for role in (profile or {}).get("Roles", []) if role["RoleName"] != name]
    if others:
        raise VerbFailure(
            f"name: the instance profile {name} holds the role {others[0]}, and one profile holds one role. "
            "Take that role out of it, or choose another name."
        )


def _role(client: t.Any, name: str, found: dict[str, t.Any], profile: dict[str, t.Any] | None) -> Role:
    return Role(
        name,
        trust=found["AssumeRolePolicyDocument"],
        description=found.get("Description", ""),
        max_session_duration=found.get("MaxSessionDuration"),
        boundary=found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        managed=iam.attached_policies(client, name),
        inline={policy: iam.inline_policy(client, name, policy) for policy in iam.inline_policy_names(client, name)},
        tags=mapping(found.get("Tags", [])),
        instance_profile=bool((profile or {}).get("Roles")),
    )


def _apply(client: t.Any, context: Context, changes: Changes, wanted: Role, profile: dict[str, t.Any] | None) -> None:
    name = wanted.name
    if changes.create:
        _create(client, context, wanted)
    else:
        _update(client, changes, wanted)
    # Rights are given before others are taken: a role that is in use is never without what it keeps.
    for arn in changes.attach:
        iam.attach_policy(client, name, arn)
    for policy in changes.put:
        iam.put_inline_policy(client, name, policy, policies.text((wanted.inline or {})[policy]))
    for arn in changes.detach:
        iam.detach_policy(client, name, arn)
    for policy in changes.delete:
        iam.delete_inline_policy(client, name, policy)
    if changes.instance_profile:
        if profile is None:
            iam.create_instance_profile(client, name, pairs(wanted.tags))
        iam.add_role_to_instance_profile(client, name, name)


def _create(client: t.Any, context: Context, wanted: Role) -> None:
    request = {
        "RoleName": wanted.name,
        "AssumeRolePolicyDocument": policies.text(wanted.trust or {}),
        "Description": wanted.description,
        "MaxSessionDuration": wanted.max_session_duration,
        "PermissionsBoundary": wanted.boundary,
        "Tags": pairs(wanted.tags),
    }
    iam.create_role(client, {key: value for key, value in request.items() if value})
    # IAM is eventually consistent: what follows would not find the role yet.
    deadline = context.clock.monotonic() + _APPEARS_SECONDS
    while iam.get_role(client, wanted.name) is None and context.clock.monotonic() < deadline:
        context.clock.sleep(1.0)


def _update(client: t.Any, changes: Changes, wanted: Role) -> None:
    name = wanted.name
    if changes.trust:
        iam.update_trust(client, name, policies.text(wanted.trust or {}))
    if changes.settings:
        settings = {"Description": wanted.description, "MaxSessionDuration": wanted.max_session_duration}
        iam.update_role(client, name, **{key: value for key, value in settings.items() if value is not None})
    if changes.boundary and wanted.boundary:
        iam.put_boundary(client, name, wanted.boundary)
    elif changes.boundary:
        iam.delete_boundary(client, name)
    if changes.tags:
        iam.tag_role(client, name, pairs(changes.tags))


def _shown(context: Context, name: str, found: dict[str, t.Any] | None, profile: dict[str, t.Any] | None, wanted: Role) -> dict[str, t.Any]:
    """Name and ARNs. Those of what has just been made, or in check mode would be, follow from the account."""
    prefix = None
    if found is None or (wanted.instance_profile and profile is None):
        caller = sts.identity(context.client("sts"))
        prefix = f"arn:{caller.partition}:iam::{caller.account}"
    result = {"name": name, "arn": found["Arn"] if found else f"{prefix}:role/{name}"}
    if wanted.instance_profile:
        result["instance_profile_arn"] = profile["Arn"] if profile else f"{prefix}:instance-profile/{name}"
    return result


VERB = Verb(name="iam_role", argument_spec=ARGUMENT_SPEC, run=run)
