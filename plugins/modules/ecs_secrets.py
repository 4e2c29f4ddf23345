#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_secrets
version_added: 0.1.0
short_description: Keep the secrets that services read when they start
description:
  - Keeps SecureString parameters of SSM and secrets of Secrets Manager. A value is given, from a vault, or generated once.
  - A value is read, compared, and written when it differs. It is never returned, nor in a diff, nor in what verbose output shows.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  secrets:
    description:
      - The secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the parameter, such as V(/shop/dev/api/database-url), or of the secret.
        type: str
        required: true
      store:
        description:
          - Where it is kept. A parameter takes 4 KiB, a secret of Secrets Manager 64 KiB.
        type: str
        choices: [ssm, secretsmanager]
        default: ssm
      value:
        description:
          - Its value.
        type: str
      values:
        description:
          - Its value as a JSON object of these members.
        type: dict
      generate:
        description:
          - Generate the value when there is none. Afterwards whatever is there stays.
        type: dict
        suboptions:
          length:
            description:
              - How many characters.
            type: int
            default: 32
          alphabet:
            description:
              - What it is made of. V(printable) is without quotes, backquote, backslash, C($), C(/) and C(@).
            type: str
            choices: [hex, letters_and_digits, printable]
            default: letters_and_digits
          key:
            description:
              - The member of O(secrets[].values) that is generated. The others are as given.
            type: str
      rotate:
        description:
          - Generate another value now. Each run with it does.
        type: bool
        default: false
      description:
        description:
          - What it is for. Written with a value, not compared.
        type: str
      kms_key:
        description:
          - The key to encrypt it with. Left out, the one that AWS manages. Written with a value, not compared.
        type: str
      tags:
        description:
          - Tags of this one. Other tags are left alone.
        type: dict
seealso:
  - module: steadystate.ecs.ecs_secret_users_info
  - module: community.aws.ssm_parameter
  - module: community.aws.secretsmanager_secret
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
attributes:
  diff_mode:
    details: Says which secrets change, never to what.
  idempotent:
    support: partial
    details: Each run with O(secrets[].rotate) writes another value.
"""

EXAMPLES = r"""
- name: Keep the secrets of a service
  steadystate.ecs.ecs_secrets:
    secrets:
      - name: /shop/dev/api/database-url
        value: "{{ vault_database_url }}"
      - name: /shop/dev/api/session-key
        generate:
          length: 64
      - name: shop/dev/api/database
        store: secretsmanager
        values:
          username: api
        generate:
          key: password
    tags:
      project: shop
  register: kept
"""

RETURN = r"""
secrets:
  description: The secrets, in the order given, without their values.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: /shop/dev/api/session-key
    store:
      description: Where it is kept.
      type: str
      sample: ssm
    arn:
      description: Its ARN. In check mode, what Secrets Manager makes up at the end of one that does not exist is written C(??????).
      type: str
      sample: arn:aws:ssm:eu-west-1:123456789012:parameter/shop/dev/api/session-key
    change:
      description: What was changed, or in check mode would be. V(created), V(value changed), V(tags changed), or empty.
      type: str
      sample: created
    changed_at:
      description: When its value was last written, by the clock of AWS. Null when check mode would write it.
      type: str
      sample: "2026-11-21T12:00:00+00:00"
changes:
  description: The changes in words.
  returned: success
  type: list
  elements: str
  sample: ["/shop/dev/api/session-key: created"]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_secrets import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
