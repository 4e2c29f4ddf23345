"""A container's user, looked up in the image's own /etc/passwd and /etc/group as Docker does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


class UnknownUser(Exception):
    """The text is runc's."""


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


Lines = Callable[[str], Iterable[str]]
"""Reads a file of the image by its path; yields nothing where there is none."""


def look_up(user: str, lines: Lines) -> Account:
    """`user` is `""`, `name`, `uid`, `name:group` or any mix of names and numbers; `""` is root.

    Supplementary groups are those of /etc/group that list the user, unless a group is named (Docker's rule).
    A number that no file knows is taken as it is, with group 0 and home `/`. Raises UnknownUser for a name that no file knows.
    """
    wanted_user, _, wanted_group = (user or "0").partition(":")
    name, uid, gid, home = "", -1, 0, "/"
    for line in lines("/etc/passwd"):
        fields = line.rstrip("\n").split(":")
        if len(fields) < 6 or not (fields[2].isdigit() and fields[3].isdigit()):
            continue
        if wanted_user in (fields[0], fields[2]):
            name, uid, gid, home = fields[0], int(fields[2]), int(fields[3]), fields[5] or "/"
            break
    if uid < 0:
        if not wanted_user.isdigit():
            raise UnknownUser(f"unable to find user {wanted_user}: no matching entries in passwd file")
        uid = int(wanted_user)
        if uid == 0:
            home = "/root"
    groups: list[int] = []
    found_group = -1
    for line in lines("/etc/group"):
        fields = line.rstrip("\n").split(":")
        if len(fields) < 4 or not fields[2].isdigit():
            continue
        if wanted_group and wanted_group in (fields[0], fields[2]):
            found_group = int(fields[2])
            break
        if not wanted_group and name and name in fields[3].split(","):
            groups.append(int(fields[2]))
    if wanted_group:
        if found_group < 0:
            if not wanted_group.isdigit():
                raise UnknownUser(f"unable to find group {wanted_group}: no matching entries in group file")
            found_group = int(wanted_group)
        gid = found_group
    return Account(uid, gid, tuple(dict.fromkeys(group for group in groups if group != gid)), home)
