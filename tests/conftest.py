"""For all tests: Ctrl-C is what it is in a terminal, also where whoever started them lets it be ignored."""

from __future__ import annotations

import signal

# A shell starts its background jobs so, and every process that a test starts to interrupt would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
