# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vpc_security_groups: rules taken apart and compared, what is refused, and the order in which rules come and go."""

# ruff: noqa: N803 - the names of boto3's arguments

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._platform import security_groups as rules
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.vpc_security_groups import VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, refused

Data = dict[str, t.Any]
EVERYBODY = {"ports": ["80"], "cidrs": ["0.0.0.0/0"], "description": "Clients"}


class FakeEc2:
    def __init__(self) -> None:
        self.groups: dict[str, Data] = {}
        self.writes: list[str] = []
        self.not_yet = 0
        self.warned: list[str] = []
        self.clock = FakeClock()

    def run(self, *groups: Data, check_mode: bool = False, tags: Data | None = None) -> Data:
        options = {"vpc_id": "vpc-1", "groups": [{"description": "for tests", **group} for group in groups], "tags": tags or {}}
        validated = ArgumentSpecValidator(VERB.argument_spec).validate(options)
        assert not validated.error_messages
        context = Context(lambda service: self, self.clock, self.writes.append, self.warned.append, check_mode=check_mode, diff_mode=True)
        return VERB.run(validated.validated_parameters, context)

    def get_paginator(self, operation: str) -> t.Any:
        assert operation == "describe_security_groups"
        return self

    def paginate(self, Filters: list[Data]) -> list[Data]:
        assert Filters == [{"Name": "vpc-id", "Values": ["vpc-1"]}]
        return [{"SecurityGroups": list(self.groups.values())}]

    def create_security_group(self, **request: t.Any) -> Data:
        identifier = f"sg-{len(self.groups) + 1}"
        self.writes.append(f"create {request['GroupName']}")
        self.groups[request["GroupName"]] = {
            "GroupId": identifier,
            "GroupName": request["GroupName"],
            "Description": request["Description"],
            "IpPermissions": [],
            "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            "Tags": request["TagSpecifications"][0]["Tags"],
        }
        return {"GroupId": identifier}

    def create_tags(self, Resources: list[str], Tags: list[Data]) -> Data:
        self.writes.append(f"tag {Resources[0]}")
        self._group(Resources[0])["Tags"] += Tags
        return {}

    def _group(self, identifier: str) -> Data:
        return next(group for group in self.groups.values() if group["GroupId"] == identifier)

    def _write(self, verb: str, identifier: str, member: str, permissions: list[Data]) -> Data:
        if self.not_yet:
            self.not_yet -= 1
            raise refused("InvalidGroup.NotFound", "The security group does not exist")
        group, changed = self._group(identifier), rules.found_rules(permissions)
        there = rules.found_rules(group[member])
        self.writes.append(f"{verb} {' and '.join(rule.words() for rule in sorted(changed))}")
        if verb == "revoke":
            assert changed <= there, "EC2 refuses to revoke what is not there"
        else:
            known = {(rule.protocol, rule.first, rule.last, rule.peer) for rule in there}
            assert not any((rule.protocol, rule.first, rule.last, rule.peer) in known for rule in changed), "EC2 refuses a rule twice"
        group[member] = rules.request(there - changed if verb == "revoke" else there | changed)
        return {}

    def authorize_security_group_ingress(self, GroupId: str, IpPermissions: list[Data]) -> Data:
        return self._write("authorize", GroupId, "IpPermissions", IpPermissions)

    def revoke_security_group_ingress(self, GroupId: str, IpPermissions: list[Data]) -> Data:
        return self._write("revoke", GroupId, "IpPermissions", IpPermissions)

    def authorize_security_group_egress(self, GroupId: str, IpPermissions: list[Data]) -> Data:
        return self._write("authorize", GroupId, "IpPermissionsEgress", IpPermissions)

    def revoke_security_group_egress(self, GroupId: str, IpPermissions: list[Data]) -> Data:
        return self._write("revoke", GroupId, "IpPermissionsEgress", IpPermissions)


@pytest.fixture
def ec2() -> FakeEc2:
    return FakeEc2()


def test_groups_that_name_each_other_are_made_once(ec2: FakeEc2) -> None:
    groups = [
        {"name": "alb", "ingress": [EVERYBODY], "egress": [{"ports": ["8080"], "groups": ["api"]}]},
        {"name": "api", "ingress": [{"ports": ["8080"], "groups": ["alb"]}]},
    ]
    checked = ec2.run(*groups, check_mode=True)
    assert (checked["changed"], checked["group_ids"], ec2.writes) == (True, {"alb": None, "api": None}, [])
    assert "alb ingress: tcp 80 0.0.0.0/0" in checked["diff"]["after"]
    made = ec2.run(*groups)
    assert made["group_ids"] == {"alb": "sg-1", "api": "sg-2"}
    assert ec2.groups["api"]["IpPermissions"] == [
        {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": "sg-1"}]}
    ]
    assert ec2.groups["api"]["IpPermissionsEgress"] == [], "nothing was said of going out"
    assert ec2.run(*groups)["differences"] == []


def test_rules_of_others_are_removed_after_new_ones_are_there(ec2: FakeEc2) -> None:
    ec2.run({"name": "api", "ingress": [{"ports": ["8080"], "cidrs": ["10.0.0.0/16"]}]})
    ec2.writes.clear()
    changed = ec2.run({"name": "api", "ingress": [{"ports": ["9090"], "cidrs": ["10.0.0.0/16"]}]})
    assert ec2.writes == ["authorize tcp 9090 10.0.0.0/16", "revoke tcp 8080 10.0.0.0/16"]
    assert changed["differences"] == [{"part": "api ingress", "before": ["tcp 8080 10.0.0.0/16"], "after": ["tcp 9090 10.0.0.0/16"]}]


def test_a_new_description_takes_the_place_of_the_old_one(ec2: FakeEc2) -> None:
    ec2.run({"name": "alb", "ingress": [EVERYBODY]})
    ec2.writes.clear()
    assert ec2.run({"name": "alb", "ingress": [{**EVERYBODY, "description": "The world"}]})["changed"]
    assert ec2.writes == ["revoke tcp 80 0.0.0.0/0", "authorize tcp 80 0.0.0.0/0"]


def test_missing_tags_are_set_and_a_description_that_cannot_change_is_told(ec2: FakeEc2) -> None:
    ec2.run({"name": "api"}, tags={"project": "shop"})
    ec2.writes.clear()
    assert not ec2.run({"name": "api"}, tags={"project": "shop"})["changed"]
    ec2.run({"name": "api", "description": "something else"}, tags={"project": "shop", "environment": "prod"})
    assert ec2.writes == ["tag sg-1"]
    assert "which cannot be changed" in ec2.warned[0]


def test_a_group_that_is_not_known_yet_is_waited_for(ec2: FakeEc2) -> None:
    ec2.not_yet = 3
    assert ec2.run({"name": "alb", "ingress": [EVERYBODY]})["changed"]
    assert ec2.clock.seconds == 3


def test_a_group_that_is_named_and_not_there_is_refused(ec2: FakeEc2) -> None:
    with pytest.raises(VerbFailure, match="groups: there is no security group alb in this VPC"):
        ec2.run({"name": "api", "ingress": [{"ports": ["8080"], "groups": ["alb"]}]})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"ports": ["http"], "cidrs": ["0.0.0.0/0"]}, "ports: http is no port"),
        ({"ports": ["90-80"], "cidrs": ["0.0.0.0/0"]}, "ports: 90-80 is no port"),
        ({"ports": ["70000"], "cidrs": ["0.0.0.0/0"]}, "ports: 70000 is no port"),
        ({"cidrs": ["0.0.0.0/0"]}, "do not go together"),
        ({"protocol": "all", "ports": ["80"], "cidrs": ["0.0.0.0/0"]}, "do not go together"),
        ({"ports": ["80"], "cidrs": ["everybody"]}, "cidrs: everybody is no range of addresses"),
        ({"ports": ["80"], "cidrs": ["10.0.0.1/16"]}, "Write 10.0.0.0/16"),
        ({"ports": ["80"]}, "names nobody"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_before_anything_is_made(ec2: FakeEc2, rule: Data, words: str) -> None:
    with pytest.raises(VerbFailure, match=words):
        ec2.run({"name": "api", "ingress": [rule]})
    assert ec2.writes == []


def test_names_are_checked(ec2: FakeEc2) -> None:
    with pytest.raises(VerbFailure, match="name: api is given twice"):
        ec2.run({"name": "api"}, {"name": "api"})
    with pytest.raises(VerbFailure, match="name: sg-api begins with sg-"):
        ec2.run({"name": "sg-api"})


def test_every_kind_of_peer_is_read_as_it_was_written() -> None:
    wanted = rules.wanted_rules(
        [
            {
                "protocol": "tcp",
                "ports": ["443", "8000-8099"],
                "cidrs": ["10.0.0.0/16", "2001:db8::/32"],
                "groups": ["alb", "sg-9"],
                "prefix_lists": ["pl-1"],
                "description": "x",
            },
            {"protocol": "all", "ports": [], "cidrs": ["0.0.0.0/0"], "groups": [], "prefix_lists": [], "description": ""},
        ],
        {"alb": "sg-1"},
    )
    assert len(wanted) == 11
    assert rules.found_rules(rules.request(wanted)) == wanted
