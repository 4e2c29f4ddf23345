"""For all tests: Ctrl-C is what it is in a terminal, also where whoever started them lets it be ignored; and long files begin first."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A shell starts its background jobs so, and every process that a test starts to interrupt would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Files that take a minute or more, the longest first, so that no worker begins one when the others are about to end.
# Where tests run on several workers, pytest-xdist hands the files out in this order (`--no-loadscope-reorder`).
LONGEST_FIRST = (
    "tests/integration/test_demo.py",
    "tests/integration/test_app_role.py",
    "tests/pipeline/test_awx.py",
    "tests/integration/test_rough_weather.py",
    "tests/integration/test_causes.py",
    "tests/integration/test_releases.py",
    "tests/local_aws/test_modules_twice.py",
    "tests/local_aws/test_scheduler_failures.py",
    "tests/integration/test_cluster_role.py",
    "tests/integration/test_definitions.py",
    "tests/integration/test_edge_roles.py",
    "tests/integration/test_access_roles.py",
    "tests/integration/test_network_role.py",
    "tests/integration/test_readme.py",
    "tests/integration/test_service_settings.py",
    "tests/integration/test_forecast.py",
    "tests/integration/test_report.py",
    "tests/integration/test_push_faults.py",
    "tests/local_aws/test_hands.py",
    "tests/local_aws/test_elb.py",
    "tests/local_aws/test_scheduler_limits.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {ROOT / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
