"""How a forked child of the supervisor becomes a container's first process, or one that runs beside it (a health check)."""

from __future__ import annotations

import errno
import json
import os
import resource
import secrets
import shutil
import signal
import stat
from collections.abc import Iterator
from typing import Any, NoReturn

from local_aws.runtime.inside import accounts, linux

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_READ_ONLY = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus")
_HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/timer_list")
_DEV_SIZE = "64k"
_SHM_SIZE = "64m"
"""Docker's defaults."""


class CannotStart(Exception):
    """With the text that Docker's engine gives for it."""


def _runc(text: str) -> CannotStart:
    return CannotStart(
        "Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: "
        f"runc create failed: unable to start container process: {text}: unknown"
    )


def image_lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from file
    except (FileNotFoundError, NotADirectoryError):
        return


def find_executable(name: str, path: str, cwd: str) -> str:
    """As runc looks for it: a name with a slash is taken as it is, else each directory of PATH is tried. Raises CannotStart."""
    if "/" in name:
        full = os.path.join(cwd, name)
        try:
            mode = os.stat(full).st_mode
        except OSError as error:
            raise _runc(f'exec: "{name}": stat {name}: {(error.strerror or "").lower()}') from error
        if stat.S_ISDIR(mode):
            raise _runc(f'exec: "{name}": is a directory')
        if not os.access(full, os.X_OK):
            raise _runc(f'exec: "{name}": permission denied')
        return full
    for directory in path.split(":"):
        full = os.path.join(cwd, directory or ".", name)
        if os.path.isfile(full) and os.access(full, os.X_OK):
            return full
    raise _runc(f'exec: "{name}": executable file not found in $PATH')


def _overlay(lower: list[str], scratch: str, root: str, attribute_option: str) -> None:
    """Mount the layers (base first) with a writable directory above them; on a disk that cannot be one, above memory instead."""

    data = os.path.join(scratch, "data")
    os.mkdir(data)

    def attempt() -> None:
        for name in ("upper", "work"):
            os.mkdir(os.path.join(data, name))
        # Short relative names: all of them must fit into the one page that mount(2) reads.
        options = f"lowerdir={':'.join(reversed(lower))},upperdir={data}/upper,workdir={data}/work,volatile{attribute_option}"
        linux.mount("overlay", root, "overlay", linux.MS_NODEV, options)

    try:
        attempt()
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        linux.mount("tmpfs", data, "tmpfs", 0, "mode=700")
        attempt()


def _directory(path: str, mode: int = 0o755) -> None:
    if not os.path.isdir(path):
        os.makedirs(path, mode)
        os.chmod(path, mode)


def _devices(host: str) -> None:
    _directory("/dev")
    linux.mount("tmpfs", "/dev", "tmpfs", linux.MS_NOSUID, f"mode=755,size={_DEV_SIZE}")
    for name in _DEVICES:
        path = f"/dev/{name}"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
        linux.mount(f"{host}/dev/{name}", path, "", linux.MS_BIND)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("ptmx", "pts/ptmx")):
        os.symlink(target, f"/dev/{name}")
    for name, kind, options in (("pts", "devpts", "newinstance,ptmxmode=0666,mode=0620"), ("shm", "tmpfs", f"mode=1777,size={_SHM_SIZE}")):
        os.mkdir(f"/dev/{name}")
        linux.mount(kind, f"/dev/{name}", kind, linux.MS_NOSUID | linux.MS_NOEXEC, options)


def _kernel_views() -> None:
    _directory("/proc", 0o555)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    for path in _READ_ONLY:
        if os.path.exists(path):
            linux.mount(path, path, "", linux.MS_BIND | linux.MS_REC)
            flags = linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
            linux.mount(path, path, "", flags)
    for path in _HIDDEN:
        if os.path.exists(path):
            linux.mount("/dev/null", path, "", linux.MS_BIND)
    _directory("/sys", 0o555)
    linux.mount("sysfs", "/sys", "sysfs", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_RDONLY)


def _files(files: dict[str, str]) -> None:
    for path, text in files.items():
        _directory(os.path.dirname(path))
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o644)


def _copy_up(source: str, target: str) -> None:
    """Give an empty volume what the image has in its place, as Docker does, owners and modes included."""
    found = os.lstat(source)
    if stat.S_ISDIR(found.st_mode):
        os.makedirs(target, exist_ok=True)
        for name in os.listdir(source):
            _copy_up(os.path.join(source, name), os.path.join(target, name))
    elif stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(found.st_mode):
        shutil.copyfile(source, target)
    else:
        return
    os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(target, stat.S_IMODE(found.st_mode))


def _mount(mount: dict[str, Any], host: str) -> None:
    path = os.path.normpath("/" + mount["path"])
    _directory(path)
    flags = linux.MS_RDONLY if mount["read_only"] else 0
    if mount["source"] is None:
        size = f",size={mount['size']}m" if mount["size"] else ""
        linux.mount("tmpfs", path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV | flags, f"mode=1777{size}")
        return
    source = host + mount["source"]
    if not os.listdir(source):
        _copy_up(path, source)
    linux.mount(source, path, "", linux.MS_BIND)
    linux.mount("none", path, "", linux.MS_BIND | linux.MS_REMOUNT | linux.MS_NODEV | flags)


def enter_root(spec: dict[str, Any]) -> None:
    """Build the container's file system and make it the root. `spec`: `store`, `layers` (names in it), `scratch`, `option`, `files`."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    scratch = spec["scratch"]
    root = os.path.join(scratch, "root")
    os.mkdir(scratch, 0o700)
    os.mkdir(root)
    os.chdir(spec["store"])
    _overlay(spec["layers"], scratch, root, spec["option"])
    os.chdir(root)
    # Everything from here on happens inside the new root, so that no link in the image can lead outside. The host's root stays
    # reachable for the device files under a name that no image can guess.
    old = f".{secrets.token_hex(16)}"
    os.mkdir(old, 0o700)
    linux.pivot_root(".", old)
    os.chdir("/")
    host = f"/{old}"
    _devices(host)
    _kernel_views()
    _files(spec["files"])
    for mount in spec["mounts"]:
        _mount(mount, host)
    _directory("/tmp", 0o1777)  # noqa: S108 the container's own
    linux.unmount(host)
    os.rmdir(host)


def _become_user(account: accounts.Account, userns: bool) -> None:
    if not userns:
        linux.limit_capabilities(linux.DOCKER_CAPABILITIES)
        os.setgroups(list(account.groups))
        os.setgid(account.gid)
        os.setuid(account.uid)
        return
    # Without root, one user is all there is to map: show it under the number that the image asks for.
    if account.uid or account.gid:
        linux.unshare(linux.CLONE_NEWUSER)
        for name, number in (("uid_map", account.uid), ("gid_map", account.gid)):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(f"{number} 0 1")
    linux.limit_capabilities(linux.DOCKER_CAPABILITIES)


def _limits(limits: dict[str, list[int]]) -> None:
    for name, (soft, hard) in limits.items():
        number = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if number is None:
            raise CannotStart(f"Error response from daemon: invalid ulimit type: {name}")
        try:
            resource.setrlimit(number, (soft, hard))
        except (ValueError, OSError) as error:
            raise _runc(f"error setting rlimit type {number}: {error}") from error


def _plain_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def _streams(output: int, errors: int) -> None:
    nothing = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(source, target, inheritable=True)


def run(spec: dict[str, Any], output: int, errors: int, group: int | None) -> NoReturn:
    """Replace this process by the user's. `spec`: `argv`, `environment`, `user`, `directory`, `limits`, `read_only`, `userns`.

    `group` is the open members file of a memory group. Raises CannotStart, OSError.
    """
    try:
        account = accounts.look_up(spec["user"], image_lines)
    except accounts.UnknownUser as error:
        raise CannotStart(f"Error response from daemon: {error}") from error
    environment: dict[str, str] = spec["environment"]
    environment.setdefault("HOME", account.home)
    directory = spec["directory"] or "/"
    if not os.path.isdir(directory):
        os.makedirs(directory)
        if not spec["userns"]:
            os.chown(directory, account.uid, account.gid)
    if spec["read_only"]:
        linux.mount("none", "/", "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NODEV)
    os.chdir(directory)
    os.setsid()
    _limits(spec["limits"])
    _streams(output, errors)
    if group is not None:
        os.write(group, b"0")  # last, so that what was needed to get here is not counted
    _become_user(account, spec["userns"])
    linux.no_new_privileges()
    argv: list[str] = spec["argv"]
    program = find_executable(argv[0], environment.get("PATH", ""), directory)
    _plain_signals()
    try:
        os.execve(program, argv, environment)  # noqa: S606 this is how a container starts
    except OSError as error:
        raise _runc(f"exec {program}: {(error.strerror or '').lower()}") from error


def report(error: BaseException, pipe: int) -> NoReturn:
    """Tell the supervisor why there will be no container, and end."""
    text = str(error) if isinstance(error, CannotStart) else str(_runc(f"{error}"))
    os.write(pipe, json.dumps(text)[:4000].encode())
    os._exit(127)
