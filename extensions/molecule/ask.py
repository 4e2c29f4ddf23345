# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls AWS and prints the answer as JSON: `python ask.py ecr describe_repositories '{"repositoryNames": ["api"]}'`.

What a role has made is looked at with boto3 alone, by none of the modules that made it.
"""

from __future__ import annotations

import json
import os
import sys

import boto3


def main(service: str, operation: str, parameters: str = "{}") -> None:
    client = boto3.client(service, endpoint_url=os.environ["AWS_URL"], region_name=os.environ["AWS_REGION"])
    answer = getattr(client, operation)(**json.loads(parameters))
    answer.pop("ResponseMetadata", None)
    print(json.dumps(answer, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
