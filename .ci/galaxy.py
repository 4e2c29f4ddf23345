# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets galaxy-importer, with which Ansible Galaxy takes collections in, take the built collection in here: `galaxy.py ARCHIVE`.

Documentation, metadata, roles, playbooks and the archive itself are checked as on Galaxy. ansible-lint and ansible-test are gates of
their own here. What the importer warns of is a fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMPORTER = ROOT / ".venv" / "galaxy" / "bin"
SETTINGS = """\
[galaxy-importer]
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = False
RUN_ANSIBLE_TEST = False
RUN_FLAKE8 = False
"""
DONE = "Importer processing completed successfully"


def main(archive: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="galaxy-") as name:
        folder = Path(name)
        (folder / "settings").write_text(SETTINGS)
        ended = subprocess.run(
            [str(IMPORTER / "python"), "-m", "galaxy_importer.main", str(archive.resolve())],
            cwd=folder,
            env={**os.environ, "GALAXY_IMPORTER_CONFIG": "settings", "PATH": f"{IMPORTER}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    said = ended.stdout.splitlines()
    faults = [line for line in said if line.startswith(("WARNING", "ERROR"))]
    print("\n".join(faults or said[-1:]))
    if ended.returncode != 0 or faults or not any(DONE in line for line in said):
        print(f"galaxy-importer does not take {archive.name} in (exit code {ended.returncode})")
        if not faults:
            print(ended.stdout[-4000:])
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ARCHIVE")
    sys.exit(main(Path(sys.argv[1])))
