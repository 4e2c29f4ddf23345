# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no push of the docker archive can do without, beside skopeo's push, in turn: `python -m tests.bench.push_floor`.

The archive is read and hashed, its layers as somebody else has compressed them are hashed and sent over TLS, six at a time, and
the registry hashes and stores them. Nothing is compressed. No goal below this ratio can be reached on the machine that shows it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import ssl
import statistics
import tarfile
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench import push_images
from tests.bench.push import REPOSITORY, Bench, measured
from tests.peers import ROOT

BLOCK = 256 * 1024
JOBS = 6


class Floor:
    def __init__(self, address: str, ca: Path, layout: Path, archive: Path) -> None:
        self.address = address
        self.trust = ssl.create_default_context(cafile=ca)
        self.blobs = layout / "blobs" / "sha256"
        self.archive = archive
        entry = json.loads((layout / "index.json").read_text())["manifests"][0]
        layers = json.loads(self.file(entry).read_text())["layers"]
        with tarfile.open(archive) as opened:
            plain = [(member.offset_data, member.size) for member in opened if member.name.endswith("layer.tar")]
        self.layers = sorted(zip(plain, layers, strict=True), key=lambda layer: -layer[0][1])

    def file(self, blob: dict[str, Any]) -> Path:
        return self.blobs / str(blob["digest"]).removeprefix("sha256:")

    def run(self) -> None:
        with ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda layer: self.bring(*layer), self.layers))

    def bring(self, plain: tuple[int, int], blob: dict[str, Any]) -> None:
        offset, size = plain
        steps = -(-size // BLOCK)
        step = -(-int(blob["size"]) // steps)
        before, after = hashlib.sha256(), hashlib.sha256()
        with contextlib.closing(http.client.HTTPSConnection(self.address, context=self.trust)) as connection:
            connection.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", headers={"Content-Length": "0"})
            answer = connection.getresponse()
            answer.read()
            place = urllib.parse.urlsplit(answer.headers["Location"])
            connection.putrequest("PUT", f"{place.path}?{place.query}&digest={blob['digest']}")
            connection.putheader("Content-Length", str(blob["size"]))
            connection.endheaders()
            with self.archive.open("rb", buffering=0) as source, self.file(blob).open("rb", buffering=0) as packed:
                source.seek(offset)
                for number in range(steps):
                    before.update(source.read(min(BLOCK, size - number * BLOCK)))
                    if piece := packed.read(step):
                        after.update(piece)
                        connection.send(piece)
            answer = connection.getresponse()
            answer.read()
        if answer.status != 201 or f"sha256:{after.hexdigest()}" != blob["digest"]:
            raise SystemExit(f"The registry answered {answer.status} to {blob['digest']}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="as of the push bench, whose images are taken (default %(default)s)")
    options = parser.parse_args()
    images = push_images.make(ROOT / "build" / "bench" / "images", options.scale)
    walls: dict[str, list[float]] = {"floor": [], "skopeo": []}
    with tempfile.TemporaryDirectory(prefix="bench-push-") as place:
        bench = Bench(Path(place), images)
        for _round in range(options.rounds):
            with bench.surroundings("tls") as around:
                started = time.monotonic()
                Floor(around.address, bench.tls.certificate, images["oci-8-layers"][1], images["docker-archive"][1]).run()
                walls["floor"].append(time.monotonic() - started)
            with bench.surroundings("tls") as around:
                command = bench.command("skopeo", "docker-archive", around.address, around.api, "1", secure=True)
                walls["skopeo"].append(measured(command, {"SSL_CERT_FILE": str(bench.tls.certificate)}).wall)
            print(", ".join(f"{name} {found[-1]:.2f} s" for name, found in walls.items()), flush=True)
    floor, skopeo = (statistics.median(found) for found in walls.values())
    print(f"medians: floor {floor:.2f} s, skopeo {skopeo:.2f} s, ratio {floor / skopeo:.2f}")


if __name__ == "__main__":
    main()
