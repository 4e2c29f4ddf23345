#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
version_added: 0.1.0
short_description: Have AWS trust the tokens of a CI system
description:
  - Keeps an OpenID Connect provider, by which jobs of GitHub Actions, GitLab and others assume a role without stored keys.
  - An account has one provider for each issuer, and all environments in it share that one. So audiences and tags are added, and none
    is taken away unless told.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  url:
    description:
      - The issuer, such as V(https://token.actions.githubusercontent.com) or V(https://gitlab.com).
    type: str
    required: true
  state:
    description:
      - Whether the provider should exist. Without it, no role that trusts it can be assumed any more.
    type: str
    choices: [present, absent]
    default: present
  audiences:
    description:
      - Whom the tokens are for, V(sts.amazonaws.com) with GitHub. A provider that does not exist needs at least one.
    type: list
    elements: str
    default: []
  purge_audiences:
    description:
      - Whether other audiences are taken away.
    type: bool
    default: false
  thumbprints:
    description:
      - SHA-1 thumbprints of the certificate authority of the issuer. Left out, IAM finds them, and those that there are stay.
    type: list
    elements: str
seealso:
  - module: steadystate.ecs.iam_role
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
"""

EXAMPLES = r"""
- name: Trust GitHub Actions
  steadystate.ecs.iam_oidc_provider:
    url: https://token.actions.githubusercontent.com
    audiences: [sts.amazonaws.com]

- name: Trust an instance of GitLab whose certificate AWS does not know
  steadystate.ecs.iam_oidc_provider:
    url: https://gitlab.example.com
    audiences: [https://gitlab.example.com]
    thumbprints: [0123456789abcdef0123456789abcdef01234567]
"""

RETURN = r"""
arn:
  description: ARN of the provider, also when it does not exist.
  returned: success
  type: str
  sample: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com
provider:
  description: The provider as it is now, or in check mode would be. Null without one.
  returned: success
  type: dict
  contains:
    audiences:
      description: Its audiences.
      type: list
      elements: str
      sample: [sts.amazonaws.com]
    thumbprints:
      description: Its thumbprints.
      type: list
      elements: str
      sample: []
    tags:
      description: Its tags.
      type: dict
      sample: {}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.iam_oidc_provider import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
