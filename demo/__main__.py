"""`python -m demo [--keep]`: see README.md, or just run `make demo`."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from types import FrameType

from .playbook import ROOT
from .story import Broken, Story


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the service running at the end and say where it answers")
    arguments = parser.parse_args()
    # Being told to end is handled as Ctrl-C is: everything that was started is stopped first.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        Story(ROOT / "build" / "demo", arguments.keep).tell_all()
    except KeyboardInterrupt:
        print("\nStopped; everything that was started has been stopped again.", file=sys.stderr)
        return 130
    except (Broken, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"\nThe demo did not go as it has to: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
