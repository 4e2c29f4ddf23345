"""Users of the image, looked up as Docker does."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from local_aws.runtime.inside.accounts import Account, UnknownUser, look_up

FILES = {
    "/etc/passwd": ["root:x:0:0:root:/root:/bin/sh\n", "broken\n", "app:x:1000:1001::/home/app:/bin/sh\n", "bare:x:7:8:::\n"],
    "/etc/group": ["root:x:0:\n", "app:x:1001:\n", "extra:x:50:other,app\n", "www:x:33:\n"],
}


def lines(path: str) -> Iterable[str]:
    return FILES[path]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", Account(0, 0, (), "/root")),
        ("app", Account(1000, 1001, (50,), "/home/app")),
        ("1000", Account(1000, 1001, (50,), "/home/app")),
        ("app:www", Account(1000, 33, (), "/home/app")),
        ("app:77", Account(1000, 77, (), "/home/app")),
        ("65532", Account(65532, 0, (), "/")),
        ("65532:65532", Account(65532, 65532, (), "/")),
        ("bare", Account(7, 8, (), "/")),
    ],
)
def test_known_users(user: str, expected: Account) -> None:
    assert look_up(user, lines) == expected


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("bob", "unable to find user bob: no matching entries in passwd file"),
        ("app:nobody", "unable to find group nobody: no matching entries in group file"),
    ],
)
def test_unknown_names(user: str, text: str) -> None:
    with pytest.raises(UnknownUser, match=text):
        look_up(user, lines)


def test_an_image_without_files() -> None:
    assert look_up("", lambda _path: []) == Account(0, 0, (), "/root")
