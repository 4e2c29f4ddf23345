# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security groups of a VPC with exactly the rules that are wanted. Groups may name each other, whichever is made first."""

from __future__ import annotations

import typing as t

from .._aws import ec2_network as ec2
from .._platform import network
from .._platform import security_groups as rules
from .._platform.tags import mapping, missing, texts
from .._verb import Context, Verb, VerbFailure

Data = dict[str, t.Any]

_RULE: Data = {
    "type": "list",
    "elements": "dict",
    "options": {
        "protocol": {"type": "str", "choices": ["tcp", "udp", "all"], "default": "tcp"},
        "ports": {"type": "list", "elements": "str", "default": []},
        "cidrs": {"type": "list", "elements": "str", "default": []},
        "groups": {"type": "list", "elements": "str", "default": []},
        "prefix_lists": {"type": "list", "elements": "str", "default": []},
        "description": {"type": "str", "default": ""},
    },
}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "vpc_id": {"type": "str", "required": True},
    "groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "required": True},
            "ingress": {**_RULE, "default": []},
            "egress": {**_RULE, "default": []},
        },
    },
    "tags": {"type": "dict", "default": {}},
}

_NOT_YET_SECONDS = 30.0


def run(params: Data, context: Context) -> Data:
    faults = rules.problems(params["groups"])
    if faults:
        raise VerbFailure(" ".join(faults))
    client, vpc_id = context.client("ec2"), params["vpc_id"]
    found = {group["GroupName"]: group for group in ec2.security_groups(client, vpc_id)}
    changes: list[Data] = []
    for group in params["groups"]:
        _make_group(context, params, group, found, changes)
    ids = {name: group["GroupId"] for name, group in found.items() if group["GroupId"]}
    _check_named(params["groups"], ids, context.check_mode)
    for group in params["groups"]:
        for direction, member in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
            wanted = rules.wanted_rules(group[direction], ids)
            _set_rules(context, group["name"], direction, found[group["name"]], member, wanted, changes)
    result: Data = {
        "changed": bool(changes),
        "differences": changes,
        "group_ids": {group["name"]: found[group["name"]]["GroupId"] for group in params["groups"]},
    }
    if changes and context.diff_mode:
        result["diff"] = {
            side: "".join(f"{change['part']}: {line}\n" for change in changes for line in change[side]) for side in ("before", "after")
        }
    return result


def _make_group(context: Context, params: Data, group: Data, found: dict[str, Data], changes: list[Data]) -> None:
    """Make a group without rules, or see to its tags."""
    client, name = context.client("ec2"), group["name"]
    tags = {**texts(params["tags"]), "Name": name}
    there = found.get(name)
    if there is None:
        changes.append({"part": name, "before": [], "after": [group["description"]]})
        # Whoever makes a group is given a rule that lets everything out.
        outward: list[Data] = [{"IpProtocol": rules.ALL, "IpRanges": [{"CidrIp": network.EVERYWHERE}]}]
        made = None
        if not context.check_mode:
            made = ec2.create_security_group(client, params["vpc_id"], name, group["description"], tags)
        found[name] = {"GroupId": made, "GroupName": name, "IpPermissions": [], "IpPermissionsEgress": outward}
        return
    if there["Description"] != group["description"]:
        context.warn(f"description: the security group {name} ({there['GroupId']}) says {there['Description']!r}, which cannot be changed.")
    untagged = missing(mapping(there.get("Tags") or ()), tags)
    if untagged:
        changes.append({"part": f"{name} tags", "before": [], "after": [f"{key}={value}" for key, value in sorted(untagged.items())]})
        if not context.check_mode:
            ec2.create_tags(client, there["GroupId"], untagged)


def _check_named(groups: t.Sequence[Data], ids: t.Mapping[str, str], check_mode: bool) -> None:
    named = {name for group in groups for rule in [*group["ingress"], *group["egress"]] for name in rule["groups"]}
    unknown = sorted(name for name in named if name not in ids and not name.startswith("sg-"))
    # In check mode a task before this one may have said that it would make them.
    if unknown and not check_mode:
        raise VerbFailure(f"groups: there is no security group {', '.join(unknown)} in this VPC. Make it first, or name another.")


def _set_rules(context: Context, name: str, direction: str, found: Data, member: str, wanted: set[rules.Rule], changes: list[Data]) -> None:
    client, there = context.client("ec2"), rules.found_rules(found[member])
    more, less = wanted - there, there - wanted
    if not more and not less:
        return
    changes.append(
        {
            "part": f"{name} {direction}",
            "before": [rule.words() for rule in sorted(less)],
            "after": [rule.words() for rule in sorted(more)],
        }
    )
    if context.check_mode:
        return
    authorize, revoke = (ec2.authorize_ingress, ec2.revoke_ingress) if direction == "ingress" else (ec2.authorize_egress, ec2.revoke_egress)
    # A rule of which only the description differs is in the way of the new one. Any other goes after it, so that nothing is cut off.
    same = {rule for rule in less if any(_without_description(rule) == _without_description(other) for other in more)}
    for write, some in ((revoke, same), (authorize, more), (revoke, less - same)):
        if some:
            _patiently(context, write, client, found["GroupId"], rules.request(some))


def _without_description(rule: rules.Rule) -> tuple[str, int, int, str]:
    return rule.protocol, rule.first, rule.last, rule.peer


def _patiently(context: Context, write: t.Callable[..., None], *arguments: t.Any) -> None:
    """EC2 may not know everywhere yet the group that it has just made."""
    deadline = context.clock.monotonic() + _NOT_YET_SECONDS
    while True:
        try:
            return write(*arguments)
        except Exception as error:
            if not ec2.is_not_yet(error) or context.clock.monotonic() >= deadline:
                raise
            context.clock.sleep(1.0)


VERB = Verb(name="vpc_security_groups", argument_spec=ARGUMENT_SPEC, run=run)
