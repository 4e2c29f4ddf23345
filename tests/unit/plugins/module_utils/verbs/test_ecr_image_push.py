# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.action.ecr_image_push import ActionModule
from ansible_collections.steadystate.ecs.plugins.doc_fragments import _repository
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.connection import CONNECTION_SPEC
from ansible_collections.steadystate.ecs.plugins.module_utils._aws.ecr import EcrRepository
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._push_source import open_away
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs._push_target import (
    SETTINGS_SPEC,
    how_to_move,
    is_immutable,
    keeps_honest_offsets,
    lifecycle_rules,
    parse_ecr_host,
    registry_endpoint,
)
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecr_image_push import VERB
from ansible_collections.steadystate.ecs.plugins.modules import ecr_image_push as module
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.fake_registry import FakeClock, FakeRegistry, Fault
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.images import MANIFEST, LayoutBuilder
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import SavedImage
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.image.saved import digest as sha256
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ClientError
from botocore.stub import Stubber

ACCOUNT = "123456789012"
URI = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/api"
TOKEN = "QVdTOnNlY3JldA=="


class Ecr:
    """Real boto3 clients. Each call has to be announced, but for the look at the tags, which `fake` answers from what it holds.

    Every call is checked against the service's model. Those that are made at the same time are announced each for itself.
    """

    def __init__(self, fake: FakeRegistry) -> None:
        usual, tokens, manifests = (
            boto3.client("ecr", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x") for _number in range(3)
        )
        self.client = ByOperation(usual, get_authorization_token=tokens, batch_get_image=manifests)
        self.stub, self._tokens = Stubber(usual), Stubber(tokens)
        self.stub.activate()
        self._tokens.activate()
        manifests.meta.events.register("before-send.ecr.BatchGetImage", self._batch_get_image)
        self._fake = fake
        self._strange: dict[str, tuple[str, bytes]] = {}
        self._newest: list[str] = []
        self.looks: list[dict[str, Any]] = []
        """What BatchGetImage was asked."""
        self.look_fails = ""
        """The error's code, for one that may not look, or that finds something else in its way."""

    def repository(self, asked: dict[str, Any] | None = None, **more: Any) -> Ecr:
        found = {"repositoryName": "api", "repositoryUri": URI, "registryId": ACCOUNT, "imageTagMutability": "MUTABLE", **more}
        self.stub.add_response("describe_repositories", {"repositories": [found]}, {"repositoryNames": ["api"], **(asked or {})})
        return self

    def missing(self) -> Ecr:
        self.stub.add_client_error("describe_repositories", "RepositoryNotFoundException", expected_params={"repositoryNames": ["api"]})
        self.look_fails = "RepositoryNotFoundException"
        return self

    def token(self, asked: dict[str, Any] | None = None, token: str = TOKEN, endpoint: str | None = None) -> Ecr:
        data = {"authorizationToken": token, "proxyEndpoint": endpoint or self._fake.endpoint}
        self._tokens.add_response("get_authorization_token", {"authorizationData": [data]}, asked or {})
        return self

    def images(self, *manifests: tuple[str, str, bytes], denied: bool = False) -> Ecr:
        """What the repository is said to hold, each by digest, media type and content, the oldest first."""
        asked = {"registryId": ACCOUNT, "repositoryName": "api", "maxResults": 1000}
        if denied:
            self.stub.add_client_error("describe_images", "AccessDeniedException", expected_params=asked)
            return self
        details = [
            {"imageDigest": name, "imagePushedAt": datetime.fromtimestamp(at, UTC)} for at, (name, _kind, _text) in enumerate(manifests)
        ]
        self.stub.add_response("describe_images", {"imageDetails": details}, asked)
        self._strange = {name: (kind, text) for name, kind, text in manifests}
        self._newest = [name for name, _kind, _text in reversed(manifests)]
        return self

    def assert_done(self) -> None:
        """Every announced call was made, and each asked for what it was to ask for."""
        self.stub.assert_no_pending_responses()
        self._tokens.assert_no_pending_responses()
        if self._newest:
            assert self.looks[-1]["imageIds"] == [{"imageDigest": name} for name in self._newest]

    def _batch_get_image(self, request: Any, **_more: Any) -> AWSResponse:
        asked = json.loads(request.body)
        self.looks.append(asked)
        if self.look_fails:
            return _answer(request.url, 400, {"__type": self.look_fails})
        images, failures = [], []
        for wanted in asked["imageIds"]:
            digest = wanted.get("imageDigest") or self._fake.tags.get(("api", wanted["imageTag"]), "")
            found = self._fake.manifests.get(("api", digest)) or self._strange.get(digest)
            if found:
                kind, text = found
                images.append(
                    {"imageId": {**wanted, "imageDigest": digest}, "imageManifestMediaType": kind, "imageManifest": text.decode()}
                )
            else:
                failures.append({"imageId": wanted, "failureCode": "ImageNotFound"})
        return _answer(request.url, 200, {"images": images, "failures": failures})


class ByOperation:
    """Clients of one service as if they were one; one operation's are in order whatever the others do meanwhile."""

    def __init__(self, usual: Any, **special: Any) -> None:
        self._usual = usual
        self._special = special

    def __getattr__(self, name: str) -> Any:
        return getattr(self._special.get(name, self._usual), name)


class _Raw(io.BytesIO):
    def stream(self, **_more: Any) -> Iterator[bytes]:
        yield self.read()


def _answer(url: str, status: int, content: dict[str, Any]) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders.from_dict({}), _Raw(json.dumps(content).encode()))


class Runner:
    def __init__(self, fake: FakeRegistry, builder: LayoutBuilder) -> None:
        self.fake = fake
        self.builder = builder
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.clock = FakeClock()
        self.ecs: Any = None

    def __call__(self, ecr: Ecr, check_mode: bool = False, diff_mode: bool = False, **options: Any) -> dict[str, Any]:
        spec = {**VERB.argument_spec, **CONNECTION_SPEC}
        given = {"source": str(self.builder.path), "repository": "api", "tags": ["1.0"], **options}
        checked = ArgumentSpecValidator(spec).validate(given)
        assert not checked.error_messages
        self.fake.log.clear()
        self.lines.clear()
        context = Context(
            client=lambda service: {"ecr": ecr.client, "ecs": self.ecs}[service],
            clock=self.clock,
            progress=self.lines.append,
            warn=self.warnings.append,
            check_mode=check_mode,
            diff_mode=diff_mode,
        )
        result = VERB.run(checked.validated_parameters, context)
        ecr.assert_done()
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
    return lambda **repository: Ecr(fake).repository(**repository).token()


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
        "repository_created": False,
        "tags": {tag: {"changed": True, "digest": digest, "previous_digest": None, "skipped": False} for tag in ("1.0", "latest")},
        "blobs": {"pushed": 3, "resumed": 0, "mounted": 0, "exists": 0, "bytes": size},
        "bytes_uploaded": size,
        "requests": 3 * 3 + 2,
        "retries": 0,
    }
    assert push.lines[0] == "api: uploading 3 of 3 blobs, 0.5 MB"


def test_a_second_run_changes_nothing(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    push(ecr())
    asked = ecr()
    result = push(asked)
    assert result["changed"] is False
    assert (push.fake.log, result["requests"]) == ([], 0)
    assert [look["imageIds"] for look in asked.looks] == [[{"imageTag": "1.0"}, {"imageDigest": digest}]]
    assert result["bytes_uploaded"] == 0
    assert result["tags"] == {"1.0": {"changed": False, "digest": digest, "previous_digest": digest, "skipped": False}}
    assert result["blobs"]["exists"] == 2
    assert push.lines == [f"api: {digest[:19]} is already there as 1.0, nothing uploaded"]


def test_a_new_tag_for_a_known_image_is_one_request(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    push(ecr())
    result = push(ecr(), tags=["2.0"])
    assert (push.fake.log, result["requests"]) == (["PUT /v2/api/manifests/2.0"], 1)
    assert result["tags"] == {"2.0": {"changed": True, "digest": digest, "previous_digest": None, "skipped": False}}


def test_a_part_that_is_there_is_known_from_the_first_look(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    parts = [builder.image(10, platform=platform, seed=seed) for seed, platform in enumerate(("linux/amd64", "linux/arm64"))]
    builder.name(parts[0], "one")
    both = builder.name(builder.index(*parts), "both")
    push(ecr(), ref_name="one")
    asked = ecr()
    result = push(asked, ref_name="both", tags=["2.0"])
    assert asked.looks[0]["imageIds"] == [{"imageTag": "2.0"}, *({"imageDigest": name} for name in (both, *(p["digest"] for p in parts)))]
    assert push.fake.requests("HEAD .*/manifests/") == []
    assert (result["digest"], result["blobs"]["exists"]) == (both, 2)


def test_who_may_not_look_asks_the_registry(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    push(ecr())
    denied, broken = ecr(), ecr()
    denied.look_fails, broken.look_fails = "AccessDeniedException", "InvalidParameterException"
    result = push(denied)
    assert (push.fake.log, result["requests"]) == (["HEAD /v2/api/manifests/1.0"], 1)
    assert (result["changed"], result["digest"]) == (False, digest)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        push(broken)


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
        push(Ecr(push.fake))
    with pytest.raises(VerbFailure, match="Platforms in it: linux/amd64, linux/arm64"):
        push(Ecr(push.fake), ref_name="both", platform="linux/s390x")


def test_registry_id_is_asked_for_the_repository_the_token_and_the_images(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    asked = Ecr(push.fake).repository({"registryId": "210987654321"}).token({"registryIds": ["210987654321"]})
    assert push(asked, registry_id="210987654321")["changed"]
    assert [look["registryId"] for look in asked.looks] == ["210987654321"]


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


@pytest.mark.parametrize(
    ("mutability", "patterns", "ending"),
    [
        ("IMMUTABLE", (), "IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest)"),
        (
            "IMMUTABLE_WITH_EXCLUSION",
            ("dev-*",),
            "-exclusion-filters filterType=WILDCARD,filter=dev-* filterType=WILDCARD,filter=latest)",
        ),
        ("MUTABLE_WITH_EXCLUSION", ("lat*",), "--image-tag-mutability MUTABLE)"),
        (
            "MUTABLE_WITH_EXCLUSION",
            ("v*", "latest"),
            "MUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=v*)",
        ),
    ],
)
def test_the_filters_that_would_let_a_tag_be_moved_keep_those_that_are_there(
    mutability: str, patterns: tuple[str, ...], ending: str
) -> None:
    text = how_to_move(EcrRepository("api", URI, ACCOUNT, mutability, patterns), "latest")
    assert text.startswith("exclude this tag from immutability (aws ecr put-image-tag-mutability --repository-name api ")
    assert text.endswith(ending)


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
    asked = Ecr(push.fake).missing().token()
    with pytest.raises(
        VerbFailure, match=r"no ECR repository api in .* region eu-west-1\. Create it first, .* nothing was uploaded"
    ) as caught:
        push(asked)
    assert caught.value.result["error_code"] == "RepositoryNotFoundException"
    assert push.fake.log == []


def test_the_token_is_renewed_when_it_is_refused(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    push.fake.quirks.token = "Basic bmV3"
    asked = Ecr(push.fake).repository().token().token(token="bmV3")
    assert push(asked)["changed"]


def test_a_registry_without_tls_is_refused_beyond_this_machine(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    with pytest.raises(VerbFailure, match="without TLS"):
        push(Ecr(push.fake).repository().token(endpoint="http://registry.example"))


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
        push(Ecr(push.fake), **options)


@pytest.mark.parametrize(
    ("validate_certs", "complaint"), [(True, r"missing\.pem cannot be read.* Check aws_ca_bundle"), (False, "refused")]
)
def test_the_certificate_options_reach_the_registry(push: Runner, builder: LayoutBuilder, validate_certs: bool, complaint: str) -> None:
    """Nobody listens on that port; without validation the push gets as far as finding that out."""
    builder.name(builder.image(10))
    asked = Ecr(push.fake).repository().token(endpoint="https://127.0.0.1:1")
    with pytest.raises(VerbFailure, match=complaint):
        push(asked, aws_ca_bundle="missing.pem", validate_certs=validate_certs)


CREATE = {
    "repositoryName": "api",
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageScanningConfiguration": {"scanOnPush": True},
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest"}],
}
CREATED = {"repositoryName": "api", "repositoryUri": URI, "registryId": ACCOUNT, **CREATE}


def test_a_missing_repository_is_created_when_asked(push: Runner, builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(1000))
    ecr = Ecr(push.fake).missing().token()
    ecr.stub.add_response("create_repository", {"repository": CREATED}, CREATE)
    rules = json.dumps({"rules": lifecycle_rules(7, 20)})
    ecr.stub.add_response("put_lifecycle_policy", {}, {"repositoryName": "api", "lifecyclePolicyText": rules})
    result = push(ecr, create_repository=True, repository_settings={"mutable_tags": ["latest"]})
    assert result["repository_created"]
    assert push.fake.tags == {("api", "1.0"): digest}


def test_the_settings_are_those_of_the_role() -> None:
    root = Path(__file__).parents[5]
    defaults = yaml.safe_load((root / "roles/ecr/defaults/main.yml").read_text())
    for setting in ("image_tag_mutability", "scan_on_push", "keep_images", "expire_untagged_days"):
        assert SETTINGS_SPEC[setting]["default"] == defaults[f"ecr_{setting}"], setting


@pytest.mark.parametrize("saved", [False, True])
def test_check_mode_creates_nothing_and_asks_the_registry_nothing(
    push: Runner, builder: LayoutBuilder, tmp_path: Path, saved: bool
) -> None:
    digest = builder.name(builder.image(1000))
    source = SavedImage(1000).save(tmp_path / "saved.tar") if saved else builder.path
    ecr = Ecr(push.fake).missing().token()
    result = push(ecr, source=str(source), create_repository=True, check_mode=True, diff_mode=True)
    assert result["changed"]
    assert result["repository_created"]
    assert result["blobs"]["pushed"] == 2
    assert result["diff"]["before"] == {"tags": {"1.0": None}}
    assert saved or result["digest"] == digest
    assert push.fake.log == []
    assert result["requests"] == 0


def test_an_archive_is_found_under_any_tag_of_the_repository(push: Runner, ecr: Callable[..., Ecr], tmp_path: Path) -> None:
    source = str(SavedImage(2000).save(tmp_path / "saved.tar"))
    first = push(ecr().images(), source=source, tags=["1.0"])
    assert (first["changed"], first["requests"]) == (True, 3 + 3 + 1)
    there = [(name, kind, text) for (_repository, name), (kind, text) in push.fake.manifests.items()]
    strange = (sha256(b"{}"), "application/vnd.docker.distribution.manifest.v1+json", b"{}")
    again = push(ecr().images(strange, *there, strange), source=source, tags=["2.0"], compression="zlib")
    assert push.fake.log == ["PUT /v2/api/manifests/2.0"]
    assert (again["digest"], again["changed"], again["requests"], again["bytes_uploaded"]) == (first["digest"], True, 1, 0)
    # No call more than the two when a tag names it.
    assert push(ecr(), source=source, tags=["2.0", "3.0"])["digest"] == first["digest"]


def test_who_may_not_list_the_images_compresses(push: Runner, ecr: Callable[..., Ecr], tmp_path: Path) -> None:
    result = push(ecr().images(denied=True), source=str(SavedImage(2000).save(tmp_path / "saved.tar")))
    assert result["changed"]
    missing = "ecr:DescribeImages, ecr:BatchGetImage"
    assert push.lines[0] == f"api: not looked for among the images there, which this identity may not list ({missing})"
    unseen = ecr().images(*[(name, kind, text) for (_place, name), (kind, text) in push.fake.manifests.items()])
    unseen.look_fails = "AccessDeniedException"
    assert push(unseen, source=str(SavedImage(2000, seed=2).save(tmp_path / "unseen.tar")), tags=["3.0"])["changed"]
    assert push.lines[0].endswith(f"({missing})")
    refused = ecr()
    refused.stub.add_client_error("describe_images", "ServerException")
    with pytest.raises(ClientError, match="ServerException"):
        push(refused, source=str(SavedImage(2000, seed=1).save(tmp_path / "other.tar")), tags=["2.0"])


@pytest.mark.parametrize("compress_all", [False, True])
def test_layers_that_hardly_shrink_are_compressed_only_when_asked_for(
    push: Runner, ecr: Callable[..., Ecr], tmp_path: Path, compress_all: bool
) -> None:
    image = SavedImage(2_000_000, text=0.0)
    result = push(ecr().images(), source=str(image.save(tmp_path / "saved.tar")), compress_all=compress_all)
    layers = json.loads(push.fake.manifests["api", result["digest"]][1])["layers"]
    assert [layer["digest"] == image.diff_ids[0] for layer in layers] == [not compress_all]


def test_check_mode_leaves_the_digest_open_where_only_compressing_tells_it(push: Runner, ecr: Callable[..., Ecr], tmp_path: Path) -> None:
    image = SavedImage(2000, 500)
    source = str(image.save(tmp_path / "saved.tar"))
    would = push(ecr().images(), source=source, check_mode=True, diff_mode=True)
    assert (would["changed"], would["digest"], would["image"], would["repository_uri"]) == (True, "", "", URI)
    assert would["tags"] == {"1.0": {"changed": True, "digest": "", "previous_digest": None, "skipped": False}}
    assert would["diff"]["after"] == {"tags": {"1.0": "(known when it has been compressed)"}}
    size = sum(map(len, image.layers)) + len(image.config)
    assert would["blobs"] == {"pushed": 3, "resumed": 0, "mounted": 0, "exists": 0, "bytes": size}
    assert would["bytes_uploaded"] == size
    did = push(ecr().images(), source=source)
    assert did["blobs"] == {**would["blobs"], "bytes": did["blobs"]["bytes"]}
    assert did["bytes_uploaded"] < size
    assert push(ecr(), source=source, check_mode=True)["digest"] == did["digest"]


def test_settings_that_make_no_sense_are_refused(push: Runner, builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    with pytest.raises(VerbFailure, match=r"repository_settings\.keep_images: 0 is not"):
        push(Ecr(push.fake), create_repository=True, repository_settings={"keep_images": 0})
    with pytest.raises(VerbFailure, match="scan_timeout: 0 is not"):
        push(Ecr(push.fake), scan_timeout=0)
    with pytest.raises(VerbFailure, match="image_config: source is of the kind registry"):
        push(Ecr(push.fake), source="docker://x.example/api:1", image_config={"env": {"A": "1"}})
    with pytest.raises(VerbFailure, match="image_config: A has the value"):
        push(Ecr(push.fake), image_config={"env": {"A": [1]}})


def instances(*architectures: str) -> Any:
    client = boto3.client("ecs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    stub.activate()
    arns = [f"arn:aws:ecs:eu-west-1:{ACCOUNT}:container-instance/{number}" for number in range(len(architectures))]
    stub.add_response("list_container_instances", {"containerInstanceArns": arns}, {"cluster": "prod", "status": "ACTIVE"})
    found = [{"attributes": [{"name": "ecs.cpu-architecture", "value": value}]} for value in architectures]
    if arns:
        stub.add_response("describe_container_instances", {"containerInstances": found}, {"cluster": "prod", "containerInstances": arns})
    return client


@pytest.mark.parametrize(
    ("architectures", "image", "mismatch", "warning"),
    [
        (["x86_64"], "linux/amd64", False, ""),
        (["x86_64", "arm64"], "linux/arm64", False, ""),
        (["x86_64"], "linux/arm64", True, "The image is for linux/arm64; the instances of the cluster prod run linux/amd64."),
        ([], "linux/arm64", False, "the cluster prod has no instance"),
    ],
)
def test_an_image_that_the_cluster_cannot_run_is_refused(
    push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, architectures: list[str], image: str, mismatch: bool, warning: str
) -> None:
    builder.name(builder.image(10, platform=image))
    push.ecs = instances(*architectures)
    if mismatch:
        with pytest.raises(VerbFailure, match=f"{warning} Nothing was uploaded"):
            push(ecr(), cluster="prod")
        assert push.fake.log == []
        push.ecs = instances(*architectures)
    assert push(ecr(), cluster="prod", on_platform_mismatch="warn")["changed"]
    assert [text for text in push.warnings if warning and warning in text] == push.warnings
    assert bool(push.warnings) is bool(warning)


def scan_answer(ecr: Ecr, digest: str, status: str, **counts: int) -> None:
    asked = {"registryId": ACCOUNT, "repositoryName": "api", "imageId": {"imageDigest": digest}}
    if status == "none":
        ecr.stub.add_client_error("describe_image_scan_findings", "ScanNotFoundException", expected_params=asked)
        return
    found = {"findingSeverityCounts": counts, "findings": [{"name": f"CVE-{severity}"} for severity in counts]}
    answer = {"imageScanStatus": {"status": status, "description": "why"}, "imageScanFindings": found}
    ecr.stub.add_response("describe_image_scan_findings", answer, asked)


@pytest.mark.parametrize(
    ("worst", "complaint"),
    [(None, ""), ("critical", ""), ("high", "found 2 high in the image; scan_fail_on is high"), ("low", "found 2 high, 1 low")],
)
def test_findings_are_waited_for_and_judged(
    push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, worst: str | None, complaint: str
) -> None:
    digest = builder.name(builder.image(10))
    asked = ecr()
    scan_answer(asked, digest, "none")
    asked.stub.add_response("start_image_scan", {}, {"registryId": ACCOUNT, "repositoryName": "api", "imageId": {"imageDigest": digest}})
    scan_answer(asked, digest, "IN_PROGRESS")
    scan_answer(asked, digest, "COMPLETE", LOW=1, HIGH=2)
    wanted = {"severities": {"HIGH": 2, "LOW": 1}, "findings": ["CVE-LOW", "CVE-HIGH"]}
    if complaint:
        with pytest.raises(VerbFailure, match=complaint) as caught:
            push(asked, scan_fail_on=worst)
        assert caught.value.result["scan"] == wanted
        assert caught.value.result["digest"] == digest
        assert caught.value.result["changed"]
    else:
        assert push(asked, wait_for_scan=True, **({"scan_fail_on": worst} if worst else {}))["scan"] == wanted
    assert push.clock.slept == [3, 3]


def test_a_scan_that_does_not_come_is_an_error(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    digest = builder.name(builder.image(10))
    asked = ecr()
    for _time in range(3):
        scan_answer(asked, digest, "PENDING")
    with pytest.raises(VerbFailure, match="has no result in time; its state is PENDING"):
        push(asked, wait_for_scan=True, scan_timeout=5)
    asked = ecr()
    scan_answer(asked, digest, "UNSUPPORTED_IMAGE")
    with pytest.raises(VerbFailure, match="cannot be scanned: UNSUPPORTED_IMAGE, why"):
        push(asked, wait_for_scan=True)


def test_promotion_within_a_registry_mounts_and_takes_the_signature_along(
    push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder
) -> None:
    digest = builder.name(builder.image(1000))
    push.fake.repositories.add("staging")
    push.fake.quirks.referrers = True
    push(Ecr(push.fake).repository().token())
    for key in list(push.fake.blobs):
        push.fake.blobs["staging", key[1]] = push.fake.blobs.pop(key)
    push.fake.manifests = {("staging", name): value for (_place, name), value in push.fake.manifests.items()}
    push.fake.tags = {("staging", "1.0"): digest}
    layer, config = b"signature", b"{}"
    for data in (layer, config):
        push.fake.blobs["staging", sha256(data)] = data
    part = {"mediaType": "application/json", "size": 9}
    signature = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {**part, "digest": sha256(config), "size": 2},
            "layers": [{**part, "digest": sha256(layer)}],
            "subject": {**part, "digest": digest},
        }
    ).encode()
    push.fake.manifests["staging", sha256(signature)] = (MANIFEST, signature)
    source = f"docker://{push.fake.endpoint.removeprefix('http://')}/staging:1.0"
    result = push(ecr(), source=source, expected_digest=digest, referrers=True)
    assert result["blobs"]["mounted"] == 2
    assert result["bytes_uploaded"] == 0
    assert result["referrers"] == [{"digest": sha256(signature), "kind": "application/json", "subject": digest, "tag": "", "changed": True}]
    assert set(result["referrers"][0]) == set(yaml.safe_load(module.RETURN)["referrers"]["contains"])
    assert push.fake.manifests["api", sha256(signature)] == (MANIFEST, signature)
    again = push(ecr(), source=source, expected_digest=digest, referrers=True)
    assert not again["changed"]
    assert not [line for line in push.fake.log if line.partition(" ")[0] not in ("HEAD", "GET")]
    with pytest.raises(VerbFailure, match=r"expected_digest: .*staging holds"):
        push(ecr(), source=source, expected_digest=sha256(b"other"))


def test_another_account_of_ecr_is_read_with_its_profile(
    push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which client is made is all that can be seen here: there is no second ECR to read from."""
    asked: list[dict[str, Any]] = []

    def factory(params: dict[str, Any]) -> Any:
        asked.append(params)
        raise VerbFailure("far enough")

    monkeypatch.setitem(open_away.__globals__, "client_factory", factory)
    source = "docker://210987654321.dkr.ecr.us-east-1.amazonaws.com/api:1.0"
    with pytest.raises(VerbFailure, match="far enough"):
        push(ecr(), source=source, source_profile="staging", access_key="x", secret_key="y")
    assert [(params["region"], params["profile"], params["access_key"]) for params in asked] == [("us-east-1", "staging", None)]


def test_what_stands_in_for_aws_is_every_registry_of_ecr(
    push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = builder.name(builder.image(1000))
    assert push(ecr(), tags=["first"])["digest"] == digest
    other = Ecr(push.fake).token()
    monkeypatch.setitem(open_away.__globals__, "client_factory", lambda params: lambda service: other.client)
    source = f"docker://210987654321.dkr.ecr.us-east-1.amazonaws.com/api@{digest}"
    copied = push(ecr(), source=source, expected_digest=digest, tags=["promoted"])
    assert copied["digest"] == digest
    assert copied["tags"]["promoted"]["changed"]


@pytest.mark.parametrize(
    ("api", "endpoint", "wanted"),
    [
        ("https://api.ecr.eu-west-1.amazonaws.com", "eu-west-1.amazonaws.com", "dkr.ecr.eu-west-1.amazonaws.com"),
        ("https://ecr-fips.us-east-1.amazonaws.com", "us-east-1.amazonaws.com", "dkr.ecr-fips.us-east-1.amazonaws.com"),
        ("https://ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1.amazonaws.com", "dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
        ("https://ecr.eu-west-1.api.aws", "eu-west-1.amazonaws.com", "dkr-ecr.eu-west-1.on.aws"),
        ("https://ecr-fips.us-east-1.api.aws", "us-east-1.amazonaws.com", "dkr-ecr-fips.us-east-1.on.aws"),
        ("https://api.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1.amazonaws.com.cn", "dkr.ecr.cn-north-1.amazonaws.com.cn"),
        (
            "https://ecr.cn-north-1.api.amazonwebservices.com.cn",
            "cn-north-1.amazonaws.com.cn",
            "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
        ),
    ],
)
def test_the_registry_is_reached_at_the_kind_of_endpoint_that_the_api_is(api: str, endpoint: str, wanted: str) -> None:
    assert registry_endpoint(f"https://{ACCOUNT}.dkr.ecr.{endpoint}", api) == f"https://{ACCOUNT}.{wanted}"
    host = parse_ecr_host(f"{ACCOUNT}.{wanted}")
    assert host is not None
    assert (str(host), host.region in endpoint) == (f"{ACCOUNT}.{wanted}", True)
    assert not keeps_honest_offsets(f"https://{ACCOUNT}.{wanted}")


def test_an_endpoint_that_is_none_of_ecr_stays_as_it_is() -> None:
    assert registry_endpoint("http://127.0.0.1:4577", "https://ecr-fips.us-east-1.amazonaws.com") == "http://127.0.0.1:4577"
    assert parse_ecr_host("registry.example") is None


def _spec(documented: dict[str, Any]) -> dict[str, Any]:
    """An argument spec from documentation."""
    spec: dict[str, Any] = {}
    for name, option in documented.items():
        spec[name] = {key: value for key, value in option.items() if key not in ("description", "version_added", "suboptions")}
        if "suboptions" in option:
            spec[name]["options"] = _spec(option["suboptions"])
    return spec


def test_the_documentation_says_what_the_arguments_are() -> None:
    shared = yaml.safe_load(_repository.ModuleDocFragment.DOCUMENTATION)["options"]
    spec = _spec({**shared, **yaml.safe_load(module.DOCUMENTATION)["options"]})
    # Secrecy is not documented.
    spec["source_password"]["no_log"] = True
    spec["repository_settings"]["options"]["kms_key"]["no_log"] = False
    assert spec == VERB.argument_spec


def test_the_documentation_names_every_return_value(push: Runner, ecr: Callable[..., Ecr], builder: LayoutBuilder) -> None:
    builder.name(builder.image(10))
    documented = yaml.safe_load(module.RETURN)
    result = push(ecr())
    assert set(result) - {"changed"} == set(documented) - {"hint", "error_code", "status", "referrers", "scan"}
    assert set(result["blobs"]) == set(documented["blobs"]["contains"])
    assert set(result["tags"]["1.0"]) == set(documented["tags"]["contains"])


def test_the_action_runs_the_same_verb() -> None:
    assert ActionModule.VERB is VERB
