# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pruning a repository of local_aws while services and task definitions use some of its images."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from .conftest import REGION, Account

REPOSITORY = "pruned"
HOST = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
PATIENCE = 30


class Repository:
    """Images of one little layer each, put there with the API of ECR alone."""

    def __init__(self, ecr: Any) -> None:
        self._ecr = ecr
        ecr.create_repository(repositoryName=REPOSITORY)

    def _layer(self, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        upload = self._ecr.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
        self._ecr.upload_layer_part(
            repositoryName=REPOSITORY, uploadId=upload, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=content
        )
        self._ecr.complete_layer_upload(repositoryName=REPOSITORY, uploadId=upload, layerDigests=[digest])
        return {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(content)}

    def _put(self, document: dict[str, Any], tag: str | None) -> dict[str, Any]:
        text = json.dumps(document)
        named = {"imageTag": tag} if tag else {}
        self._ecr.put_image(repositoryName=REPOSITORY, imageManifest=text, imageManifestMediaType=document["mediaType"], **named)
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        return {"mediaType": document["mediaType"], "digest": digest, "size": len(text)}

    def image(self, content: str, tag: str | None = None, **more: Any) -> dict[str, Any]:
        layers = [self._layer(f"layer {content}".encode())]
        config = self._layer(json.dumps({"os": "linux", "architecture": "amd64", "for": content}).encode())
        return self._put({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, **more}, tag)

    def index(self, tag: str, *children: dict[str, Any]) -> dict[str, Any]:
        return self._put({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children)}, tag)


def register(ecs: Any, family: str, image: str) -> str:
    container = {"name": "app", "image": image, "memory": 64, "essential": True}
    answer = ecs.register_task_definition(family=family, containerDefinitions=[container])
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def deployed(ecs: Any, service: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while ecs.list_service_deployments(cluster="pruning", service=service)["serviceDeployments"][0]["status"] != "SUCCESSFUL":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_only_what_nothing_needs_is_pruned(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    session = boto3.session.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-a-real-secret-key", region_name=REGION)
    ecr, ecs = (session.client(service, endpoint_url=url) for service in ("ecr", "ecs"))
    repository = Repository(ecr)
    unused = repository.image("unused", "unused")
    attached = repository.image("signature of the unused", subject=unused)
    running, previous, named = (repository.image(name, name) for name in ("running", "previous", "named"))
    release = repository.image("release", "release-1")
    parts = [{**repository.image(name), "platform": {"os": "linux", "architecture": name}} for name in ("amd64", "arm64")]
    old_index = repository.index("old-index", *parts)
    # Pushed in the same second, images are ordered by digest: the newest has to be newer.
    time.sleep(1.1)
    newest = repository.image("newest", "newest")

    ecs.create_cluster(clusterName="pruning")
    first = register(ecs, "web", f"{HOST}@{previous['digest']}")
    ecs.create_service(cluster="pruning", serviceName="web", taskDefinition=first, desiredCount=0)
    deployed(ecs, "web")
    ecs.update_service(cluster="pruning", service="web", taskDefinition=register(ecs, "web", f"{HOST}:running"))
    deployed(ecs, "web")
    ecs.deregister_task_definition(taskDefinition=first)
    register(ecs, "job", f"{HOST}:named")

    folder: Path = tmp_path_factory.mktemp("images")
    run = Account({"region": REGION, "url": url}, folder, lambda service: None).play("images.yml")
    assert run.code == 0, run.output
    gone = {image["digest"] for image in (unused, attached, old_index, *parts)}
    stays = {
        running["digest"]: "service web of cluster pruning runs it",
        previous["digest"]: "service web of cluster pruning was deployed with it and may go back to it",
        named["digest"]: "the task definition job:1 names it",
        release["digest"]: "the tag release-1 matches release-*",
        newest["digest"]: "number 1 of the newest 1",
    }
    index = next(image for image in run["before"]["images"] if image["digest"] == old_index["digest"])
    assert [place["platform"] for place in index["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert run["before"]["images"][0]["digest"] == newest["digest"]
    for name in ("would", "pruned"):
        assert run[name]["changed"] is True
        assert {image["digest"] for image in run[name]["pruned"]} == gone
        assert {image["digest"]: image["why"] for image in run[name]["kept"]} == stays
    assert "unused" in run["would"]["diff"]["before"]
    assert "unused" not in run["would"]["diff"]["after"]
    assert run["again"]["changed"] is False
    assert run["again"]["pruned"] == []
    assert run["after"]["missing"] == ["unused"]
    assert {image["imageDigest"] for image in ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]} == set(stays)
