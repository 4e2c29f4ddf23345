# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command and writes down what it took. `measured.py FILE COMMAND…`, in an interpreter that has loaded little (-I -S).

A process begins with the largest memory of the one that started it in its account, so the bench itself must not be that one.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    started = time.monotonic()
    pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _pid, status, used = os.wait4(pid, 0)
    found = {"wall": time.monotonic() - started, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024}
    Path(sys.argv[1]).write_text(json.dumps(found))
    sys.exit(os.waitstatus_to_exitcode(status))


main()
