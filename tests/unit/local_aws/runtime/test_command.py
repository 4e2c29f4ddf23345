"""What a container runs, out of image and task definition; and its output, cut into lines."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.interfaces import ContainerSpec, Image, StartError
from local_aws.runtime.command import DEFAULT_PATH, resolve
from local_aws.runtime.lines import LineCutter


def spec(config: dict[str, Any] | None, **fields: Any) -> ContainerSpec:
    return ContainerSpec("api", Image("x", "sha256:0", "linux/amd64", {"config": config}, (), ()), **fields)


@pytest.mark.parametrize(
    ("config", "fields", "argv"),
    [
        ({"Entrypoint": ["/app"], "Cmd": ["serve"]}, {}, ("/app", "serve")),
        ({"Entrypoint": ["/app"], "Cmd": ["serve"]}, {"command": ["check"]}, ("/app", "check")),
        ({"Entrypoint": ["/app"], "Cmd": ["serve"]}, {"entry_point": ["/x"]}, ("/x",)),
        ({"Entrypoint": ["/app"], "Cmd": ["serve"]}, {"entry_point": ["/x"], "command": ["y"]}, ("/x", "y")),
        ({"Cmd": ["serve"]}, {}, ("serve",)),
    ],
)
def test_entry_point_and_command(config: dict[str, Any], fields: dict[str, Any], argv: tuple[str, ...]) -> None:
    assert resolve(spec(config, **fields), "host").argv == argv


@pytest.mark.parametrize("config", [None, {}, {"Cmd": None}])
def test_nothing_to_run(config: dict[str, Any] | None) -> None:
    with pytest.raises(StartError, match="no command specified"):
        resolve(spec(config), "host")


def test_the_definition_wins_over_the_image() -> None:
    config = {"Cmd": ["a"], "Env": ["A=image", "B=x=y", "HOSTNAME=own"], "User": "app", "WorkingDir": "/srv"}
    plain = resolve(spec(config), "host")
    assert plain.environment == {"PATH": DEFAULT_PATH, "HOSTNAME": "own", "A": "image", "B": "x=y"}
    assert (plain.user, plain.directory) == ("app", "/srv")
    told = resolve(spec(config, environment={"A": "task", "PATH": "/opt"}, user="0", working_directory="/"), "host")
    assert (told.environment["A"], told.environment["PATH"], told.user, told.directory) == ("task", "/opt", "0", "/")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"one\ntw", b"o\r\n", b"three"], [b"one", b"two", b"three"]),
        ([b"\n\n"], [b"", b""]),
        ([b"x" * 40000], [b"x" * 16384, b"x" * 16384, b"x" * 7232]),
        ([], []),
    ],
)
def test_lines(pieces: list[bytes], expected: list[bytes]) -> None:
    found: list[bytes] = []
    cutter = LineCutter(found.append)
    for piece in pieces:
        cutter.feed(piece)
    cutter.end()
    assert found == expected


def test_a_reader_that_fails_does_not_stop_the_pipe() -> None:
    found: list[bytes] = []

    def reader(line: bytes) -> None:
        found.append(line)
        raise ValueError("full")

    LineCutter(reader).feed(b"one\ntwo\n")
    assert found == [b"one", b"two"]
