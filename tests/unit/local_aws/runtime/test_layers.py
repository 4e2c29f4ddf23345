"""Layers come from strangers: what is unpacked, and what is refused, without a mount."""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from local_aws.interfaces import Image
from local_aws.runtime.layers import LayerError, LayerStore, unpack, unpack_flat


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def layer(tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes], compress: bool = True) -> tuple[Path, str]:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    plain = raw.getvalue()
    data = gzip.compress(plain) if compress else plain
    path = tmp_path / hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    return path, f"sha256:{hashlib.sha256(plain).hexdigest()}"


def image(*layers: tuple[Path, str]) -> Image:
    config = {"rootfs": {"diff_ids": [diff_id for _, diff_id in layers]}}
    return Image("x", "sha256:0", "linux/amd64", config, tuple(path for path, _ in layers), ("",) * len(layers))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "inside" / "root"
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize("compress", [True, False])
def test_a_layer_is_unpacked_with_modes_links_and_its_diff_id(tmp_path: Path, root: Path, compress: bool) -> None:
    blob, diff_id = layer(
        tmp_path,
        (entry("bin", tarfile.DIRTYPE, mode=0o555), b""),
        (entry("bin/app", mode=0o755), b"program"),
        (entry("bin/same", tarfile.LNKTYPE, "bin/app"), b""),
        (entry("app", tarfile.SYMTYPE, "/bin/app"), b""),
        (entry("dev/null", tarfile.CHRTYPE), b""),
        compress=compress,
    )
    assert unpack(blob, root, None, False) == diff_id
    assert (root / "bin/app").read_bytes() == b"program"
    assert stat.S_IMODE((root / "bin/app").stat().st_mode) == 0o755
    assert (root / "bin/same").stat().st_ino == (root / "bin/app").stat().st_ino
    assert str((root / "app").readlink()) == "/bin/app"
    assert not (root / "dev/null").exists()


HOSTILE = {
    "a name above the root": [(entry("../../escaped"), b"x")],
    "an absolute name": [(entry("/escaped"), b"x")],
    "a link out and a file through it": [(entry("out", tarfile.SYMTYPE, "../../.."), b""), (entry("out/escaped"), b"x")],
    "an absolute link and a file through it": [(entry("out", tarfile.SYMTYPE, "/"), b""), (entry("out/escaped"), b"x")],
    "a link to a link": [
        (entry("a", tarfile.SYMTYPE, "b/.."), b""),
        (entry("b", tarfile.SYMTYPE, "../../../.."), b""),
        (entry("a/escaped"), b"x"),
    ],
    "a file replaced through a link of the same name": [
        (entry("escaped", tarfile.SYMTYPE, "../../escaped"), b""),
        (entry("escaped"), b"x"),
    ],
    "a deletion outside": [(entry("d/../../.wh.victim"), b"")],
    "a mode set through a link": [(entry("m", tarfile.SYMTYPE, "../../victim"), b""), (entry("m", tarfile.DIRTYPE, mode=0o700), b"")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_outside_the_root_is_touched(tmp_path: Path, root: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o600)
    blob, _ = layer(tmp_path, *HOSTILE[name])
    before = {path for path in tmp_path.rglob("*") if root not in path.parents}
    unpack(blob, root, None, False)
    assert {path for path in tmp_path.rglob("*") if root not in path.parents} == before
    assert victim.read_text() == "mine"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([(entry("a", tarfile.LNKTYPE, "../../victim"), b"")], "no file of this layer"),
        ([(entry("l", tarfile.SYMTYPE, "l"), b""), (entry("l/x"), b"")], "too many levels"),
        ([(entry(".wh..."), b"")], "deletes nothing"),
    ],
)
def test_what_is_refused(tmp_path: Path, root: Path, entries: list[tuple[tarfile.TarInfo, bytes]], text: str) -> None:
    (tmp_path / "victim").write_text("mine")
    blob, _ = layer(tmp_path, *entries)
    with pytest.raises(LayerError, match=text):
        unpack(blob, root, None, False)


@pytest.mark.parametrize("data", [b"", b"no tar at all", gzip.compress(b"neither", mtime=0)[:-4], b"\x28\xb5\x2f\xfd rest"])
def test_a_blob_that_is_no_layer_is_refused(tmp_path: Path, root: Path, data: bytes) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(data)
    with pytest.raises(LayerError):
        unpack(blob, root, None, False)


def test_flat_images_carry_deletions_out(tmp_path: Path, root: Path) -> None:
    base = layer(tmp_path, (entry("a/one"), b"1"), (entry("a/two"), b"2"), (entry("b/three"), b"3"), (entry("c"), b"c"))
    upper = layer(tmp_path, (entry("a/.wh.one"), b""), (entry("b/.wh..wh..opq"), b""), (entry("b/four"), b"4"), (entry("c/d"), b"d"))
    unpack_flat(image(base, upper), root)
    found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert found == ["a/two", "b/four", "c/d"]


def test_a_flat_image_does_not_follow_a_link_of_a_lower_layer(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    base = layer(tmp_path, (entry("d", tarfile.SYMTYPE, "../../outside"), b""), (entry("e", tarfile.SYMTYPE, str(outside)), b""))
    upper = layer(tmp_path, (entry("d", tarfile.DIRTYPE, mode=0o755), b""), (entry("d/x"), b"x"), (entry("e/.wh..wh..opq"), b""))
    (outside / "mine").write_text("mine")
    unpack_flat(image(base, upper), root)
    assert [path.name for path in outside.iterdir()] == ["mine"]
    assert (root / "d/x").read_bytes() == b"x"


def test_a_store_unpacks_once_and_checks_the_diff_id(tmp_path: Path) -> None:
    store = LayerStore(tmp_path / "layers", "user.overlay.opaque", own=False)
    blob, diff_id = layer(tmp_path, (entry("a"), b"1"))
    (first,) = store.names(image((blob, diff_id)))
    written = (store.directory / first / "a").stat().st_mtime_ns
    assert store.names(image((blob, diff_id))) == [first]
    assert (store.directory / first / "a").stat().st_mtime_ns == written
    with pytest.raises(LayerError, match="the image configuration says sha256:00"):
        store.names(image((blob, "sha256:00")))
    with pytest.raises(LayerError, match="lists 0 layers, the manifest 1"):
        store.names(Image("x", "", "", {}, (blob,), ("",)))
    assert [path.name for path in store.directory.iterdir()] == [first]
