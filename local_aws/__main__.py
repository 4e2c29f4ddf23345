"""`python -m local_aws`: AWS on one machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from local_aws.runtime import NoRuntime
from local_aws.world import Settings, World

DEFAULT_PORT = 4577


def default_data_dir(port: int) -> Path:
    """In the user's cache directory (XDG_CACHE_HOME, else ~/.cache), one for each port so that two local_aws do not meet in it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "local_aws" / str(port)


class DirectoryInUse(Exception):
    """Another local_aws works in the data directory."""


class DirectoryUnusable(Exception):
    """The data directory cannot be made or written to."""


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Make the directory and keep it to ourselves. The lock goes with the process, however it ends.

    Raises `DirectoryInUse` or `DirectoryUnusable`.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except OSError as error:
        raise DirectoryUnusable(f"{directory}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DirectoryInUse(str(directory)) from error
        yield


def parse(arguments: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="local_aws", description="AWS on one machine: ECS that really runs, for trying and testing.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="TCP port on 127.0.0.1; 0 takes a free one (default %(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every AWS delay; 1 is real time (default %(default)s)")
    parser.add_argument("--data", type=Path, help="directory for images and their layers (default ~/.cache/local_aws/PORT)")
    parser.add_argument(
        "--runtime", choices=["auto", "namespaces", "engine", "process"], default="auto", help="how tasks run (default auto)"
    )
    parser.add_argument(
        "--stale-reads",
        type=int,
        default=0,
        metavar="N",
        help="reads that still show the state before an UpdateService (default %(default)s)",
    )
    parser.add_argument(
        "--creation-delays", action="store_true", help="NAT gateways, load balancers, certificates and instances take their time to be made"
    )
    given = parser.parse_args(arguments)
    if not given.speed > 0:
        parser.error(f"--speed {given.speed} is not a positive number")
    if not 0 <= given.port <= 65535:
        parser.error(f"--port {given.port} is not between 0 and 65535")
    if given.stale_reads < 0:
        parser.error(f"--stale-reads {given.stale_reads} is negative")
    # Tasks are started from other directories than this one.
    data_dir = (given.data or default_data_dir(given.port)).absolute()
    return Settings(given.port, given.speed, data_dir, given.runtime, given.stale_reads, given.creation_delays)


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    settings = parse(arguments)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        with held(settings.data_dir):
            world = World(settings)
            world.start()
            print(world.greeting(), flush=True)
            over.wait()
            world.stop()
    except NoRuntime as error:
        return _refuse(f"{error} --runtime auto takes what works here.")
    except DirectoryInUse as error:
        return _refuse(
            f"{error} is in use by another local_aws. Stop that one, or choose another --port (make local-aws PORT=4578) or --data."
        )
    except DirectoryUnusable as error:
        return _refuse(f"the data directory cannot be used: {error}. Choose another with --data.")
    except OSError as error:
        if error.errno != errno.EADDRINUSE and "Address already in use" not in str(error):
            raise
        return _refuse(f"port {settings.port} is in use, perhaps by another local_aws. Stop that one, or choose another with --port.")
    return 0


def _refuse(text: str) -> int:
    print(f"local_aws: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
