# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The push alone as a command, to be measured as other tools are: a process from its start to its end, no AWS, no Ansible.

It prints how many seconds of that were the push, and not the start of Python: in Ansible, that is running already.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugins.module_utils._clock import SystemClock
from plugins.module_utils._image.client import Registry
from plugins.module_utils._image.compress import choose_codec
from plugins.module_utils._image.push import Push, PushOptions
from plugins.module_utils._image.sources import open_image
from plugins.module_utils._image.transport import Transport


def main() -> None:
    started = time.monotonic()
    endpoint, repository, source, tag, compression = sys.argv[1:6]
    opened = open_image(Path(source))
    transport = Transport(6, sys.argv[6] if len(sys.argv) > 6 else True)
    clock = SystemClock()
    registry = Registry(endpoint, repository, transport, clock, random.random)
    options = PushOptions(tags=(tag,), codec=choose_codec(compression))
    Push(opened.source, opened.image, registry, options, clock, lambda line: None, lambda line: None).run()
    opened.close()
    transport.close()
    print(time.monotonic() - started)


if __name__ == "__main__":
    main()
