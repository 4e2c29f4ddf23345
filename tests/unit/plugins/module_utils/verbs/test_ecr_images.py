# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image_info and ecr_image_prune on clients whose every call is checked against botocore's model of the API."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CONNECTION_SPEC
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecr_image_info, ecr_image_prune
from ansible_collections.steadystate.ecs.plugins.modules import ecr_image_info as info_module
from ansible_collections.steadystate.ecs.plugins.modules import ecr_image_prune as prune_module
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
ARN = f"arn:aws:ecs:eu-west-1:{ACCOUNT}"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
NOW = FakeClock().time


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class Model:
    """The model of a service: a request that it does not know is a failure of the test."""

    def __init__(self, service: str) -> None:
        self._model = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x").meta.service_model
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuse: dict[str, str] = {}

    def took(self, operation: str, request: dict[str, Any]) -> None:
        validate_parameters(request, self._model.operation_model(operation).input_shape)
        self.calls.append((operation, request))
        if operation in self.refuse:
            raise refusal(self.refuse[operation], operation)


class Ecr(Model):
    exceptions = type("Exceptions", (), {"ClientError": ClientError})

    def __init__(self) -> None:
        super().__init__("ecr")
        self.images: dict[str, dict[str, Any]] = {}
        self.indexes: dict[str, dict[str, Any]] = {}
        self.there = True

    def image(self, name: str, days: float, *tags: str, children: tuple[str, ...] = (), **more: Any) -> None:
        pushed = datetime.datetime.fromtimestamp(NOW - days * 86400, datetime.timezone.utc)
        self.images[digest(name)] = {
            "registryId": ACCOUNT,
            "repositoryName": "api",
            "imageDigest": digest(name),
            "imagePushedAt": pushed,
            "imageSizeInBytes": 1000,
            "imageManifestMediaType": INDEX if children else MANIFEST,
            **({"imageTags": list(tags)} if tags else {}),
            **more,
        }
        if children:
            places = [{"digest": digest(child), "platform": {"os": "linux", "architecture": child}} for child in children]
            self.indexes[digest(name)] = {"manifests": places}

    def describe_repositories(self, **request: Any) -> Any:
        self.took("DescribeRepositories", request)
        if not self.there:
            raise refusal("RepositoryNotFoundException", "DescribeRepositories")
        found = {"repositoryName": "api", "repositoryUri": f"{HOST}/api", "registryId": ACCOUNT, "imageTagMutability": "MUTABLE"}
        return {"repositories": [found]}

    def get_paginator(self, name: str) -> Any:
        assert name == "describe_images"
        return self

    def paginate(self, **request: Any) -> Any:
        self.took("DescribeImages", request)
        items = list(self.images.values())
        return [{"imageDetails": items[:2]}, {"imageDetails": items[2:]}]

    def describe_images(self, **request: Any) -> Any:
        self.took("DescribeImages", request)
        (wanted,) = request["imageIds"]
        for image in self.images.values():
            if image["imageDigest"] == wanted.get("imageDigest") or wanted.get("imageTag") in image.get("imageTags", []):
                return {"imageDetails": [image]}
        raise refusal("ImageNotFoundException", "DescribeImages")

    def batch_get_image(self, **request: Any) -> Any:
        self.took("BatchGetImage", request)
        wanted = [item["imageDigest"] for item in request["imageIds"]]
        return {
            "images": [
                {"imageId": {"imageDigest": name}, "imageManifest": json.dumps(self.indexes[name])}
                for name in wanted
                if name in self.indexes
            ]
        }

    def batch_delete_image(self, **request: Any) -> Any:
        self.took("BatchDeleteImage", request)
        failures = []
        for item in request["imageIds"]:
            holder = next((name for name, index in self.indexes.items() if item["imageDigest"] in json.dumps(index)), None)
            if holder is not None:
                reason = f"Requested image referenced by manifest list: [{holder}]"
                failures.append({"imageId": item, "failureCode": "ImageReferencedByManifestList", "failureReason": reason})
                continue
            self.images.pop(item["imageDigest"])
            self.indexes.pop(item["imageDigest"], None)
        return {"failures": failures}


class Ecs(Model):
    """Cluster `main` with one service, one lone task and some task definitions, each of a single container."""

    def __init__(self) -> None:
        super().__init__("ecs")
        self.definitions: dict[str, str] = {}
        """Image of each revision."""
        self.service_runs: str | None = None
        self.deployments: list[tuple[str, float, str, str]] = []
        """Status, when, image and digest."""
        self.tasks: list[tuple[str, str]] = []

    def list_clusters(self, **request: Any) -> Any:
        self.took("ListClusters", request)
        return {"clusterArns": [f"{ARN}:cluster/main"]}

    def list_services(self, **request: Any) -> Any:
        self.took("ListServices", request)
        return {"serviceArns": [f"{ARN}:service/main/api"] if self.service_runs else []}

    def describe_services(self, **request: Any) -> Any:
        self.took("DescribeServices", request)
        arn = f"{ARN}:task-definition/{self.service_runs}"
        found = {
            "serviceName": "api",
            "serviceArn": request["services"][0],
            "taskDefinition": arn,
            "deployments": [{"taskDefinition": arn}],
        }
        return {"services": [found]}

    def list_service_deployments(self, **request: Any) -> Any:
        self.took("ListServiceDeployments", request)
        briefs = [
            {
                "status": status,
                "createdAt": datetime.datetime.fromtimestamp(at, datetime.timezone.utc),
                "targetServiceRevisionArn": f"r{number}",
            }
            for number, (status, at, _image, _digest) in enumerate(self.deployments)
        ]
        return {"serviceDeployments": briefs}

    def describe_service_revisions(self, **request: Any) -> Any:
        self.took("DescribeServiceRevisions", request)
        chosen = [self.deployments[int(arn[1:])] for arn in request["serviceRevisionArns"]]
        return {"serviceRevisions": [{"containerImages": [{"image": image, "imageDigest": found}]} for _s, _at, image, found in chosen]}

    def list_tasks(self, **request: Any) -> Any:
        self.took("ListTasks", request)
        return {"taskArns": [f"{ARN}:task/main/{number}" for number, _task in enumerate(self.tasks)]}

    def describe_tasks(self, **request: Any) -> Any:
        self.took("DescribeTasks", request)
        found = [
            {"taskArn": arn, "containers": [{"image": image, **({"imageDigest": found} if found else {})}]}
            for arn, (image, found) in zip(request["tasks"], self.tasks, strict=True)
        ]
        return {"tasks": found}

    def list_task_definitions(self, **request: Any) -> Any:
        self.took("ListTaskDefinitions", request)
        return {"taskDefinitionArns": [f"{ARN}:task-definition/{name}" for name in self.definitions if "inactive" not in name]}

    def describe_task_definition(self, **request: Any) -> Any:
        self.took("DescribeTaskDefinition", request)
        name = request["taskDefinition"].rsplit("/", 1)[-1]
        return {"taskDefinition": {"containerDefinitions": [{"image": self.definitions[name]}]}}


class Runner:
    def __init__(self) -> None:
        self.ecr = Ecr()
        self.ecs = Ecs()
        self.lines: list[str] = []

    def run(self, verb: Verb, check_mode: bool = False, diff_mode: bool = False, **options: Any) -> dict[str, Any]:
        checked = ArgumentSpecValidator({**verb.argument_spec, **CONNECTION_SPEC}).validate({"repository": "api", **options})
        assert not checked.error_messages
        context = Context(
            client=lambda service: {"ecr": self.ecr, "ecs": self.ecs}[service],
            clock=FakeClock(),
            progress=self.lines.append,
            warn=self.lines.append,
            check_mode=check_mode,
            diff_mode=diff_mode,
        )
        return verb.run(checked.validated_parameters, context)

    def info(self, **options: Any) -> dict[str, Any]:
        return self.run(ecr_image_info.VERB, **options)

    def prune(self, keep: int = 1, **options: Any) -> dict[str, Any]:
        return self.run(ecr_image_prune.VERB, keep=keep, **options)


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def filled(runner: Runner) -> Runner:
    runner.ecr.image("old", 40, "1.0")
    runner.ecr.image("amd64", 30)
    runner.ecr.image("arm64", 30)
    runner.ecr.image("both", 30, "2.0", children=("amd64", "arm64"))
    runner.ecr.image("new", 10, "latest", "3.0")
    return runner


def tags(images: list[dict[str, Any]]) -> list[str]:
    return [",".join(image["tags"]) or image["digest"] for image in images]


def test_info_lists_all_images_newest_first(filled: Runner) -> None:
    found = filled.info()
    assert found["changed"] is False
    assert found["exists"] is True
    assert found["repository"] == {"name": "api", "uri": f"{HOST}/api", "registry_id": ACCOUNT, "mutability": "MUTABLE", "exclusions": []}
    assert tags(found["images"]) == ["3.0,latest", digest("amd64"), digest("arm64"), "2.0", "1.0"]
    assert found["images"][0] == {
        "digest": digest("new"),
        "image": f"{HOST}/api@{digest('new')}",
        "tags": ["3.0", "latest"],
        "pushed_at": "2027-01-05T08:00:00+00:00",
        "size": 1000,
        "media_type": MANIFEST,
        "artifact_type": None,
        "subject": None,
        "last_pulled_at": None,
        "scan_status": None,
        "findings": {},
    }
    assert found["missing"] == []


def test_info_tells_when_an_image_was_last_pulled(runner: Runner) -> None:
    runner.ecr.image("pulled", 2, "1.0", lastRecordedPullTime=datetime.datetime(2027, 1, 14, 9, 30, tzinfo=datetime.timezone.utc))
    runner.ecr.image("superseded", 1, "2.0")
    found = runner.info()["images"]
    assert {image["tags"][0]: image["last_pulled_at"] for image in found} == {"1.0": "2027-01-14T09:30:00+00:00", "2.0": None}


def test_info_of_named_images_says_which_are_missing(filled: Runner) -> None:
    found = filled.info(images=["latest", digest("old"), "9.9", digest("nothing"), "latest"])
    assert tags(found["images"]) == ["3.0,latest", "1.0"]
    assert found["missing"] == ["9.9", digest("nothing")]


def test_info_reads_the_platforms_of_an_index_when_asked(filled: Runner) -> None:
    (image,) = filled.info(images=["2.0"], platforms=True)["images"]
    assert image["platforms"] == [{"platform": f"linux/{name}", "digest": digest(name)} for name in ("amd64", "arm64")]
    assert "platforms" not in filled.info(images=["latest"], platforms=True)["images"][0]
    assert [name for name, _request in filled.ecr.calls].count("BatchGetImage") == 1


def test_info_shows_scans(runner: Runner) -> None:
    summary = {"findingSeverityCounts": {"HIGH": 2}}
    runner.ecr.image("a", 1, "1", imageScanStatus={"status": "COMPLETE"}, imageScanFindingsSummary=summary, subjectManifestDigest="x")
    (image,) = runner.info()["images"]
    assert (image["scan_status"], image["findings"], image["subject"]) == ("COMPLETE", {"HIGH": 2}, "x")


def test_info_of_a_repository_that_is_not_there(runner: Runner) -> None:
    runner.ecr.there = False
    expected = {"changed": False, "exists": False, "repository": None, "images": [], "missing": ["1.0"]}
    assert runner.info(images=["1.0"]) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repository": "Api"}, "'Api' is not a repository name"),
        ({"images": ["a b"]}, "'a b' is not an image tag"),
        ({"images": ["sha256:12"]}, "'sha256:12' is not a digest"),
    ],
)
def test_info_refuses_what_cannot_be(runner: Runner, options: dict[str, Any], said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        runner.info(**options)
    assert runner.ecr.calls == []


def test_what_nothing_needs_goes_parts_after_their_index(filled: Runner) -> None:
    result = filled.prune(diff_mode=True)
    assert result["changed"] is True
    assert tags(result["pruned"]) == ["2.0", "1.0", digest("amd64"), digest("arm64")]
    assert result["bytes"] == 4000
    assert [(image["tags"], image["why"]) for image in result["kept"]] == [(["3.0", "latest"], "number 1 of the newest 1")]
    assert set(filled.ecr.images) == {digest("new")}
    assert result["diff"]["after"] == f"{digest('new')[:19]} 3.0 latest\n"
    assert result["diff"]["before"].count("\n") == 5
    assert filled.lines == ["api: deleted 4 of 5 images, 4.0 kB with the layers that they share"]
    again = filled.prune()
    assert (again["changed"], again["pruned"]) == (False, [])


def test_check_mode_lists_and_deletes_nothing(filled: Runner) -> None:
    would = filled.prune(check_mode=True)
    assert "BatchDeleteImage" not in [name for name, _request in filled.ecr.calls]
    assert filled.lines == ["api: would delete 4 of 5 images, 4.0 kB with the layers that they share"]
    assert filled.prune() == would


USES: dict[str, Callable[[Ecs], None]] = {
    "service api of cluster main runs it": lambda ecs: (
        setattr(ecs, "service_runs", "inactive:1"),
        ecs.definitions.update({"inactive:1": f"{HOST}/api:1.0"}),
    ),
    "service api of cluster main was deployed with it and may go back to it": lambda ecs: (
        setattr(ecs, "service_runs", "web:9"),
        ecs.definitions.update({"web:9": f"{HOST}/other:1.0"}),
        ecs.deployments.append(("SUCCESSFUL", 5, f"{HOST}/api:gone", digest("old"))),
    ),
    "task 0 of cluster main runs it": lambda ecs: ecs.tasks.append((f"{HOST}/api:latest", digest("old"))),
    "the task definition job:3 names it": lambda ecs: ecs.definitions.update({"job:3": f"{HOST}/api@{digest('old')}"}),
}


@pytest.mark.parametrize("why", USES)
def test_what_ecs_uses_stays(filled: Runner, why: str) -> None:
    USES[why](filled.ecs)
    result = filled.prune()
    assert {image["digest"]: image["why"] for image in result["kept"]}[digest("old")] == why
    assert tags(result["pruned"]) == ["2.0", digest("amd64"), digest("arm64")]


def test_the_digest_that_a_task_runs_counts_not_what_its_tag_names_now(filled: Runner) -> None:
    filled.ecs.tasks.append((f"{HOST}/api:1.0", digest("arm64")))
    assert tags(filled.prune()["pruned"]) == ["1.0"]


def test_a_task_whose_digest_is_not_known_yet_keeps_its_tag(filled: Runner) -> None:
    filled.ecs.tasks.append((f"{HOST}/api:1.0", ""))
    assert "1.0" not in tags(filled.prune()["pruned"])


def test_only_so_many_deployments_are_remembered_and_failed_ones_are_not(runner: Runner) -> None:
    for number in range(6):
        runner.ecr.image(f"i{number}", 60 - number, f"1.{number}")
    runner.ecs.service_runs = "web:1"
    runner.ecs.definitions["web:1"] = f"{HOST}/api:1.0"
    ends = ("SUCCESSFUL", "SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "SUCCESSFUL", "IN_PROGRESS")
    runner.ecs.deployments = [(end, number, f"{HOST}/api:1.{number}", digest(f"i{number}")) for number, end in enumerate(ends)]
    assert tags(runner.prune(history=2, check_mode=True)["pruned"]) == ["1.1", "1.2"]
    assert tags(runner.prune(history=3)["pruned"]) == ["1.2"]


def test_images_of_other_repositories_do_not_count(filled: Runner) -> None:
    for image in (f"{HOST}/team/api:1.0", f"{HOST}/apis:1.0", "nginx", f"{HOST}/API!"):
        filled.ecs.tasks.append((image, digest("old")))
    assert "1.0" in tags(filled.prune()["pruned"])


def test_young_images_and_tags_that_are_asked_for_stay(filled: Runner) -> None:
    result = filled.prune(keep_tags=["1.*"], keep_days=35)
    assert result["changed"] is False
    assert {image["why"] for image in result["kept"]} == {"pushed lately", "the tag 1.0 matches 1.*"}


@pytest.mark.parametrize(
    "operation", ["ListServices", "DescribeTasks", "ListTaskDefinitions", "ListServiceDeployments", "DescribeTaskDefinition"]
)
def test_a_use_that_cannot_be_looked_for_stops_everything(filled: Runner, operation: str) -> None:
    filled.ecs.service_runs = "web:1"
    filled.ecs.definitions["web:1"] = f"{HOST}/api:1.0"
    filled.ecs.tasks.append((f"{HOST}/api:1.0", ""))
    filled.ecs.refuse[operation] = "AccessDeniedException"
    with pytest.raises(VerbFailure, match=f"nothing was deleted, .* {operation} was refused: AccessDeniedException: no"):
        filled.prune()
    assert len(filled.ecr.images) == 5


def test_an_index_that_cannot_be_read_stops_everything(filled: Runner) -> None:
    del filled.ecr.indexes[digest("both")]
    with pytest.raises(VerbFailure, match=f"the index {digest('both')} could not be read"):
        filled.prune()
    assert len(filled.ecr.images) == 5


def test_an_image_that_ecr_keeps_is_named(filled: Runner) -> None:
    """An index that was pushed after the list was read holds one of the images that are to go."""
    filled.ecr.indexes["sha256:other"] = {"manifests": [{"digest": digest("old")}]}
    with pytest.raises(
        VerbFailure, match=f"1 of 4 images were not deleted, {digest('old')} among them: ImageReferencedByManifestList"
    ) as caught:
        filled.prune()
    assert caught.value.result["changed"] is True
    assert tags(caught.value.result["pruned"]) == ["2.0", digest("amd64"), digest("arm64")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep": 0}, "keep: 0 is less than 1"),
        ({"history": 0}, "history: 0 is less than 1"),
        ({"keep_days": -1}, "keep_days: -1.0 is less than 0"),
        ({"repository": "Api"}, "'Api' is not a repository name"),
    ],
)
def test_prune_refuses_what_cannot_be(runner: Runner, options: dict[str, Any], said: str) -> None:
    with pytest.raises(VerbFailure, match=said):
        runner.prune(**{"keep": 1, **options})
    assert runner.ecr.calls == []


def test_prune_of_a_repository_that_is_not_there_is_a_failure(runner: Runner) -> None:
    runner.ecr.there = False
    with pytest.raises(VerbFailure, match="there is no ECR repository api"):
        runner.prune()


@pytest.mark.parametrize(("verb", "module"), [(ecr_image_info.VERB, info_module), (ecr_image_prune.VERB, prune_module)])
def test_what_is_returned_is_documented(filled: Runner, verb: Verb, module: Any) -> None:
    documented = yaml.safe_load(module.RETURN)
    result = filled.run(verb, **({"keep": 1} if "keep" in verb.argument_spec else {"platforms": True}))
    assert set(result) - {"changed"} == set(documented)
    for name in ("images", "pruned"):
        for item in result.get(name, []):
            assert set(item) <= set(documented[name]["contains"])
    for item in result.get("kept", []):
        assert set(item) == set(documented["kept"]["contains"]) | set(documented["pruned"]["contains"])
