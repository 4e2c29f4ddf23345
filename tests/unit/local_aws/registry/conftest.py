"""A registry room on moto, served over HTTP, and images made for the occasion."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cheroot.wsgi
import pytest
from moto.backends import get_backend

from local_aws.clock import ScaledClock
from local_aws.control_plane.api import AwsApi
from local_aws.control_plane.moto_in_process import Moto
from local_aws.registry import RegistryRoom
from local_aws.registry.manifests import OCI_INDEX, OCI_MANIFEST
from local_aws.registry.quirks import Quirks

ACCOUNT = "123456789012"
REGION = "eu-west-1"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def error(self) -> tuple[int, str]:
        """Status and error code of the specification."""
        return self.status, json.loads(self.body)["errors"][0]["code"]

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["errors"][0]["message"])


class Served:
    """One registry and shorthand for what tests ask of it."""

    def __init__(self, moto: Moto, data_dir: Path, quirks: Quirks | None) -> None:
        clock = ScaledClock(10)
        self.api = AwsApi(moto, clock)
        self.room = RegistryRoom(clock, data_dir, self.api, quirks=quirks)
        self.room.start()
        self._server = cheroot.wsgi.Server(("127.0.0.1", 0), self.room.wsgi, numthreads=4)
        self._server.prepare()
        self.port: int = self._server.bind_addr[1]
        self.room.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve, daemon=True).start()
        self.token = self.ask("GetAuthorizationToken")["authorizationData"][0]["authorizationToken"]

    def ask(self, action: str, **params: Any) -> dict[str, Any]:
        return self.api.ask("ecr", action, params, ACCOUNT, REGION)

    def repository(self, name: str = "api", **settings: Any) -> str:
        self.ask("CreateRepository", repositoryName=name, **settings)
        return name

    def send(self, method: str, path: str, body: Any = None, *, token: str | None = "", chunked: bool = False, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            fields["Authorization"] = f"Basic {token or self.token}"
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
        connection.request(method, path, body=body, headers=fields, encode_chunked=chunked)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def begin(self, name: str = "api") -> str:
        answer = self.send("POST", f"/v2/{name}/blobs/uploads/")
        assert answer.status == 202
        location: str = answer.headers["Location"]
        return location

    def blob(self, content: bytes, name: str = "api") -> str:
        digest = digest_of(content)
        assert self.send("PUT", f"{self.begin(name)}?digest={digest}", content).status == 201
        return digest

    def manifest(self, document: dict[str, Any], selector: str | None = None, name: str = "api") -> Answer:
        """Put it under a tag, or under its own digest."""
        body = json.dumps(document).encode()
        return self.send("PUT", f"/v2/{name}/manifests/{selector or digest_of(body)}", body, Content_Type=document["mediaType"])

    def image(
        self,
        tag: str | None = None,
        name: str = "api",
        *,
        architecture: str = "amd64",
        layer: bytes = b"layer",
        media_type: str = OCI_MANIFEST,
        subject: str | None = None,
    ) -> dict[str, Any]:
        """Push a little image; returns the descriptor that an index would have for it."""
        config = json.dumps(
            {"os": "linux", "architecture": architecture, "config": {"Cmd": ["/app"]}, "rootfs": {"diff_ids": [digest_of(layer)]}}
        ).encode()
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {"mediaType": CONFIG_TYPE, "digest": self.blob(config, name), "size": len(config)},
            "layers": [{"mediaType": LAYER_TYPE, "digest": self.blob(layer, name), "size": len(layer)}],
        }
        if subject is not None:
            document["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
        answer = self.manifest(document, tag, name)
        assert answer.status == 201, answer.body
        body = json.dumps(document).encode()
        return {
            "mediaType": media_type,
            "digest": digest_of(body),
            "size": len(body),
            "platform": {"os": "linux", "architecture": architecture},
        }

    def index(self, tag: str, *children: dict[str, Any], name: str = "api") -> str:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children)}
        assert self.manifest(document, tag, name).status == 201
        return digest_of(json.dumps(document).encode())

    def close(self) -> None:
        self._server.stop()
        self.room.stop()


@pytest.fixture(scope="session")
def moto() -> Moto:
    return Moto()


@pytest.fixture
def serve(moto: Moto, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts registries with the given quirks; the account has no repositories."""
    moto_repositories(moto).clear()
    made: list[Served] = []

    def start(quirks: Quirks | None = None) -> Served:
        made.append(Served(moto, tmp_path / str(len(made)), quirks))
        return made[-1]

    yield start
    for served in made:
        served.close()


def moto_repositories(moto: Moto) -> dict[str, Any]:
    with moto.lock:
        repositories: dict[str, Any] = get_backend("ecr")[ACCOUNT][REGION].repositories
        return repositories


@pytest.fixture
def registry(serve: Callable[..., Served]) -> Served:
    """A registry as ECR behaves, with the repository `api`."""
    served = serve()
    served.repository()
    return served
