#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_topic
version_added: 0.1.0
short_description: A topic of Amazon SNS, with encryption
description:
  - Keeps a topic, its tags and its subscriptions. Unlike M(community.aws.sns_topic) it encrypts, and reads the topic in one go.
  - Subscriptions that are not named stay. One by e-mail begins only when its recipient has confirmed it.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Its name.
    type: str
    required: true
  display_name:
    description:
      - What messages come from, in the eyes of their readers. Left out, it stays as it is.
    type: str
  kms_key_id:
    description:
      - The KMS key that encrypts its messages, by ID, ARN or alias. Empty for none. Left out, it stays as it is.
      - Alarms can publish only with a key of your own whose policy lets V(cloudwatch.amazonaws.com) use it, never with V(alias/aws/sns).
    type: str
  subscriptions:
    description:
      - Who gets the messages.
    type: list
    elements: dict
    default: []
    suboptions:
      protocol:
        description: How.
        type: str
        choices: [email, email-json, https, sms, sqs, lambda, application, firehose]
        required: true
      endpoint:
        description: Where to.
        type: str
        required: true
seealso:
  - module: steadystate.ecs.cloudwatch_alarms
  - module: community.aws.sns_topic
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._tags
  - steadystate.ecs._state
"""

EXAMPLES = r"""
- name: Where the alarms go
  steadystate.ecs.sns_topic:
    name: shop-dev-alarms
    subscriptions:
      - protocol: email
        endpoint: ops@example.com
  register: topic
"""

RETURN = r"""
arn:
  description: Its ARN. Empty when there is none, in check mode too.
  returned: success
  type: str
  sample: arn:aws:sns:eu-west-1:123456789012:shop-dev-alarms
diff:
  description: What has changed, or in check mode what would change, a line for each.
  returned: success
  type: dict
  sample: {"before": "", "after": "topic shop-dev-alarms\n"}
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.sns_topic import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
