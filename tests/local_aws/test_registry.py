"""The registry as its clients use it: skopeo and podman unchanged, and plain HTTP for what they never do."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MEBIBYTE = 1024 * 1024
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment})


class Layout:
    """An OCI layout with one image per architecture, under an index when there are several."""

    def __init__(self, root: Path, architectures: Sequence[str]) -> None:
        self.root = root
        self.blobs = root / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        manifests = [self._image(architecture) for architecture in architectures]
        if len(manifests) == 1:
            (top,) = manifests
        else:
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
            top = self._put(json.dumps(document).encode(), OCI_INDEX)
        self.digest = top["digest"]
        named = {**top, "annotations": {"org.opencontainers.image.ref.name": "it"}}
        (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def _put(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = digest_of(content)
        (self.blobs / digest.removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _image(self, architecture: str) -> dict[str, Any]:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            content = os.urandom(2 * MEBIBYTE)
            member = tarfile.TarInfo("data")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        raw = archive.getvalue()
        config = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Cmd": ["/data"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(raw)]},
            "history": [{"created_by": "a test"}],
        }
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self._put(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": [self._put(gzip.compress(raw, 1), "application/vnd.oci.image.layer.v1.tar+gzip")],
        }
        platform = {"os": "linux", "architecture": architecture}
        return {**self._put(json.dumps(document).encode(), OCI_MANIFEST), "platform": platform}


@dataclass
class Registry:
    host: str
    token: str
    ecr: Any

    @property
    def credentials(self) -> str:
        return base64.b64decode(self.token).decode()

    def copy(self, source: str, destination: str) -> subprocess.CompletedProcess[str]:
        options = ("--all", "--src-tls-verify=false", "--dest-tls-verify=false")
        side = "--dest-creds" if destination.startswith("docker:") else "--src-creds"
        return run("skopeo", "copy", *options, side, self.credentials, source, destination)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers={"Authorization": f"Basic {self.token}", **fields})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content


@pytest.fixture
def registry(aws: Any) -> Registry:
    """The registry with the repository `shop/api`."""
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="shop/api")
    data = ecr.get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == aws.url
    return Registry(data["proxyEndpoint"].removeprefix("http://"), data["authorizationToken"], ecr)


@pytest.mark.parametrize("architectures", [("amd64",), ("amd64", "arm64")])
def test_skopeo_copies_in_and_out_byte_for_byte(registry: Registry, tmp_path: Path, architectures: Sequence[str]) -> None:
    layout = Layout(tmp_path / "in", architectures)
    pushed = registry.copy(f"oci:{layout.root}:it", f"docker://{registry.host}/shop/api:1.0")
    assert pushed.returncode == 0, pushed.stderr
    by_tag = registry.ecr.describe_images(repositoryName="shop/api", imageIds=[{"imageTag": "1.0"}])["imageDetails"][0]
    assert by_tag["imageDigest"] == layout.digest
    pulled = registry.copy(f"docker://{registry.host}/shop/api@{layout.digest}", f"oci:{tmp_path / 'out'}:it")
    assert pulled.returncode == 0, pulled.stderr
    sent = {blob.name: blob.read_bytes() for blob in layout.blobs.iterdir()}
    got = {blob.name: blob.read_bytes() for blob in (tmp_path / "out" / "blobs" / "sha256").iterdir()}
    assert got == sent


def test_a_second_push_and_another_tag_upload_nothing_new(registry: Registry, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "in", ["amd64"])
    for tag in ("1.0", "1.0", "latest"):
        assert registry.copy(f"oci:{layout.root}:it", f"docker://{registry.host}/shop/api:{tag}").returncode == 0
    (details,) = registry.ecr.describe_images(repositoryName="shop/api")["imageDetails"]
    assert sorted(details["imageTags"]) == ["1.0", "latest"]
    assert details["imageSizeInBytes"] > 2 * MEBIBYTE


@pytest.fixture
def podman() -> Iterator[Sequence[str]]:
    """Podman with storage of its own, removed afterwards. The path is short because podman takes 50 characters at most."""
    with tempfile.TemporaryDirectory(prefix="pod") as root:
        command = ("podman", "--root", f"{root}/root", "--runroot", f"{root}/run", "--storage-driver", "vfs")
        yield command
        run(*command, "rmi", "--all", "--force")


def test_podman_pushes(registry: Registry, podman: Sequence[str], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "in", ["amd64"])
    pulled = run(*podman, "pull", "--quiet", f"oci:{layout.root}:it")
    assert pulled.returncode == 0, pulled.stderr
    image = pulled.stdout.strip()
    pushed = run(*podman, "push", "--tls-verify=false", "--creds", registry.credentials, image, f"docker://{registry.host}/shop/api:podman")
    assert pushed.returncode == 0, pushed.stderr
    assert registry.ecr.describe_images(repositoryName="shop/api", imageIds=[{"imageTag": "podman"}])["imageDetails"]


def test_a_wrong_password_and_a_missing_repository_are_refused_in_words(registry: Registry, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "in", ["amd64"])
    denied = run(
        "skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", "AWS:guess",
        f"oci:{layout.root}:it", f"docker://{registry.host}/shop/api:1",
    )  # fmt: skip
    assert denied.returncode != 0
    assert "unauthorized" in denied.stderr
    missing = registry.copy(f"oci:{layout.root}:it", f"docker://{registry.host}/shop/none:1")
    assert missing.returncode != 0
    assert "The repository with name 'shop/none' does not exist in the registry with id '123456789012'" in missing.stderr


def test_an_immutable_tag_is_kept(registry: Registry, tmp_path: Path) -> None:
    registry.ecr.put_image_tag_mutability(
        repositoryName="shop/api",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
    )
    first, second = Layout(tmp_path / "1", ["amd64"]), Layout(tmp_path / "2", ["amd64"])
    for tag in ("1.0", "latest"):
        assert registry.copy(f"oci:{first.root}:it", f"docker://{registry.host}/shop/api:{tag}").returncode == 0
    refused = registry.copy(f"oci:{second.root}:it", f"docker://{registry.host}/shop/api:1.0")
    assert refused.returncode != 0
    assert "tag invalid: The image tag '1.0' already exists in the 'shop/api' repository and cannot be overwritten" in refused.stderr
    assert registry.copy(f"oci:{second.root}:it", f"docker://{registry.host}/shop/api:latest").returncode == 0
    images = registry.ecr.batch_get_image(repositoryName="shop/api", imageIds=[{"imageTag": "1.0"}, {"imageTag": "latest"}])["images"]
    assert [image["imageId"]["imageDigest"] for image in images] == [first.digest, second.digest]


def test_a_chunked_upload_by_hand(registry: Registry) -> None:
    content = os.urandom(12 * MEBIBYTE)
    status, headers, _ = registry.send("POST", "/v2/shop/api/blobs/uploads/", Content_Length="0")
    assert status == 202
    location = headers["Location"]
    for start in (0, 5 * MEBIBYTE, 10 * MEBIBYTE):
        chunk = content[start : start + 5 * MEBIBYTE]
        status, headers, _ = registry.send("PATCH", location, chunk, Content_Range=f"{start}-{start + len(chunk) - 1}")
        # ECR answers 201 and shows the end of the first chunk for ever; clients keep their own count.
        assert (status, headers["Range"]) == (201, f"0-{5 * MEBIBYTE - 1}")
        location = headers["Location"]
    status, headers, _ = registry.send("GET", location)
    assert (status, headers["Range"]) == (204, f"0-{len(content) - 1}")
    status, headers, _ = registry.send("PUT", f"{location}?digest={digest_of(content)}")
    assert status == 201
    assert registry.send("GET", headers["Location"])[2] == content


def test_a_wrong_digest_is_refused(registry: Registry) -> None:
    _, headers, _ = registry.send("POST", "/v2/shop/api/blobs/uploads/", Content_Length="0")
    status, _, body = registry.send("PUT", f"{headers['Location']}?digest={digest_of(b'something else')}", b"content")
    assert (status, json.loads(body)["errors"][0]["code"]) == (400, "DIGEST_INVALID")
    assert registry.send("HEAD", f"/v2/shop/api/blobs/{digest_of(b'content')}")[0] == 404


def test_a_blob_is_mounted_when_the_account_allows_it(registry: Registry, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "in", ["amd64"])
    assert registry.copy(f"oci:{layout.root}:it", f"docker://{registry.host}/shop/api:1").returncode == 0
    registry.ecr.create_repository(repositoryName="shop/web")
    manifest = json.loads(registry.send("GET", "/v2/shop/api/manifests/1")[2])
    layer = manifest["layers"][0]["digest"]
    mount = f"/v2/shop/web/blobs/uploads/?mount={layer}&from=shop/api"
    assert registry.send("POST", mount, Content_Length="0")[0] == 202
    registry.ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert registry.send("POST", mount, Content_Length="0")[0] == 201
    assert registry.send("HEAD", f"/v2/shop/web/blobs/{layer}")[0] == 200


def test_a_reset_empties_the_registry(aws: Any, registry: Registry, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "in", ["amd64"])
    assert registry.copy(f"oci:{layout.root}:it", f"docker://{registry.host}/shop/api:1").returncode == 0
    assert aws.hand("GET", "state?component=registry")["registry"]["blobs"] == 2
    aws.reset()
    assert registry.send("GET", "/v2/shop/api/tags/list")[0] == 404
    assert aws.hand("GET", "state?component=registry")["registry"]["blobs"] == 0
