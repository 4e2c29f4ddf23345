# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.action.ecr_image_push import ActionModule
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CONNECTION_SPEC
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.ecr import EcrRepository
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecr_image_push import (
    VERB,
    is_immutable,
    keeps_honest_offsets,
)
from ansible_collections.steadystate.ecs.plugins.modules import ecr_image_push as module
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock, FakeRegistry, Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import LayoutBuilder
from botocore.stub import Stubber

ACCOUNT = "123456789012"
URI = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/api"
TOKEN = "QVdTOnNlY3JldA=="


class Ecr:
    """A real boto3 client whose every call has to be announced, and is checked against the service's model."""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client("ecr", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.stub = Stubber(self.client)
        self.stub.activate()
        self._endpoint = endpoint

    def repository(self, asked: dict[str, Any] | None = None, **more: Any) -> Ecr:
        found = {"repositoryName": "api", "repositoryUri": URI, "registryId": ACCOUNT, "imageTagMutability": "MUTABLE", **more}
        self.stub.add_response("describe_repositories", {"repositories": [found]}, {"repositoryNames": ["api"], **(asked or {})})
        return self

    def token(self, asked: dict[str, Any] | None = None, token: str = TOKEN, endpoint: str | None = None) -> Ecr:
        data = {"authorizationToken": token, "proxyEndpoint": endpoint or self._endpoint}
        self.stub.add_response("get_authorization_token", {"authorizationData": [data]}, asked or {})
        return self


class Runner:
    def __init__(self, fake: FakeRegistry, builder: LayoutBuilder) -> None:
        self.fake = fake
        self.builder = builder
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.clock = FakeClock()

    def __call__(self, ecr: Ecr, check_mode: bool = False, diff_mode: bool = False, **options: Any) -> dict[str, Any]:
        spec = {**VERB.argument_spec, **CONNECTION_SPEC}
        given = {"source": str(self.builder.path), "repository": "api", "tags": ["1.0"], **options}
        checked = ArgumentSpecValidator(spec).validate(given)
        assert not checked.error_messages
        self.fake.log.clear()
        self.lines.clear()
        context = Context(
            client=lambda service: {"ecr": ecr.client}[service],
            clock=self.clock,
            progress=self.lines.append,
            warn=self.warnings.append,
            check_mode=check_mode,
            diff_mode=diff_mode,
        )
        result = VERB.run(checked.validated_parameters, context)
        ecr.stub.assert_no_pending_responses()
        return result


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry("api", "base")
    registry.quirks.token = f"Basic {TOKEN}"
    yield registry
    registry.stop()


@pytest.fixture
def builder(tmp_path: Path) -> LayoutBuilder:
    return LayoutBuilder(tmp_path / "layout")


@pytest.fixture
def push(fake: FakeRegistry, builder: LayoutBuilder) -> Runner:
    return Runner(fake, builder)


@pytest.fixture
def ecr(fake: FakeRegistry) -> Callable[..., Ecr]:
    """Makes the AWS side of one run: the repository as described, then the token."""
    return lambda **repository: Ecr(fake.endpoint).repository(**repository).token()


def test_pushes_and_says_what_it_did(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(500_000, 1000))
    result = push(ecr(), tags=["1.0", "latest", "1.0"])
    size = sum(len(data) for data in push.fake.blobs.values())
    assert push.fake.tags == {("api", "1.0"): digest, ("api", "latest"): digest}
    assert result.pop("duration") >= 0
    assert result == {
        "changed": True,
        "image": f"{URI}@{digest}",
        "digest": digest,
        "repository_uri": URI,
        "tags": {tag: {"changed": True, "digest": digest, "previous_digest": None, "skipped": False} for tag in ("1.0", "latest")},
        "blobs": {"pushed": 3, "resumed": 0, "mounted": 0, "exists": 0, "bytes": size},
        "bytes_uploaded": size,
        "requests": 2 + 1 + 3 * 3 + 2,
        "retries": 0,
    }
    assert push.lines[0] == "api: uploading 3 of 3 blobs, 0.5 MB"


def test_a_second_run_changes_nothing(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    push(ecr())
    result = push(ecr())
    assert result["changed"] is False
    assert result["requests"] == 1
    assert result["bytes_uploaded"] == 0
    assert result["tags"] == {"1.0": {"changed": False, "digest": digest, "previous_digest": digest, "skipped": False}}
    assert result["blobs"]["exists"] == 2
    assert push.lines == [f"api: {digest[:19]} is already there as 1.0, nothing uploaded"]


def test_check_mode_says_what_would_be_pushed_and_writes_nothing(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    would = push(ecr(), check_mode=True)
    assert {line.partition(" ")[0] for line in push.fake.log} == {"HEAD"}
    did = push(ecr())
    for key in ("changed", "image", "digest", "tags", "blobs", "bytes_uploaded"):
        assert would[key] == did[key], key
    assert would["tags"]["1.0"]["digest"] == digest
    assert push(ecr(), check_mode=True)["changed"] is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_diff_mode_shows_the_tags_before_and_after(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, check_mode: bool) -> None:
    old, new = (builder.name(builder.image(10, seed=number), f"v{number}") for number in (1, 2))
    push(ecr(), ref_name="v1")
    result = push(ecr(), ref_name="v2", tags=["1.0", "2.0"], diff_mode=True, check_mode=check_mode)
    assert result["diff"] == {
        "before_header": URI,
        "after_header": URI,
        "before": {"tags": {"1.0": old, "2.0": None}},
        "after": {"tags": {"1.0": new, "2.0": new}},
    }
    assert "diff" not in push(ecr(), ref_name="v2")


def test_source_may_be_an_archive(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, tmp_path: Path) -> None:
    digest = builder.name(builder.image(1000))
    assert push(ecr(), source=str(builder.archive(tmp_path / "image.tar")))["digest"] == digest


def test_platform_and_ref_name_choose_the_image(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    images = [builder.image(10, platform=platform, note=True) for platform in ("linux/amd64", "linux/arm64")]
    builder.name(builder.index(*images), "both")
    other = builder.name(builder.image(10, seed=5), "other")
    assert push(ecr(), ref_name="both", platform="linux/arm64")["digest"] == images[1]["digest"]
    assert push(ecr(), ref_name="other")["digest"] == other
    with pytest.raises(VerbFailure, match="Choose one with ref_name or platform"):
        push(Ecr(push.fake.endpoint))
    with pytest.raises(VerbFailure, match="Platforms in it: linux/amd64, linux/arm64"):
        push(Ecr(push.fake.endpoint), ref_name="both", platform="linux/s390x")


def test_registry_id_is_asked_for_the_repository_and_the_token(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    asked = Ecr(push.fake.endpoint).repository({"registryId": "210987654321"}).token({"registryIds": ["210987654321"]})
    assert push(asked, registry_id="210987654321")["changed"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_jobs_bounds_what_is_sent_at_once(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, jobs: int) -> None:
    builder.name(builder.image(*range(1000, 1006)))
    push.fake.gather(jobs)
    push(ecr(), jobs=jobs)
    assert push.fake.most_at_once == jobs


def test_mount_from_saves_the_upload(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    builder.name(builder.image(1000))
    push(ecr())
    for (_name, digest), data in list(push.fake.blobs.items()):
        push.fake.blobs["base", digest] = data
        del push.fake.blobs["api", digest]
    push.fake.manifests.clear()
    push.fake.tags.clear()
    result = push(ecr(), mount_from=["base"])
    assert result["blobs"]["mounted"] == 2
    assert result["bytes_uploaded"] == 0
    assert result["changed"]


def test_on_immutable_fail_and_skip(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    old = builder.name(builder.image(10, seed=1), "old")
    new = builder.name(builder.image(10, seed=2), "new")
    push(ecr(imageTagMutability="IMMUTABLE"), ref_name="old")
    with pytest.raises(VerbFailure, match=f"The tag 1.0 of api is immutable and names {old}; it cannot be moved to {new}") as caught:
        push(ecr(imageTagMutability="IMMUTABLE"), ref_name="new")
    assert caught.value.result["bytes_uploaded"] == 0
    assert "put-image-tag-mutability" in caught.value.result["hint"]
    assert not [line for line in push.fake.log if not line.startswith("HEAD")]
    result = push(ecr(imageTagMutability="IMMUTABLE"), ref_name="new", on_immutable="skip", diff_mode=True)
    assert result["tags"]["1.0"] == {"changed": False, "digest": old, "previous_digest": old, "skipped": True}
    assert result["image"] == f"{URI}@{new}"
    assert ("api", new) in push.fake.manifests
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(push.warnings) == 1


@pytest.mark.parametrize(
    ("mutability", "patterns", "tag", "immutable"),
    [
        ("MUTABLE", (), "1.0", False),
        ("IMMUTABLE", (), "1.0", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest", "dev-*"), "latest", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest", "dev-*"), "dev-7", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest", "dev-*"), "latest2", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("*-rc*",), "1.0-rc1", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("1.0",), "1x0", True),
        ("MUTABLE_WITH_EXCLUSION", ("v*",), "v1", True),
        ("MUTABLE_WITH_EXCLUSION", ("v*",), "1", False),
    ],
)
def test_immutability_follows_mutability_and_its_filters(mutability: str, patterns: tuple[str, ...], tag: str, immutable: bool) -> None:
    assert is_immutable(EcrRepository("api", URI, ACCOUNT, mutability, patterns), tag) is immutable


def test_exclusions_come_from_the_repository(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    builder.name(builder.image(10, seed=1), "old")
    new = builder.name(builder.image(10, seed=2), "new")
    filters = [{"filterType": "WILDCARD", "filter": "1.*"}]
    described = {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}
    push(ecr(**described), ref_name="old")
    assert push(ecr(**described), ref_name="new")["tags"]["1.0"]["digest"] == new


@pytest.mark.parametrize(
    ("endpoint", "honest"),
    [
        ("http://127.0.0.1:4577", True),
        ("https://registry.example", True),
        (f"https://{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", False),
        (f"https://{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", False),
        (f"https://{ACCOUNT}.dkr-ecr.eu-west-1.on.aws", False),
    ],
)
def test_offsets_are_not_believed_from_ecr(endpoint: str, honest: bool) -> None:
    assert keeps_honest_offsets(endpoint) is honest


@pytest.mark.parametrize("honest", [True, False])
def test_a_broken_upload_is_resumed_only_where_offsets_are_believed(
    push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    builder.name(builder.image(3_000_000))
    monkeypatch.setitem(VERB.run.__globals__, "keeps_honest_offsets", lambda endpoint: honest)
    push.fake.faults = [Fault("PUT", "uploads", "reset", size=1_000_000)]
    result = push(ecr())
    assert result["blobs"]["resumed"] == honest
    assert result["retries"] == 1


def test_a_missing_repository_fails_before_any_request(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    asked = Ecr(push.fake.endpoint)
    asked.stub.add_client_error("describe_repositories", "RepositoryNotFoundException", "no")
    with pytest.raises(
        VerbFailure, match=r"no ECR repository api in .* region eu-west-1\. Create it first, .* nothing was uploaded"
    ) as caught:
        push(asked)
    assert caught.value.result["error_code"] == "RepositoryNotFoundException"
    assert push.fake.log == []


def test_the_token_is_renewed_when_it_is_refused(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    push.fake.quirks.token = "Basic bmV3"
    asked = Ecr(push.fake.endpoint).repository().token().token(token="bmV3")
    assert push(asked)["changed"]


def test_a_registry_without_tls_is_refused_beyond_this_machine(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    with pytest.raises(VerbFailure, match="without TLS"):
        push(Ecr(push.fake.endpoint).repository().token(endpoint="http://registry.example"))


def test_a_refusal_comes_with_what_had_been_done(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    push.fake.faults = [Fault("PUT", "manifests", "answer", status=403, code="DENIED", message="not authorized")]
    with pytest.raises(VerbFailure, match="HTTP 403, DENIED: not authorized") as caught:
        push(ecr())
    result = caught.value.result
    assert result["status"] == 403
    assert result["error_code"] == "DENIED"
    assert "ecr:PutImage" in result["hint"]
    assert result["digest"] == digest
    assert result["blobs"]["pushed"] == 2
    assert result["bytes_uploaded"] > 1000


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"tags": []}, "name at least one tag"),
        ({"tags": ["bad tag"]}, "'bad tag' is not an image tag"),
        ({"jobs": 0}, "jobs: 0 is not between 1 and 32"),
        ({"jobs": 33}, "jobs: 33 is not between"),
        ({"repository": "Api"}, "not a repository name"),
        ({"mount_from": ["Base"]}, "not a repository name"),
        ({"platform": "amd64"}, "not a platform"),
        ({"source": "missing.tar"}, "does not exist"),
    ],
)
def test_wrong_options_are_said_before_aws_is_asked(push: Runner, builder: LayoutBuilder, options: dict[str, Any], complaint: str) -> None:
    builder.name(builder.image(10))
    with pytest.raises(VerbFailure, match=complaint):
        push(Ecr(push.fake.endpoint), **options)


@pytest.mark.parametrize(
    ("validate_certs", "complaint"), [(True, r"missing\.pem cannot be read.* Check aws_ca_bundle"), (False, "refused")]
)
def test_the_certificate_options_reach_the_registry(push: Runner, builder: LayoutBuilder, validate_certs: bool, complaint: str) -> None:
    """Nobody listens on that port; without validation the push gets as far as finding that out."""
    builder.name(builder.image(10))
    asked = Ecr(push.fake.endpoint).repository().token(endpoint="https://127.0.0.1:1")
    with pytest.raises(VerbFailure, match=complaint):
        push(asked, aws_ca_bundle="missing.pem", validate_certs=validate_certs)


def test_the_documentation_says_what_the_arguments_are() -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert {
        name: {key: value for key, value in option.items() if key not in ("description", "version_added")}
        for name, option in documented.items()
    } == VERB.argument_spec


def test_the_documentation_names_every_return_value(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    documented = yaml.safe_load(module.RETURN)
    result = push(ecr())
    assert set(result) - {"changed"} == set(documented) - {"hint", "error_code", "status"}
    assert set(result["blobs"]) == set(documented["blobs"]["contains"])
    assert set(result["tags"]["1.0"]) == set(documented["tags"]["contains"])


def test_the_action_runs_the_same_verb() -> None:
    assert ActionModule.VERB is VERB
