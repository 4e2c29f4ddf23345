#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_network
version_added: 0.1.0
short_description: The network of an environment, from the VPC to the last route
description:
  - Keeps a VPC with a public and a private subnet in each zone, an internet gateway, NAT gateways, route tables, endpoints of AWS services,
    a flow log and a default security group without rules. Everything is found again by its name tag.
  - Reads everything at once, refuses what cannot be before the first change, and writes only what differs.
  - NAT gateways and interface endpoints take minutes. They are started, and not waited for. A later call with O(finish) waits for all of
    them together, and makes the routes that need them.
  - The modules of amazon.aws make each of these parts by itself, at about a second each and five more for a changed route table, and
    have no egress-only routes, no flow logs and no tags for the addresses of NAT gateways.
  - Subnets, routes and tags that others have put into the VPC stay as they are.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the VPC. The names of all its parts begin with it.
    type: str
    required: true
  cidr:
    description:
      - The address range of the VPC, from /16 to /28. It cannot be changed later.
    type: str
    required: true
  zones:
    description:
      - The availability zones to use, by their full names.
    type: list
    elements: str
    required: true
  public_cidrs:
    description:
      - One range for each zone's public subnet, in the order of O(zones).
    type: list
    elements: str
    required: true
  private_cidrs:
    description:
      - One range for each zone's private subnet, in the order of O(zones).
    type: list
    elements: str
    required: true
  map_public_ip:
    description:
      - Whether what is launched into a public subnet gets a public address.
    type: bool
    default: true
  ipv6:
    description:
      - Whether the VPC and its subnets have a range of Amazon's IPv6 addresses as well, private ones with a way out only.
      - Switched off again, what this module gave is taken back by O(finish), and refused while an address of it is in use.
    type: bool
    default: false
  nat:
    description:
      - How the private subnets reach the internet over IPv4.
      - V(none) - not at all, V(one) - through one NAT gateway in the first zone, V(one_per_zone) - each through a gateway in its own zone.
      - Gateways that are not wanted any more are removed with their addresses, by a call with O(finish).
    type: str
    choices: [none, one, one_per_zone]
    default: one
  endpoints:
    description:
      - Services of AWS that are reached without the internet.
        V(s3) and V(dynamodb) cost nothing, the others are paid for by the hour and zone.
      - Without NAT, instances and tasks need V(ecs), V(ecs-agent), V(ecs-telemetry), V(ecr.api), V(ecr.dkr), V(s3) and V(logs), and what
        else they call.
      - Endpoints of that name that are not wanted any more are removed.
    type: list
    elements: str
    choices:
      - s3
      - dynamodb
      - ecr.api
      - ecr.dkr
      - ecs
      - ecs-agent
      - ecs-telemetry
      - kms
      - logs
      - monitoring
      - secretsmanager
      - ssm
      - ssmmessages
      - ec2messages
      - sts
      - xray
    default: []
  lock_default_security_group:
    description:
      - Whether the VPC's default security group has no rules, so that what is launched without a group of its own reaches nothing.
    type: bool
    default: true
  flow_log_destination:
    description:
      - Where a log of the network's connections goes, the name of a log group or the ARN of an S3 bucket. Left out, there is none.
      - It is made, changed and removed by a call with O(finish).
    type: str
  flow_log_role:
    description:
      - Name of the role in this account that writes to the log group.
    type: str
  flow_log_traffic:
    description:
      - Which connections are logged.
    type: str
    choices: [all, accept, reject]
    default: all
  finish:
    description:
      - Whether to wait for NAT gateways and interface endpoints, and to make what needs them.
    type: bool
    default: false
  finish_timeout:
    description:
      - For how many seconds to wait then.
    type: int
    default: 900
  option_prefix:
    description:
      - What to put before the names of options in messages. For roles, whose own options have other names.
    type: str
    default: ""
  tags:
    description:
      - Tags for everything that is made, besides its name.
    type: dict
    default: {}
seealso:
  - module: amazon.aws.ec2_vpc_net
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Start the network
  steadystate.ecs.vpc_network: &network
    name: shop-prod
    cidr: 10.30.0.0/16
    zones: [eu-west-1a, eu-west-1b]
    public_cidrs: [10.30.0.0/24, 10.30.1.0/24]
    private_cidrs: [10.30.128.0/20, 10.30.144.0/20]
    nat: one_per_zone
    endpoints: [s3]

# What needs no route to the internet goes on here.

- name: Finish the network
  steadystate.ecs.vpc_network:
    <<: *network
    finish: true
"""

RETURN = r"""
differences:
  description: What was otherwise than wanted, a part each.
  returned: always
  type: list
  elements: dict
  sample: [{part: route_table public.route 0.0.0.0/0, before: null, after: igw-0123456789abcdef0}]
vpc_id:
  description: ID of the VPC. This and all other IDs are null in check mode where there is none yet.
  returned: always
  type: str
  sample: vpc-0123456789abcdef0
public_subnet_ids:
  description: IDs of the public subnets, in the order of the zones.
  returned: always
  type: list
  elements: str
  sample: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
private_subnet_ids:
  description: IDs of the private subnets, in the order of the zones.
  returned: always
  type: list
  elements: str
  sample: [subnet-0123456789abcdef2, subnet-0123456789abcdef3]
internet_gateway_id:
  description: ID of the internet gateway.
  returned: always
  type: str
  sample: igw-0123456789abcdef0
nat_gateway_ids:
  description: IDs of the NAT gateways, in the order of the zones.
  returned: always
  type: list
  elements: str
  sample: [nat-0123456789abcdef0]
nat_addresses:
  description: The public addresses that connections of the private subnets come from, as far as they are known.
  returned: always
  type: list
  elements: str
  sample: [203.0.113.10]
route_table_ids:
  description: IDs of the route tables, by V(public) and by V(private-) with the zone.
  returned: always
  type: dict
  sample: {public: rtb-0123456789abcdef0, private-eu-west-1a: rtb-0123456789abcdef1}
endpoint_ids:
  description: IDs of the endpoints, by service.
  returned: always
  type: dict
  sample: {s3: vpce-0123456789abcdef0}
ipv6_cidr:
  description: The IPv6 range of the VPC. Null without one.
  returned: always
  type: str
  sample: 2001:db8:1234:1a00::/56
finished:
  description: Whether nothing is left to be waited for or to be made by another call with O(finish).
  returned: always
  type: bool
  sample: false
partition:
  description: The partition of AWS that the VPC is in, as its ARNs have it.
  returned: always
  type: str
  sample: aws
flow_log_in_order:
  description: Whether the flow log was as wanted when this was called.
  returned: always
  type: bool
  sample: true
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.vpc_network import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
