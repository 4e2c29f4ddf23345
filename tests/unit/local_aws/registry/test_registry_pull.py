"""What a container instance gets, and the agent's words when it gets nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from local_aws.interfaces import PullError

if TYPE_CHECKING:
    from conftest import Served

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/api"


def everything(action: str, resource: str) -> str | None:
    return None


def failure(registry: Served, reference: str, platform: str = "linux/amd64", allowed: Callable[[str, str], str | None] = everything) -> str:
    with pytest.raises(PullError) as failed:
        registry.room.pull(reference, platform, allowed)
    return str(failed.value)


def test_by_tag_and_by_digest(registry: Served) -> None:
    digest = registry.image("1.0", layer=b"content")["digest"]
    for reference in (f"{ECR}/api:1.0", f"{ECR}/api@{digest}", f"127.0.0.1:{registry.port}/api:1.0"):
        image = registry.room.pull(reference, "linux/amd64", everything)
        assert (image.reference, image.digest, image.platform) == (reference, digest, "linux/amd64")
        assert image.config["config"]["Cmd"] == ["/app"]
        assert [layer.read_bytes() for layer in image.layers] == [b"content"]
        assert image.layer_media_types == ("application/vnd.oci.image.layer.v1.tar+gzip",)


def test_an_index_gives_the_platforms_image_under_the_indexs_digest(registry: Served) -> None:
    digest = registry.index("1", registry.image(layer=b"amd"), registry.image(layer=b"arm", architecture="arm64"))
    image = registry.room.pull(f"{ECR}/api:1", "linux/arm64", everything)
    assert (image.digest, image.platform) == (digest, "linux/arm64")
    assert image.layers[0].read_bytes() == b"arm"


def test_an_index_whose_descriptors_name_no_platform_is_read_through(registry: Served) -> None:
    children = [registry.image(layer=b"arm", architecture="arm64"), registry.image(layer=b"amd")]
    registry.index("1", *({key: value for key, value in child.items() if key != "platform"} for child in children))
    assert registry.room.pull(f"{ECR}/api:1", "linux/amd64", everything).layers[0].read_bytes() == b"amd"


def test_an_index_without_the_platform(registry: Served) -> None:
    registry.index("1", registry.image(architecture="arm64"))
    assert failure(registry, f"{ECR}/api:1") == (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): "
        "image Manifest does not contain descriptor matching platform 'linux/amd64'"
    )


def test_a_lone_image_of_another_platform_is_pulled_all_the_same(registry: Served) -> None:
    registry.image("1", architecture="arm64")
    assert registry.room.pull(f"{ECR}/api:1", "linux/amd64", everything).platform == "linux/arm64"


@pytest.mark.parametrize("reference", [f"{ECR}/api:none", f"{ECR}/none:1", f"{ECR}/api@sha256:{'0' * 64}"])
def test_what_is_not_there(registry: Served, reference: str) -> None:
    text = failure(registry, reference)
    assert text.startswith("CannotPullContainerError: ")
    assert text.endswith(f"failed to resolve ref {reference}: {reference}: not found")


def test_images_are_found_in_their_own_region_only(registry: Served) -> None:
    registry.image("1")
    assert failure(registry, f"{ECR.replace('eu-west-1', 'us-east-1')}/api:1").endswith(": not found")


def test_no_permission_for_the_image(registry: Served) -> None:
    registry.image("1")
    denial = f"User: arn:aws:sts::123456789012:assumed-role/exec/x is not authorized to perform: ecr:BatchGetImage on resource: {ARN}"
    text = failure(registry, f"{ECR}/api:1", allowed=lambda action, resource: denial if resource == ARN else None)
    assert text == (
        "CannotPullContainerError: The task can\u2019t pull the image. Check that the role has the permissions to pull images from the "
        f"registry. Error response from daemon: pull access denied for {ECR}/api, repository does not exist or may require "
        f"'docker login': denied: {denial}"
    )


def test_no_permission_for_a_token_comes_first(registry: Served) -> None:
    registry.image("1")
    asked: list[tuple[str, str]] = []

    def deny(action: str, resource: str) -> str | None:
        asked.append((action, resource))
        return "User: x is not authorized to perform: ecr:GetAuthorizationToken on resource: *"

    text = failure(registry, f"{ECR}/api:1", allowed=deny)
    assert text.startswith("CannotPullECRContainerError: AccessDeniedException: User: x is not authorized to perform: ecr:GetAuth")
    assert asked == [("ecr:GetAuthorizationToken", "*")]


@pytest.mark.parametrize(
    ("reference", "end"),
    [
        ("nginx:1.27", "dial tcp: lookup registry-1.docker.io: no such host"),
        ("quay.io/x/y:1", "dial tcp: lookup quay.io: no such host"),
        ("10.0.0.1:5000/y:1", "dial tcp 10.0.0.1:5000: i/o timeout"),
        ("10.0.0.1/y:1", "dial tcp 10.0.0.1:443: i/o timeout"),
    ],
)
def test_other_registries_are_out_of_reach(registry: Served, reference: str, end: str) -> None:
    text = failure(registry, reference)
    assert text.startswith("CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref ")
    assert text.endswith(f": {end}")


def test_what_is_no_reference_is_refused_as_by_docker(registry: Served) -> None:
    assert "failed to parse reference" in failure(registry, "UPPER/case")


def test_a_manifest_whose_configuration_is_no_image(registry: Served) -> None:
    content = registry.blob(b'{"not": "an image"}')
    registry.manifest(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.example+json", "digest": content, "size": 19},
            "layers": [],
        },
        "chart",
    )
    assert "application/vnd.example+json: not a container image" in failure(registry, f"{ECR}/api:chart")
