"""`python -m local_aws`: AWS on one machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local_aws.world import Settings, World

DEFAULT_PORT = 4577


def default_data_dir() -> Path:
    """Where images are kept between runs: the user's cache directory (XDG_CACHE_HOME, else ~/.cache)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "local_aws"


def parse(arguments: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="local_aws", description="AWS on one machine: ECS that really runs, for trying and testing.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="TCP port on 127.0.0.1; 0 takes a free one (default %(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every AWS delay; 1 is real time (default %(default)s)")
    parser.add_argument("--data", type=Path, default=default_data_dir(), help="directory for images and logs (default %(default)s)")
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
    given = parser.parse_args(arguments)
    if not given.speed > 0:
        parser.error(f"--speed {given.speed} is not a positive number")
    if given.stale_reads < 0:
        parser.error(f"--stale-reads {given.stale_reads} is negative")
    return Settings(given.port, given.speed, given.data, given.runtime, given.stale_reads)


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    settings = parse(arguments)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        world = World(settings)
    except OSError as error:
        if error.errno == errno.EADDRINUSE or "Address already in use" in str(error):
            print(
                f"local_aws: port {settings.port} is in use, perhaps by another local_aws. Stop that one, or choose another with --port.",
                file=sys.stderr,
            )
            return 1
        raise
    world.start()
    print(world.greeting(), flush=True)
    over.wait()
    world.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
