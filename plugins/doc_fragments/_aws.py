# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  region:
    description:
      - The AWS region to work in, for example V(eu-west-1).
      - Taken from E(AWS_REGION), E(AWS_DEFAULT_REGION) or the profile when not given.
    type: str
    aliases: [aws_region]
  endpoint_url:
    description:
      - Base URL of the AWS API, in place of the public endpoints. For trying and testing without an account.
      - Taken from E(AWS_URL) when not given.
    type: str
    aliases: [aws_endpoint_url]
  profile:
    description:
      - Name of a profile in the AWS configuration file. Ignored when O(access_key) is given.
      - Taken from E(AWS_PROFILE) when not given.
    type: str
    aliases: [aws_profile]
  access_key:
    description:
      - AWS access key ID. Without it, the credentials come from where boto3 looks for them.
      - Taken from E(AWS_ACCESS_KEY_ID) when not given.
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description:
      - AWS secret access key that belongs to O(access_key).
      - Taken from E(AWS_SECRET_ACCESS_KEY) when not given.
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description:
      - AWS session token, for temporary credentials.
      - Taken from E(AWS_SESSION_TOKEN) when not given.
    type: str
    aliases: [aws_session_token]
  aws_ca_bundle:
    description:
      - Path of a file with the certificate authorities to trust.
      - Taken from E(AWS_CA_BUNDLE) when not given.
    type: path
  validate_certs:
    description:
      - Whether TLS certificates are checked.
    type: bool
    default: true
requirements:
  - boto3 >= 1.35.0
"""
