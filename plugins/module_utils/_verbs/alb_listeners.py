# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the listeners of an Application Load Balancer and their rules: what is missing is made, what differs changed, the rest removed."""

from __future__ import annotations

import typing as t

from .._aws import elbv2
from .._platform import load_balancer as pure
from .._platform.differences import Change, as_diff
from .._platform.tags import pairs
from .._verb import Context, Verb, VerbFailure
from ._shared import Data

ARGUMENT_SPEC: dict[str, t.Any] = {
    "load_balancer": {"type": "str", "required": True},
    "listeners": {"type": "list", "elements": "dict", "required": True},
    "tags": {"type": "dict", "default": {}},
}

_LISTENER = ("Port", "Protocol", "SslPolicy", "Certificates", "DefaultActions")


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    _check(params["listeners"])
    client = context.client("elbv2")
    balancer = elbv2.find_load_balancer(client, params["load_balancer"])
    if balancer is None and not context.check_mode:
        raise VerbFailure(
            f"load_balancer: there is no {params['load_balancer']}. Create it first, or name the right one. Nothing was changed."
        )
    arn = balancer["LoadBalancerArn"] if balancer else ""
    wanted = {int(item["Port"]): item for item in pure.with_arns(params["listeners"], _arns(client, params["listeners"], context))}
    found = {int(item["Port"]): item for item in (elbv2.listeners(client, arn) if arn else [])}
    tags = pairs(params["tags"])
    changes: list[Change] = []
    # New ones first, and HTTPS before HTTP: nobody is sent to a port that is not open yet.
    for port in sorted(wanted, key=lambda port: (port in found, wanted[port]["Protocol"] != "HTTPS", port)):
        changes += _settle(client, arn, found.get(port), wanted[port], tags, context)
    for port in sorted(found.keys() - wanted.keys()):
        changes += pure.listener_change(found[port], None)
        if not context.check_mode:
            elbv2.delete_listener(client, found[port]["ListenerArn"])
    return {"changed": bool(changes), "ports": sorted(wanted), "diff": as_diff(changes)}


def _check(listeners: list[Data]) -> None:
    seen: set[int] = set()
    for index, listener in enumerate(listeners):
        where = f"listeners[{index}]"
        missing = [key for key in ("Port", "Protocol", "DefaultActions") if not listener.get(key)]
        if missing:
            raise VerbFailure(f"{where}: it has no {', '.join(missing)}. Write it as the API does.")
        port = int(listener["Port"])
        if port in seen:
            raise VerbFailure(f"{where}: port {port} is given twice. Give each listener a port of its own.")
        seen.add(port)
        if listener["Protocol"] == "HTTPS" and not listener.get("Certificates"):
            raise VerbFailure(f"{where}: HTTPS needs Certificates, a list with one CertificateArn.")
        if listener["Protocol"] != "HTTPS" and listener.get("ExtraCertificates"):
            raise VerbFailure(f"{where}: {listener['Protocol']} has no use for ExtraCertificates. Leave them out, or use HTTPS.")
        priorities = [int(rule["Priority"]) for rule in listener.get("Rules") or []]
        for priority in priorities:
            if not 1 <= priority <= 50000:
                raise VerbFailure(f"{where}: {priority} is no priority of a rule. Use 1 to 50000.")
            if priorities.count(priority) > 1:
                raise VerbFailure(f"{where}: the priority {priority} is given twice. Give each rule its own.")


def _arns(client: t.Any, listeners: list[Data], context: Context) -> dict[str, str]:
    """The ARNs of the target groups that are named. One that is missing is refused; in check mode it may be yet to come."""
    arns = {}
    for name in sorted(pure.target_group_names(listeners)):
        group = elbv2.find_target_group(client, name)
        if group is not None:
            arns[name] = group["TargetGroupArn"]
        elif not context.check_mode:
            raise VerbFailure(f"listeners: there is no target group {name}. Create it first, or name the right one. Nothing was changed.")
    return arns


def _settle(client: t.Any, balancer: str, found: Data | None, wanted: Data, tags: list[Data], context: Context) -> list[Change]:
    port = int(wanted["Port"])
    settings = {key: wanted[key] for key in _LISTENER if wanted.get(key) is not None} | {"Port": port}
    changes = pure.listener_change(found, wanted)
    certificates = _certificates(client, found, wanted)
    listener = found["ListenerArn"] if found else ""
    if not context.check_mode:
        if found is None:
            listener = elbv2.create_listener(client, balancer, {**settings, **({"Tags": tags} if tags else {})})
        _write_listener(client, listener, found, settings if found and changes else None, certificates)
    rules = {str(item["Priority"]): item for item in (elbv2.rules(client, listener) if found else [])}
    asked = {str(item["Priority"]): item for item in wanted["Rules"]}
    differing = pure.rule_changes(port, list(rules.values()), list(asked.values()))
    if not context.check_mode:
        # A rule is removed last, so that its requests find the one that takes its place.
        for priority in sorted(differing, key=lambda priority: priority not in asked):
            _write_rule(client, listener, rules.get(priority), asked.get(priority), tags)
    return [*changes, *certificates.values(), *differing.values()]


def _certificates(client: t.Any, found: Data | None, wanted: Data) -> dict[str, Change]:
    """Differences of the certificates besides the default one. Where none are asked for, those that others have added stay."""
    if wanted["Protocol"] != "HTTPS" or wanted.get("ExtraCertificates") is None:
        return {}
    secure = found is not None and found["Protocol"] == "HTTPS"
    return pure.certificate_changes(elbv2.listener_certificates(client, found["ListenerArn"]) if found and secure else [], wanted)


def _write_listener(client: t.Any, listener: str, found: Data | None, settings: Data | None, certificates: dict[str, Change]) -> None:
    """Certificates are added before another default one takes the place of the old one, and removed last: each name keeps its own."""
    missing = [arn for arn, (_before, after) in certificates.items() if after]
    takes_certificates = found is None or found["Protocol"] == "HTTPS"
    for arn in missing if takes_certificates else []:
        elbv2.add_listener_certificate(client, listener, arn)
    if settings is not None:
        elbv2.modify_listener(client, listener, settings)
    for arn in [] if takes_certificates else missing:
        elbv2.add_listener_certificate(client, listener, arn)
    for arn, (before, _after) in certificates.items():
        if before:
            elbv2.remove_listener_certificate(client, listener, arn)


def _write_rule(client: t.Any, listener: str, found: Data | None, wanted: Data | None, tags: list[Data]) -> None:
    if wanted is None:
        elbv2.delete_rule(client, (found or {})["RuleArn"])
    elif found is None:
        rule = {key: wanted[key] for key in ("Conditions", "Actions")} | {"Priority": int(wanted["Priority"])}
        elbv2.create_rule(client, listener, {**rule, **({"Tags": tags} if tags else {})})
    else:
        elbv2.modify_rule(client, found["RuleArn"], wanted["Conditions"], wanted["Actions"])


VERB = Verb(name="alb_listeners", argument_spec=ARGUMENT_SPEC, run=run)
