# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds OCI image layouts on disk, bit by bit the same for the same arguments."""

from __future__ import annotations

import hashlib
import json
import random
import tarfile
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class LayoutBuilder:
    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs" / "sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self._entries: list[dict[str, Any]] = []
        self._write_index()

    def blob(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (self.path / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def document(self, data: dict[str, Any], media_type: str, **more: Any) -> dict[str, Any]:
        return self.blob(json.dumps(data, sort_keys=True).encode(), media_type, **more)

    def image(
        self, *layer_sizes: int, seed: int = 0, platform: str = "linux/amd64", note: bool = False, base: bytes = b""
    ) -> dict[str, Any]:
        """One image with layers of these sizes; with `note`, its descriptor names the platform; `base` is a layer below."""
        system, architecture, *variant = platform.split("/")
        place = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        source = random.Random(f"{seed} {platform}")
        contents = [source.randbytes(size) for size in layer_sizes]
        layers = [self.blob(content, LAYER) for content in ([base, *contents] if base else contents)]
        config = self.document({**place, "seed": seed, "rootfs": {"type": "layers", "diff_ids": []}}, CONFIG)
        content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        return self.document(content, MANIFEST, **({"platform": place} if note else {}))

    def index(self, *manifests: dict[str, Any]) -> dict[str, Any]:
        return self.document({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(manifests)}, INDEX)

    def name(self, descriptor: dict[str, Any], ref_name: str | None = None) -> str:
        """Put an image into index.json; its digest."""
        notes = {"annotations": {"org.opencontainers.image.ref.name": ref_name}} if ref_name else {}
        self._entries.append({**descriptor, **notes})
        self._write_index()
        return str(descriptor["digest"])

    def archive(self, path: Path) -> Path:
        with tarfile.open(path, "w") as archive:
            archive.add(self.path, arcname=".")
        return path

    def file(self, descriptor: dict[str, Any]) -> Path:
        return self.path / "blobs" / "sha256" / str(descriptor["digest"]).removeprefix("sha256:")

    def _write_index(self) -> None:
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": self._entries}))
