"""The distribution API over HTTP, request by request, with ECR's answers and with the specification's."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local_aws.interfaces import AwsError
from local_aws.registry.manifests import DOCKER_MANIFEST, MAXIMUM_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST
from local_aws.registry.quirks import MEBIBYTE, SPECIFICATION, Quirks

if TYPE_CHECKING:
    from conftest import Served

NOBODY = "sha256:" + "0" * 64


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_token_is_asked_for_and_leads_here(registry: Served) -> None:
    refused = registry.send("GET", "/v2/", token=None)
    assert refused.error == (401, "UNAUTHORIZED")
    assert refused.headers["Www-Authenticate"].startswith("Basic realm=")
    assert registry.send("GET", "/v2/", token=base64.b64encode(b"AWS:guess").decode()).status == 401
    assert registry.send("GET", "/v2/").status == 200
    data = registry.ask("GetAuthorizationToken")["authorizationData"][0]
    assert data["proxyEndpoint"] == f"http://127.0.0.1:{registry.port}"
    assert base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")
    assert timedelta(hours=11) < data["expiresAt"] - datetime.now(UTC) <= timedelta(hours=12)


def test_a_token_is_for_one_account_and_region(registry: Served) -> None:
    registry.image("1")
    elsewhere = registry.api.ask("ecr", "GetAuthorizationToken", {}, "123456789012", "us-east-1")["authorizationData"][0]
    answer = registry.send("GET", "/v2/api/manifests/1", token=elsewhere["authorizationToken"])
    assert answer.error == (404, "NAME_UNKNOWN")
    here = registry.send(
        "GET", "/v2/api/manifests/1", token=elsewhere["authorizationToken"], Host="123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    )
    assert here.status == 200


def test_monolithic_upload_and_ranges(registry: Served) -> None:
    content = os.urandom(300_000)
    digest = registry.blob(content)
    head = registry.send("HEAD", f"/v2/api/blobs/{digest}")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "300000", b"")
    assert registry.send("GET", f"/v2/api/blobs/{digest}").body == content
    part = registry.send("GET", f"/v2/api/blobs/{digest}", Range="bytes=1000-1999")
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, content[1000:2000], "bytes 1000-1999/300000")
    assert registry.send("GET", f"/v2/api/blobs/{digest}", Range="bytes=-10").body == content[-10:]
    assert registry.send("GET", f"/v2/api/blobs/{digest}", Range="bytes=300000-").status == 416


def test_single_post(registry: Served) -> None:
    answer = registry.send("POST", f"/v2/api/blobs/uploads/?digest={digest_of(b'abc')}", b"abc")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest_of(b"abc"))
    assert registry.send("GET", answer.headers["Location"]).body == b"abc"


def test_streamed_patch_then_empty_put(registry: Served) -> None:
    content = os.urandom(700_000)
    location = registry.begin()
    answer = registry.send("PATCH", location, iter([content[:400_000], content[400_000:]]), chunked=True)
    assert (answer.status, answer.headers["Range"]) == (201, "0-699999")
    digest = digest_of(content)
    assert registry.send("PUT", f"{answer.headers['Location']}?digest={digest}").status == 201
    assert registry.send("GET", f"/v2/api/blobs/{digest}").body == content


def test_chunks_in_ecrs_way(registry: Served) -> None:
    """PATCH answers 201, Range stays at the first chunk's end, and yet every byte is there."""
    content = os.urandom(11 * MEBIBYTE)
    location, size = registry.begin(), 5 * MEBIBYTE
    for start in (0, size):
        chunk = content[start : start + size]
        answer = registry.send("PATCH", location, chunk, Content_Range=f"{start}-{start + size - 1}")
        assert (answer.status, answer.headers["Range"]) == (201, f"0-{size - 1}")
    status = registry.send("GET", location)
    assert (status.status, status.headers["Range"]) == (204, f"0-{2 * size - 1}")
    digest = digest_of(content)
    last = content[2 * size :]
    done = registry.send("PUT", f"{location}?digest={digest}", last, Content_Range=f"{2 * size}-{len(content) - 1}")
    assert done.status == 201
    assert registry.send("GET", f"/v2/api/blobs/{digest}").body == content


def test_chunks_in_the_specifications_way(serve: Callable[..., Served]) -> None:
    served = serve(SPECIFICATION)
    served.repository()
    location = served.begin()
    assert served.send("PATCH", location, b"abc", Content_Range="0-2").headers["Range"] == "0-2"
    second = served.send("PATCH", location, b"de", Content_Range="3-4")
    assert (second.status, second.headers["Range"]) == (202, "0-4")
    assert served.send("PATCH", location, b"f").status == 202
    assert served.send("PUT", f"{location}?digest={digest_of(b'abcdef')}").status == 201


def test_a_chunk_out_of_order_is_refused_with_the_right_offset(registry: Served) -> None:
    location = registry.begin()
    registry.send("PATCH", location, b"abc", Content_Range="0-2")
    wrong = registry.send("PATCH", location, b"x", Content_Range="7-7")
    assert (wrong.status, wrong.headers["Range"]) == (416, "0-2")
    again = registry.send("PUT", f"{location}?digest={digest_of(b'abc')}", b"abc")
    assert again.error == (416, "BLOB_UPLOAD_INVALID")
    assert again.message == "First byte of the layer part is 0 instead of 3"


def test_small_chunks_are_refused_at_the_end(registry: Served) -> None:
    location = registry.begin()
    registry.send("PATCH", location, b"abc", Content_Range="0-2")
    registry.send("PATCH", location, b"def", Content_Range="3-5")
    answer = registry.send("PUT", f"{location}?digest={digest_of(b'abcdef')}")
    assert answer.error == (400, "BLOB_UPLOAD_INVALID")
    assert "at least 5242880 bytes" in answer.message


def test_a_wrong_digest_is_refused_and_nothing_kept(registry: Served) -> None:
    location = registry.begin()
    answer = registry.send("PUT", f"{location}?digest={digest_of(b'other')}", b"content")
    assert answer.error == (400, "DIGEST_INVALID")
    assert digest_of(b"content") in answer.message
    for digest in (digest_of(b"other"), digest_of(b"content")):
        assert registry.send("HEAD", f"/v2/api/blobs/{digest}").status == 404
    assert registry.send("PUT", f"{location}?digest={digest_of(b'content')}", b"content").error == (404, "BLOB_UPLOAD_UNKNOWN")
    assert registry.send("PUT", f"{registry.begin()}?digest=md5:1", b"content").error == (400, "DIGEST_INVALID")


def test_cancelled_uploads_are_gone(registry: Served) -> None:
    location = registry.begin()
    assert registry.send("DELETE", location).status == 204
    assert registry.send("GET", location).error == (404, "BLOB_UPLOAD_UNKNOWN")
    assert registry.room.state()["open_uploads"] == 0


def test_a_broken_upload_keeps_its_bytes(registry: Served) -> None:
    """The connection breaks after 3 of 10 announced bytes; the status says where to go on."""
    location = registry.begin()
    with socket.create_connection(("127.0.0.1", registry.port), 5) as client:
        client.sendall(
            f"PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {registry.token}\r\nContent-Length: 10\r\n\r\nabc".encode()
        )
        client.shutdown(socket.SHUT_WR)
        client.recv(1000)
    assert registry.send("GET", location).headers["Range"] == "0-2"


def test_missing_things_have_their_own_codes(registry: Served) -> None:
    for path in ("/v2/none/manifests/1", f"/v2/none/blobs/{NOBODY}", "/v2/none/tags/list"):
        answer = registry.send("GET", path)
        assert answer.error == (404, "NAME_UNKNOWN")
        assert answer.message == "The repository with name 'none' does not exist in the registry with id '123456789012'"
    assert registry.send("POST", "/v2/none/blobs/uploads/").error == (404, "NAME_UNKNOWN")
    assert registry.send("GET", "/v2/api/manifests/none").error == (404, "MANIFEST_UNKNOWN")
    assert registry.send("GET", f"/v2/api/blobs/{NOBODY}").error == (404, "BLOB_UNKNOWN")
    assert registry.send("GET", "/v2/_catalog").status == 404
    assert registry.send("POST", "/v2/api/tags/list").error == (405, "UNSUPPORTED")


def test_manifests_come_back_byte_for_byte_by_tag_and_digest(registry: Served) -> None:
    descriptor = registry.image("1.0")
    digest = descriptor["digest"]
    head = registry.send("HEAD", "/v2/api/manifests/1.0")
    assert (head.headers["Docker-Content-Digest"], head.headers["Content-Type"]) == (digest, OCI_MANIFEST)
    for selector in ("1.0", digest):
        got = registry.send("GET", f"/v2/api/manifests/{selector}")
        assert digest_of(got.body) == digest
        # ECR leaves the digest out here.
        assert got.headers["Docker-Content-Digest"] is None


def test_a_client_that_takes_docker_manifests_only_gets_one_by_tag(registry: Served) -> None:
    stored = registry.image("1.0")["digest"]
    got = registry.send("GET", "/v2/api/manifests/1.0", Accept=DOCKER_MANIFEST)
    document = json.loads(got.body)
    assert got.headers["Content-Type"] == document["mediaType"] == DOCKER_MANIFEST
    assert document["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    assert document["layers"][0]["mediaType"] == "application/vnd.docker.image.rootfs.diff.tar.gzip"
    head = registry.send("HEAD", "/v2/api/manifests/1.0", Accept=DOCKER_MANIFEST)
    assert head.headers["Docker-Content-Digest"] == digest_of(got.body) != stored
    both = registry.send("HEAD", "/v2/api/manifests/1.0", Accept=f"{DOCKER_MANIFEST}, {OCI_MANIFEST}")
    assert both.headers["Docker-Content-Digest"] == stored
    by_digest = registry.send("GET", f"/v2/api/manifests/{stored}", Accept=DOCKER_MANIFEST)
    assert digest_of(by_digest.body) == stored


def test_manifests_must_be_what_they_say(registry: Served) -> None:
    layer = registry.blob(b"layer")
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/json", "digest": layer, "size": 5},
        "layers": [],
    }
    body = json.dumps(document).encode()

    def put(content: bytes, media_type: str = OCI_MANIFEST, selector: str = "t") -> tuple[int, str]:
        return registry.send("PUT", f"/v2/api/manifests/{selector}", content, Content_Type=media_type).error

    assert put(body, DOCKER_MANIFEST) == (400, "MANIFEST_INVALID")
    assert put(b"{") == (400, "MANIFEST_INVALID")
    assert put(b"[]") == (400, "MANIFEST_INVALID")
    assert put(json.dumps({**document, "schemaVersion": 1}).encode()) == (400, "MANIFEST_INVALID")
    assert put(body, "application/json") == (405, "UNSUPPORTED")
    assert put(body, selector=NOBODY) == (400, "DIGEST_INVALID")
    assert put(body + b" " * MAXIMUM_MANIFEST_BYTES) == (413, "SIZE_INVALID")
    missing = {**document, "layers": [{"mediaType": "x", "digest": NOBODY, "size": 1}]}
    answer = registry.manifest(missing, "t")
    assert answer.error == (404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.message.startswith(f"Layers with digests '[{NOBODY}]' required for pushing image into repository with name 'api'")
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{"mediaType": OCI_MANIFEST, "digest": NOBODY, "size": 1}]}
    assert registry.manifest(index, "t").message.startswith("Images with digests")
    assert registry.manifest(document, "t").status == 201


def test_pushed_images_show_in_the_ecr_api(registry: Served) -> None:
    amd, arm = registry.image(layer=b"a" * 100), registry.image(layer=b"b" * 500, architecture="arm64")
    digest = registry.index("multi", amd, arm)
    registry.send("PUT", "/v2/api/manifests/same", registry.send("GET", "/v2/api/manifests/multi").body, Content_Type=OCI_INDEX)
    details = {item["imageDigest"]: item for item in registry.ask("DescribeImages", repositoryName="api")["imageDetails"]}
    assert set(details) == {amd["digest"], arm["digest"], digest}
    assert sorted(details[digest]["imageTags"]) == ["multi", "same"]
    assert "imageTags" not in details[amd["digest"]]
    assert details[digest]["imageSizeInBytes"] == details[arm["digest"]]["imageSizeInBytes"] > 500
    assert details[digest]["imageManifestMediaType"] == OCI_INDEX
    assert abs(details[digest]["imagePushedAt"].timestamp() - datetime.now(UTC).timestamp()) < 10
    got = registry.ask("BatchGetImage", repositoryName="api", imageIds=[{"imageTag": "same"}, {"imageTag": "none"}])
    assert got["images"][0]["imageId"] == {"imageDigest": digest, "imageTag": "same"}
    assert got["failures"][0]["failureReason"] == "Requested image not found"
    listed = registry.ask("ListImages", repositoryName="api")["imageIds"]
    assert {(item["imageDigest"], item.get("imageTag")) for item in listed} >= {(digest, "multi"), (digest, "same")}


def test_a_moved_tag_leaves_the_old_image_untagged(registry: Served) -> None:
    old, new = registry.image("latest"), registry.image("latest", layer=b"new")
    assert registry.send("HEAD", "/v2/api/manifests/latest").headers["Docker-Content-Digest"] == new["digest"]
    assert registry.send("HEAD", f"/v2/api/manifests/{old['digest']}").status == 200


def test_images_deleted_through_the_api_are_gone_from_the_registry(registry: Served) -> None:
    image = registry.image("1")
    registry.ask("BatchDeleteImage", repositoryName="api", imageIds=[{"imageTag": "1"}])
    for selector in ("1", image["digest"]):
        assert registry.send("HEAD", f"/v2/api/manifests/{selector}").status == 404
    registry.image("2")
    registry.ask("DeleteRepository", repositoryName="api", force=True)
    assert registry.send("GET", "/v2/api/manifests/2").error == (404, "NAME_UNKNOWN")
    registry.repository()
    assert registry.send("HEAD", f"/v2/api/blobs/{digest_of(b'layer')}").status == 404


def test_deleting_over_the_registry(registry: Served) -> None:
    image = registry.image("1")
    assert registry.send("DELETE", f"/v2/api/manifests/{image['digest']}").status == 202
    assert registry.ask("DescribeImages", repositoryName="api")["imageDetails"] == []


@pytest.mark.parametrize(
    ("settings", "tag", "refused"),
    [
        ({"imageTagMutability": "MUTABLE"}, "1.0", None),
        ({"imageTagMutability": "IMMUTABLE"}, "1.0", "repository"),
        ({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "filter": "latest*"}, "1.0", "tag"),
        ({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "filter": "latest*"}, "latest-x", None),
        ({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "filter": "latest"}, "latest-x", "tag"),
        ({"imageTagMutability": "MUTABLE_WITH_EXCLUSION", "filter": "v*"}, "v1", "tag"),
        ({"imageTagMutability": "MUTABLE_WITH_EXCLUSION", "filter": "v*"}, "latest", None),
    ],
)
def test_tag_immutability(serve: Callable[..., Served], settings: dict[str, Any], tag: str, refused: str | None) -> None:
    served = serve()
    pattern = settings.pop("filter", None)
    if pattern is not None:
        settings = {**settings, "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": pattern}]}
    served.repository(**settings)
    served.image(tag)
    body = served.send("GET", f"/v2/api/manifests/{tag}").body
    for layer_changed in (False, True):
        if layer_changed:
            document = json.loads(body)
            document["layers"].append({"mediaType": "x", "digest": served.blob(b"more"), "size": 4})
            body = json.dumps(document).encode()
        answer = served.send("PUT", f"/v2/api/manifests/{tag}", body, Content_Type=OCI_MANIFEST)
        if refused is None:
            assert answer.status == 201
        else:
            assert answer.error == (400, "TAG_INVALID")
            assert answer.message == (
                f"The image tag '{tag}' already exists in the 'api' repository and cannot be overwritten "
                f"because the {refused} is immutable."
            )


def test_mounting_only_as_ecr_does(registry: Served) -> None:
    registry.repository("base")
    used = registry.image("1", "base", layer=b"shared")
    assert used
    unused = registry.blob(b"unreferenced", "base")
    shared = digest_of(b"shared")

    def mount(digest: str) -> int:
        return registry.send("POST", f"/v2/api/blobs/uploads/?mount={digest}&from=base").status

    assert mount(shared) == 202
    registry.ask("PutAccountSetting", name="BLOB_MOUNTING", value="ENABLED")
    assert registry.ask("GetAccountSetting", name="BLOB_MOUNTING")["value"] == "ENABLED"
    assert mount(unused) == 202
    assert mount(NOBODY) == 202
    assert registry.send("HEAD", f"/v2/api/blobs/{shared}").status == 404
    assert mount(shared) == 201
    assert registry.send("GET", f"/v2/api/blobs/{shared}").body == b"shared"


def test_tags_are_listed_in_pages(registry: Served) -> None:
    for tag in ("b", "a", "c"):
        registry.image(tag)
    first = registry.send("GET", "/v2/api/tags/list?n=2")
    assert json.loads(first.body) == {"name": "api", "tags": ["a", "b"]}
    following = first.headers["Link"].partition(">")[0].removeprefix("<")
    assert json.loads(registry.send("GET", following).body)["tags"] == ["c"]


def test_referrers_of_a_subject(registry: Served) -> None:
    subject = registry.image("1")["digest"]
    about = registry.image(layer=b"signature", subject=subject)["digest"]
    index = json.loads(registry.send("GET", f"/v2/api/referrers/{subject}").body)
    assert [item["digest"] for item in index["manifests"]] == [about]
    assert json.loads(registry.send("GET", f"/v2/api/referrers/{about}").body)["manifests"] == []


def test_layers_and_images_through_the_ecr_api_meet_those_of_the_registry(registry: Served) -> None:
    content = b"from the API"
    upload = registry.ask("InitiateLayerUpload", repositoryName="api")["uploadId"]
    part = {"repositoryName": "api", "uploadId": upload, "layerPartBlob": content}
    with pytest.raises(AwsError, match="does not follow the last valid byte -1"):
        registry.ask("UploadLayerPart", **part, partFirstByte=5, partLastByte=16)
    registry.ask("UploadLayerPart", **part, partFirstByte=0, partLastByte=11)
    digest = digest_of(content)
    registry.ask("CompleteLayerUpload", repositoryName="api", uploadId=upload, layerDigests=[digest])
    assert registry.send("GET", f"/v2/api/blobs/{digest}").body == content
    available = registry.ask("BatchCheckLayerAvailability", repositoryName="api", layerDigests=[digest, NOBODY])
    assert [item["layerDigest"] for item in available["layers"]] == [digest]
    url = registry.ask("GetDownloadUrlForLayer", repositoryName="api", layerDigest=digest)["downloadUrl"]
    path = url.removeprefix(registry.room.endpoint)
    assert registry.send("GET", path, token=None).body == content
    assert registry.send("GET", path).status == 400
    assert registry.send("GET", path[:-1] + "x", token=None).status == 403

    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"mediaType": "x", "digest": digest, "size": 12}, "layers": []}
    )
    put = registry.ask("PutImage", repositoryName="api", imageManifest=manifest, imageTag="via-api")
    assert put["image"]["imageId"] == {"imageDigest": digest_of(manifest.encode()), "imageTag": "via-api"}
    assert registry.send("GET", "/v2/api/manifests/via-api").body == manifest.encode()
    with pytest.raises(AwsError) as again:
        registry.ask("PutImage", repositoryName="api", imageManifest=manifest, imageTag="via-api")
    assert again.value.code == "ImageAlreadyExistsException"


def test_the_put_image_quota_and_redirected_downloads_can_be_switched_on(serve: Callable[..., Served]) -> None:
    served = serve(Quirks(manifests_per_second=2, redirect_blob_downloads=True))
    served.repository()
    codes = [served.send("PUT", "/v2/api/manifests/t", b"{}", Content_Type=OCI_MANIFEST).status for _ in range(4)]
    assert codes.count(429) >= 1
    digest = served.blob(b"content")
    moved = served.send("GET", f"/v2/api/blobs/{digest}")
    assert moved.status == 307
    assert served.send("GET", moved.headers["Location"], token=None).body == b"content"


def test_reset_and_restart_leave_no_blobs(registry: Served) -> None:
    registry.blob(b"content")
    assert registry.room.state()["blobs"] == 1
    registry.room.reset()
    assert registry.room.state()["blobs"] == 0
    registry.room.start()
    assert registry.send("GET", "/v2/").status == 200


def test_an_upload_to_a_missing_repository_can_end_without_an_answer(serve: Callable[..., Served]) -> None:
    served = serve(Quirks(missing_repository_hangs_up=True))
    with pytest.raises(http.client.RemoteDisconnected):
        served.begin("nowhere")
    assert served.send("HEAD", f"/v2/nowhere/blobs/{NOBODY}").status == 404
    served.repository()
    assert served.begin()


def test_quirks_change_together_or_not_at_all_and_a_reset_brings_them_back(registry: Served) -> None:
    room = registry.room
    before = room.quirks()
    assert before["patch_answers_created"] is True
    assert room.change_quirks({"patch_answers_created": "false", "manifests_per_second": "2.5"})["manifests_per_second"] == 2.5
    assert registry.send("PATCH", registry.begin(), b"abc").status == 202
    for given, said in (
        ({"digest_header_on_get": True, "nonsense": 1}, "nonsense is not a quirk. There are: patch_answers_created,"),
        ({"digest_header_on_get": 1}, "digest_header_on_get=1 is neither true nor false"),
        ({"minimum_chunk_bytes": "many"}, "minimum_chunk_bytes='many' is not a number of 0 or more"),
        ({"minimum_chunk_bytes": -1}, "-1 is not a number"),
        ({"minimum_chunk_bytes": None}, "None is not a number"),
        ({"manifests_per_second": True}, "True is not a number"),
        ({"manifests_per_second": "nan"}, "'nan' is not a number"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            room.change_quirks(given)
    assert room.quirks()["digest_header_on_get"] is False
    assert room.change_quirks({"manifests_per_second": None})["manifests_per_second"] is None
    room.reset()
    assert room.quirks() == before


def test_tokens_that_were_expired_are_refused_and_new_ones_taken(registry: Served) -> None:
    registry.room.expire_tokens()
    assert registry.send("GET", "/v2/").error == (403, "DENIED")
    fresh = registry.ask("GetAuthorizationToken")["authorizationData"][0]["authorizationToken"]
    assert registry.send("GET", "/v2/", token=fresh).status == 200
