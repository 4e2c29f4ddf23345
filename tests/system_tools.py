"""Makes sure that the registry's peers are there: skopeo, podman and the runc that it runs tasks with, which exist only as system packages.

Says what it is going to install before it does. Where it cannot (not root, no apt-get) it says what to type and fails: the
registry tests would otherwise prove nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# Podman may bring crun alone, which some kernels refuse.
TOOLS = ("skopeo", "podman", "runc")


def main() -> int:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not missing:
        print(f"Found {', '.join(TOOLS)}.")
        return 0
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "-qq", *missing]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(
            f"Missing: {', '.join(missing)}. Install with the system's package manager, for example: sudo {' '.join(install)}",
            file=sys.stderr,
        )
        return 1
    print(f"Installing system packages (they exist in no other form): {', '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], install):
        # Its progress is noise here, but a failure's words are not.
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stdout}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
