"""ECR API actions that must meet the registry: tokens, images and layers. Everything else stays with moto."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local_aws.interfaces import Api, AwsError, Call, JsonObject
from local_aws.registry.manifests import InvalidManifest, UnsupportedManifest, digest_of, parse_manifest
from local_aws.registry.quirks import MEBIBYTE, Quirks
from local_aws.registry.repositories import ImageUnknown, ReferencesMissing, Repositories, RepositoryUnknown, TagIsImmutable
from local_aws.registry.settings import AccountSettings
from local_aws.registry.store import BlobStore, DigestMismatch, Upload
from local_aws.registry.tokens import Principal, Tokens

PART_BYTES = 10 * MEBIBYTE
"""The part size that InitiateLayerUpload recommends."""

MAXIMUM_PART_BYTES = 20_971_520
"""UploadLayerPart's hard limit."""


class EcrApi:
    def __init__(
        self,
        store: BlobStore,
        repositories: Repositories,
        tokens: Tokens,
        settings: AccountSettings,
        quirks: Quirks,
        now: Callable[[], datetime],
        endpoint: Callable[[], str],
        signed_path: Callable[[str], str],
    ) -> None:
        self._store = store
        self._repositories = repositories
        self._tokens = tokens
        self._settings = settings
        self._quirks = quirks
        self._now = now
        self._endpoint = endpoint
        self._signed_path = signed_path

    def install(self, api: Api) -> None:
        for action, handler in (
            ("GetAuthorizationToken", self._get_authorization_token),
            ("GetAccountSetting", self._get_account_setting),
            ("PutAccountSetting", self._put_account_setting),
            ("PutImage", self._put_image),
            ("BatchGetImage", self._batch_get_image),
            ("InitiateLayerUpload", self._initiate_layer_upload),
            ("UploadLayerPart", self._upload_layer_part),
            ("CompleteLayerUpload", self._complete_layer_upload),
            ("GetDownloadUrlForLayer", self._get_download_url),
        ):
            api.on("ecr", action)(handler)

    def _get_authorization_token(self, call: Call) -> JsonObject:
        """`proxyEndpoint` is this server, where pushes really go; the token says for which account and region."""
        data = []
        for account in call.params.get("registryIds") or [call.account]:
            token, expires = self._tokens.issue(Principal(account, call.region), call.access_key, self._now())
            data.append({"authorizationToken": token, "expiresAt": expires, "proxyEndpoint": self._endpoint()})
        return {"authorizationData": data}

    def _get_account_setting(self, call: Call) -> JsonObject:
        name = call.params["name"]
        try:
            return {"name": name, "value": self._settings.get(self._principal(call), name)}
        except KeyError as error:
            raise _unknown_setting(name) from error

    def _put_account_setting(self, call: Call) -> JsonObject:
        name, value = call.params["name"], call.params["value"]
        try:
            self._settings.put(self._principal(call), name, value)
        except KeyError as error:
            raise _unknown_setting(name) from error
        return {"name": name, "value": value}

    @staticmethod
    def _principal(call: Call) -> Principal:
        return Principal(call.params.get("registryId") or call.account, call.region)

    def _repository(self, call: Call) -> Any:
        try:
            return self._repositories.find(self._principal(call), call.params["repositoryName"])
        except RepositoryUnknown as error:
            raise AwsError("RepositoryNotFoundException", str(error)) from error

    def _put_image(self, call: Call) -> JsonObject:
        principal, repository = self._principal(call), self._repository(call)
        tag, text = call.params.get("imageTag"), call.params["imageManifest"]
        digest = digest_of(text.encode())
        if call.params.get("imageDigest") not in (None, digest):
            raise AwsError(
                "ImageDigestDoesNotMatchException",
                f"The provided image digest '{call.params['imageDigest']}' does not match the calculated image digest '{digest}'",
            )
        if any(image.get_image_digest() == digest and (tag is None or tag in image.image_tags) for image in list(repository.images)):
            raise AwsError(
                "ImageAlreadyExistsException",
                f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name '{repository.name}' "
                f"in registry with id '{principal.account}'",
            )
        try:
            manifest = parse_manifest(text.encode(), call.params.get("imageManifestMediaType"))
            image = self._repositories.put(principal, repository, manifest, tag, self._now())
        except (InvalidManifest, UnsupportedManifest) as error:
            raise AwsError("InvalidParameterException", str(error)) from error
        except ReferencesMissing as error:
            code = "LayersNotFoundException" if error.kind == "Layers" else "ReferencedImagesNotFoundException"
            raise AwsError(code, str(error)) from error
        except TagIsImmutable as error:
            raise AwsError("ImageTagAlreadyExistsException", str(error)) from error
        return {"image": self._image(principal, repository.name, image, tag)}

    @staticmethod
    def _image(principal: Principal, name: str, image: Any, tag: str | None) -> JsonObject:
        image_id = {"imageDigest": image.get_image_digest()}
        if tag:
            image_id["imageTag"] = tag
        return {
            "registryId": principal.account,
            "repositoryName": name,
            "imageId": image_id,
            "imageManifest": image.image_manifest,
            "imageManifestMediaType": image.image_manifest_media_type,
        }

    def _batch_get_image(self, call: Call) -> JsonObject:
        """As moto's, but each image comes back under the tag it was asked for, and a digest that is missing is reported as one."""
        principal, repository = self._principal(call), self._repository(call)
        images, failures = [], []
        for wanted in call.params["imageIds"]:
            tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
            try:
                image = self._repositories.image(repository, digest or tag)
                if tag is not None and tag not in image.image_tags:
                    raise ImageUnknown
            except ImageUnknown as error:
                failures.append({"imageId": wanted, "failureCode": "ImageNotFound", "failureReason": str(error)})
            else:
                images.append(self._image(principal, repository.name, image, tag))
        return {"images": images, "failures": failures}

    def _initiate_layer_upload(self, call: Call) -> JsonObject:
        self._repository(call)
        return {"uploadId": self._store.begin().id, "partSize": PART_BYTES}

    def _upload(self, call: Call) -> Upload:
        upload = self._store.upload(call.params["uploadId"])
        if upload is None:
            raise AwsError(
                "UploadNotFoundException",
                f"Upload with id '{call.params['uploadId']}' does not exist in the repository with name "
                f"'{call.params['repositoryName']}' in the registry with id '{self._principal(call).account}'",
            )
        return upload

    def _upload_layer_part(self, call: Call) -> JsonObject:
        self._repository(call)
        upload = self._upload(call)
        blob = call.params["layerPartBlob"]
        part = base64.b64decode(blob) if isinstance(blob, str) else bytes(blob)
        if len(part) > MAXIMUM_PART_BYTES:
            raise AwsError("InvalidLayerPartException", f"Layer parts can be at most {MAXIMUM_PART_BYTES} bytes in size")
        first, last = int(call.params["partFirstByte"]), int(call.params["partLastByte"])
        with upload.lock:
            if first != upload.size or last - first + 1 != len(part):
                raise AwsError(
                    "InvalidLayerPartException",
                    f"The layer part {first}-{last} of {len(part)} bytes does not follow the last valid byte {upload.size - 1}",
                )
            blocks = iter([part])
            upload.append(lambda _size: next(blocks, b""))
            upload.chunks.append(len(part))
            return {**self._upload_answer(call, upload), "lastByteReceived": upload.size - 1}

    def _upload_answer(self, call: Call, upload: Upload) -> JsonObject:
        return {
            "registryId": self._principal(call).account,
            "repositoryName": call.params["repositoryName"],
            "uploadId": upload.id,
        }

    def _complete_layer_upload(self, call: Call) -> JsonObject:
        repository, upload = self._repository(call), self._upload(call)
        digest = call.params["layerDigests"][0]
        with upload.lock:
            if upload.size == 0:
                raise AwsError("EmptyUploadException", "The layer upload has no parts")
            if any(size < self._quirks.minimum_chunk_bytes for size in upload.chunks[:-1]):
                text = f"Layer parts must be at least {self._quirks.minimum_chunk_bytes} bytes in size, except the last one"
                raise AwsError("LayerPartTooSmallException", text)
            if digest in repository.layers:
                text = f"Layer with digest '{digest}' already exists in the repository with name '{repository.name}'"
                raise AwsError("LayerAlreadyExistsException", text)
            size = upload.size
            try:
                self._store.complete(upload, digest)
            except DigestMismatch as error:
                text = f"The layer digest '{error.expected}' does not match the digest '{error.actual}' of the uploaded parts"
                raise AwsError("InvalidLayerException", text) from error
            repository.layers[digest] = size
        return {**self._upload_answer(call, upload), "layerDigest": digest}

    def _get_download_url(self, call: Call) -> JsonObject:
        repository, digest = self._repository(call), call.params["layerDigest"]
        if digest not in repository.layers:
            text = f"Layer with digest '{digest}' does not exist in the repository with name '{repository.name}'"
            raise AwsError("LayersNotFoundException", text)
        return {"downloadUrl": self._endpoint() + self._signed_path(digest), "layerDigest": digest}


def _unknown_setting(name: str) -> AwsError:
    text = f"Invalid parameter at 'name' failed to satisfy constraint: '{name} is not a setting'"
    return AwsError("InvalidParameterException", text)
