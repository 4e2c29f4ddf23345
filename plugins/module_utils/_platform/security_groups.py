# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of security groups, taken apart into single ones that can be compared. Pure."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

Data = dict[str, t.Any]

ALL = "-1"


@dataclass(frozen=True, order=True)
class Rule:
    """One protocol, one range of ports, one source or destination."""

    protocol: str
    first: int
    last: int
    peer: str
    """A range of addresses, or the ID of a group or a prefix list."""
    description: str = ""

    def words(self) -> str:
        ports = "" if self.protocol == ALL else f" {self.first}" if self.first == self.last else f" {self.first}-{self.last}"
        return f"{'everything' if self.protocol == ALL else self.protocol}{ports} {self.peer}"


def problems(groups: t.Sequence[Data]) -> list[str]:
    """What is wrong with the groups that are wanted, each with field, value and fix."""
    found = []
    names = [group["name"] for group in groups]
    found += [
        f"name: {name} is given twice. Give each group a name of its own." for name in sorted({n for n in names if names.count(n) > 1})
    ]
    for group in groups:
        if group["name"].startswith("sg-"):
            found.append(f"name: {group['name']} begins with sg-, as only IDs may. Use another name.")
        for rule in [*group["ingress"], *group["egress"]]:
            found += _of_rule(rule)
    return found


def _of_rule(rule: Data) -> list[str]:
    found = []
    if (rule["protocol"] == "all") == bool(rule["ports"]):
        found.append(
            f"ports: {rule['ports']} and the protocol {rule['protocol']} do not go together. Name ports for tcp and udp, and none for all."
        )
    for text in rule["ports"]:
        first, last = _ports(text)
        if first is None or last is None or not 0 <= first <= last <= 65535:
            found.append(f"ports: {text} is no port. Write 443, or 8000-8099.")
    for text in rule["cidrs"]:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            found.append(f"cidrs: {text} is no range of addresses. Write it as 10.0.0.0/16 or 2001:db8::/32.")
            continue
        if str(network) != text:
            found.append(f"cidrs: {text} is not written as the range that it means. Write {network}.")
    if not rule["cidrs"] and not rule["groups"] and not rule["prefix_lists"]:
        found.append(f"cidrs: the rule for {rule['ports'] or rule['protocol']} names nobody. Give it cidrs, groups or prefix_lists.")
    return found


def _ports(text: str) -> tuple[int | None, int | None]:
    first, dash, last = str(text).partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        return None, None
    return int(first), int(last) if dash else int(first)


def wanted_rules(rules: t.Sequence[Data], ids: t.Mapping[str, str]) -> set[Rule]:
    """`ids` has the ID of each group by its name; one that is not known stands by its name."""
    found = set()
    for rule in rules:
        peers = [*rule["cidrs"], *(ids.get(name, name) for name in rule["groups"]), *rule["prefix_lists"]]
        if rule["protocol"] == "all":
            ranges: list[tuple[int, int]] = [(-1, -1)]
        else:
            ranges = [(first or 0, last or 0) for first, last in map(_ports, rule["ports"])]
        protocol = ALL if rule["protocol"] == "all" else rule["protocol"]
        found |= {Rule(protocol, first, last, peer, rule["description"]) for first, last in ranges for peer in peers}
    return found


def found_rules(permissions: t.Sequence[Data]) -> set[Rule]:
    """The rules of DescribeSecurityGroups, whose members gather several peers."""
    found = set()
    for item in permissions:
        protocol = str(item["IpProtocol"])
        first, last = (-1, -1) if protocol == ALL else (int(item.get("FromPort", -1)), int(item.get("ToPort", -1)))
        for members, key in (
            ("IpRanges", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6"),
            ("UserIdGroupPairs", "GroupId"),
            ("PrefixListIds", "PrefixListId"),
        ):
            for peer in item.get(members) or ():
                found.add(Rule(protocol, first, last, peer[key], peer.get("Description") or ""))
    return found


def request(rules: t.Iterable[Rule]) -> list[Data]:
    """`IpPermissions` of these rules."""
    return [_permission(rule) for rule in sorted(rules)]


def _permission(rule: Rule) -> Data:
    about = {"Description": rule.description} if rule.description else {}
    if rule.peer.startswith("sg-"):
        peers: Data = {"UserIdGroupPairs": [{"GroupId": rule.peer, **about}]}
    elif rule.peer.startswith("pl-"):
        peers = {"PrefixListIds": [{"PrefixListId": rule.peer, **about}]}
    elif ":" in rule.peer:
        peers = {"Ipv6Ranges": [{"CidrIpv6": rule.peer, **about}]}
    else:
        peers = {"IpRanges": [{"CidrIp": rule.peer, **about}]}
    ports = {} if rule.protocol == ALL else {"FromPort": rule.first, "ToPort": rule.last}
    return {"IpProtocol": rule.protocol, **ports, **peers}
