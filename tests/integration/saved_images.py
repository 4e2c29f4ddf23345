# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `docker save` would write of an image that lies in a layout, with one more layer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any


def saved_image(layout: Path, archive: Path, note: str) -> Path:
    """The image of the layout with a file more, which says `note`, as an archive of layers that are not compressed."""

    def blob(descriptor: dict[str, Any]) -> bytes:
        return (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()

    manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]))
    layers = [gzip.decompress(blob(layer)) for layer in manifest["layers"]] + [_tar({"note": note.encode()})]
    config = json.loads(blob(manifest["config"]))
    config["rootfs"]["diff_ids"] = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    if "history" in config:
        config["history"].append({"created_by": "note"})
    members = {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    about = [{"Config": "config.json", "RepoTags": None, "Layers": list(members)}]
    archive.write_bytes(_tar({**members, "config.json": json.dumps(config).encode(), "manifest.json": json.dumps(about).encode()}))
    return archive


def _tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
