#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_certificate
version_added: 0.1.0
short_description: A certificate that ACM issues and renews by itself
description:
  - Requests a certificate from AWS Certificate Manager, puts the records that prove the ownership of its names into Route 53, and waits
    until it is issued.
  - A certificate for exactly the same names is found again and kept. Its records are seen to as well, as it is not renewed without them.
  - The hosted zone is looked for before anything is requested. It has to be delegated, which only the registrar of the domain can do.
  - To bring in a certificate of your own, use M(community.aws.acm_certificate).
author:
  - The steadystate.ecs authors (@steadystate)
options:
  domain_name:
    description:
      - The main name, for example V(api.example.com) or V(*.example.com).
    type: str
    required: true
  subject_alternative_names:
    description:
      - The other names that it is for.
    type: list
    elements: str
    default: []
  zone:
    description:
      - Name or ID of the hosted zone that holds all the names. Left out, for each name the public zone with the longest name that ends it.
    type: str
  key_algorithm:
    description:
      - The kind of its key.
    type: str
    choices: [RSA_2048, EC_prime256v1, EC_secp384r1]
    default: RSA_2048
  tags:
    description:
      - Tags for it. A certificate with another value of one of them belongs to somebody else, and is neither used nor changed. Others stay.
    type: dict
    default: {}
  state:
    description:
      - Whether it is there. A certificate in use is not removed. The validation records stay, as other certificates may need them.
    type: str
    default: present
    choices: [present, absent]
  wait:
    description:
      - Whether to wait until it is issued, mostly some minutes. Without, run the module again later with it.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait at most.
    type: int
    default: 900
seealso:
  - module: steadystate.ecs.route53_alias
  - module: community.aws.acm_certificate
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
"""

EXAMPLES = r"""
- name: Ask for a certificate, and do other things meanwhile
  steadystate.ecs.acm_certificate:
    domain_name: example.com
    subject_alternative_names: ["*.example.com"]
    wait: false

- name: Wait until it is there
  steadystate.ecs.acm_certificate:
    domain_name: example.com
    subject_alternative_names: ["*.example.com"]
  register: certificate

- name: Show what a listener needs
  ansible.builtin.debug:
    var: certificate.arn
"""

RETURN = r"""
arn:
  description: The certificate. Empty when there is none, in check mode too.
  returned: success
  type: str
  sample: arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012
status:
  description: What ACM says of it, V(issued) or V(pending_validation); V(absent) when there is none.
  returned: success
  type: str
  sample: issued
domain_names:
  description: Its names, the main one first.
  returned: success
  type: list
  elements: str
  sample: [example.com, "*.example.com"]
validation_records:
  description: Names of the records that prove the ownership.
  returned: success
  type: list
  elements: str
  sample: [_d930b28be6c5927595552b219965053e.example.com.]
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "", "after": "certificate for example.com\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.acm_certificate import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
