# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image in another registry, copied by digest: manifests stay the same to the byte, blobs stream through."""

from __future__ import annotations

import contextlib

from .choose import choose, foreign_refused
from .client import Registry
from .content import BLOCK, Reader
from .errors import ConnectionBroken, SourceError
from .manifest import Descriptor, Image, Manifest, Platform
from .transport import Stream

# A blob up to this many bytes is read once and kept: it is looked at before it is sent.
_SMALL = 1024 * 1024


class RemoteSource:
    """One repository of a registry, to read from."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._manifests: dict[str, Manifest] = {}
        self._sizes: dict[str, int] = {}

    @property
    def name(self) -> str:
        return f"{self.registry.origin.partition('://')[2]}/{self.registry.repository}"

    def load(self, reference: str, platform: Platform | None = None) -> Image:
        """The image that a tag or digest names, an index whole unless one platform is chosen. Raises `ImageError`."""
        root = self.registry.manifest_at(reference)
        if root is None:
            raise SourceError(f"{self.name} holds no image {reference}.", "Check the name, the tag, and that this identity may read it.")
        self._keep(root)
        image = choose(self, [Descriptor(root.media_type, root.digest, len(root.content))], None, platform)
        for manifest in (*image.children, image.root):
            for layer in manifest.blobs:
                if layer.foreign and not self.registry.has_blob(layer.digest):
                    raise foreign_refused(self.name, layer)
        return image

    def manifest(self, descriptor: Descriptor) -> Manifest:
        if descriptor.digest not in self._manifests:
            found = self.registry.manifest_at(descriptor.digest)
            if found is None:
                raise SourceError(f"{self.name} names the manifest {descriptor.digest} but does not hold it.", "Push that image again.")
            self._keep(found)
        return self._manifests[descriptor.digest]

    def read_blob(self, descriptor: Descriptor) -> bytes | None:
        return self.registry.blob_at(descriptor)

    def blob(self, digest: str) -> RemoteBlob | None:
        return RemoteBlob(self.registry, digest, self._sizes[digest], self.name) if digest in self._sizes else None

    def close(self) -> None:
        """The connections are whoever's who made them."""

    def _keep(self, manifest: Manifest) -> None:
        self._manifests[manifest.digest] = manifest
        self._sizes.update({blob.digest: blob.size for blob in manifest.blobs})


class RemoteBlob:
    def __init__(self, registry: Registry, digest: str, size: int, where: str) -> None:
        self._registry = registry
        self._digest = digest
        self._kept: bytes | None = None
        self.size = size
        self.where = where

    def open(self) -> Reader:
        return _RemoteReader(self)

    def stream(self, start: int) -> Stream:
        return self._registry.open_blob(self._digest, start)

    def kept(self) -> bytes | None:
        """All of a small blob; None for one that has to be streamed."""
        if self._kept is None and self.size <= _SMALL:
            reader = _RemoteReader(self, keep=False)
            with contextlib.closing(reader):
                parts: list[bytes] = []
                while (position := sum(map(len, parts))) < self.size:
                    parts.append(reader.block(position, BLOCK))
                    if not parts[-1]:
                        break
            self._kept = b"".join(parts)
        return self._kept

    def wait_after(self, failures: int) -> None:
        """Wait before the next try. Raises nothing while tries are left."""
        if failures >= self._registry.policy.tries:
            raise ConnectionBroken(f"{self.where}: the blob {self._digest} broke off {failures} times.")
        self._registry.wait_after(failures, None)


class _RemoteReader:
    """Reads on where it is; anywhere else, and after a break, a new request asks for the rest from there."""

    def __init__(self, blob: RemoteBlob, keep: bool = True) -> None:
        self._blob = blob
        self._data = blob.kept() if keep else None
        self._stream: Stream | None = None
        self._position = 0

    def block(self, position: int, size: int) -> bytes:
        if self._data is not None:
            return self._data[position : position + size]
        if position >= self._blob.size:
            return b""
        failures = 0
        while True:
            try:
                if self._stream is None or position != self._position:
                    self.close()
                    self._stream, self._position = self._blob.stream(position), position
                data = self._stream.read(min(size, self._blob.size - position))
            except ConnectionBroken:
                data = b""
            if data:
                self._position += len(data)
                return data
            self.close()
            failures += 1
            self._blob.wait_after(failures)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
