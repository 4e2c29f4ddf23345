# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The push alone as a command, to be measured as other tools are: a process from its start to its end, no boto3, no Ansible.

It prints how many seconds of that were the push, and not the start of Python and the loading of modules: in Ansible, all that is
there already, urllib3 with boto3. What the repository holds is asked as the collection asks ECR, of what stands in for it.
"""

from __future__ import annotations

import json
import random
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import urllib3  # noqa: F401  # loaded before the clock starts, as boto3 loads it in Ansible

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugins.module_utils._clock import SystemClock
from plugins.module_utils._image.client import Registry
from plugins.module_utils._image.compress import choose_codec
from plugins.module_utils._image.manifest import Descriptor, Image, Manifest, parse_manifest
from plugins.module_utils._image.push import Push, PushOptions
from plugins.module_utils._image.sources import open_image
from plugins.module_utils._image.transport import Transport


class Api:
    """What stands in for ECR's API."""

    def __init__(self, address: str, repository: str) -> None:
        self.address = address
        self.repository = repository

    def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        body = json.dumps({"repositoryName": self.repository, **parameters}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.address, body, {"X-Amz-Target": f"ecr.{action}"})) as answer:
            return dict(json.load(answer))

    def named(self, tag: str, image: Any) -> dict[str, Manifest | None]:
        """What the tag and the image's digest stand for, as far as that is known before anything has been compressed."""
        ids = [{"imageTag": tag}, *([{"imageDigest": image.root.digest}] if isinstance(image, Image) else [])]
        answer = self.ask("BatchGetImage", imageIds=ids)
        found: dict[str, Manifest | None] = {}
        for item in answer["images"]:
            found.update(dict.fromkeys(item["imageId"].values(), manifest(item)))
        for item in answer["failures"]:
            found.update(dict.fromkeys(item["imageId"].values()))
        return found

    def others(self) -> list[Manifest]:
        ids = [{"imageDigest": detail["imageDigest"]} for detail in self.ask("DescribeImages")["imageDetails"]]
        return [manifest(image) for image in self.ask("BatchGetImage", imageIds=ids)["images"]] if ids else []


def manifest(image: dict[str, Any]) -> Manifest:
    text = image["imageManifest"].encode()
    return parse_manifest(text, Descriptor(image["imageManifestMediaType"], image["imageId"]["imageDigest"], len(text)))


def main() -> None:
    started = time.monotonic()
    endpoint, address, repository, source, tag, compression = sys.argv[1:7]
    api = Api(address, repository)
    opened = open_image(Path(source))
    transport = Transport(6, sys.argv[7] if len(sys.argv) > 7 else True)
    clock = SystemClock()
    registry = Registry(endpoint, repository, transport, clock, random.random)
    named = api.named(tag, opened.image)
    options = PushOptions(tags=(tag,), codec=choose_codec(compression), others=api.others, named=named)
    Push(opened.source, opened.image, registry, options, clock, lambda line: None, lambda line: None).run()
    opened.close()
    transport.close()
    print(time.monotonic() - started)


if __name__ == "__main__":
    main()
