# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.progress import Meter, megabytes, seconds


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0.0 kB"), (1500, "1.5 kB"), (99_999, "100.0 kB"), (100_000, "0.1 MB"), (404_123_456, "404.1 MB")]
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert megabytes(count) == text


@pytest.mark.parametrize(("duration", "text"), [(0.04, "0.0 s"), (12.34, "12.3 s"), (150, "2.5 min")])
def test_durations_for_people(duration: float, text: str) -> None:
    assert seconds(duration) == text


def meter() -> Meter:
    made = Meter(started=100.0)
    made.expect("a", 8_000_000)
    made.expect("b", 2_000_000)
    return made


def test_says_how_far_and_how_fast() -> None:
    one = meter()
    one.at("a")(3_000_000)
    one.finished("b")
    assert one.line(102.0) == "uploading: 5.0 MB of 10.0 MB, 2.5 MB/s, 1 of 2 blobs done, 2.0 s left"


def test_is_silent_within_a_second_without_news_and_at_the_end() -> None:
    one = meter()
    one.at("a")(3_000_000)
    assert one.line(100.9) is None
    assert one.line(101.0) is not None
    assert one.line(102.5) is None
    one.at("a")(3_500_000)
    assert one.line(103.0) is None, "less than a tenth of the whole is no news"
    one.at("a")(4_000_000)
    assert one.line(104.0) is not None
    one.finished("a")
    one.finished("b")
    assert one.line(200.0) is None


def test_has_a_heartbeat_when_nothing_moves() -> None:
    one = meter()
    assert one.line(105.0) is None
    assert one.line(110.0) == "uploading: 0.0 kB of 10.0 MB, 0.0 kB/s, 0 of 2 blobs done"


def test_a_position_may_go_back_and_the_rate_is_never_negative() -> None:
    one = meter()
    one.at("a")(8_000_000)
    assert one.line(101.0) is not None
    one.at("a")(0)
    assert one.line(102.0) == "uploading: 0.0 kB of 10.0 MB, 0.0 kB/s, 0 of 2 blobs done"


def test_a_mounted_blob_leaves_the_total() -> None:
    one = meter()
    one.forget("a")
    one.at("b")(1_000_000)
    assert one.line(101.0) == "uploading: 1.0 MB of 2.0 MB, 1.0 MB/s, 0 of 1 blobs done, 1.0 s left"


def test_a_bar_for_somebody_who_looks_on() -> None:
    one = meter()
    assert one.as_bar(100.0) == "uploading [                        ] 0 %, 0.0 kB of 10.0 MB, 0.0 kB/s"
    one.at("a")(5_000_000)
    assert one.as_bar(102.0) == "uploading [============            ] 50 %, 5.0 MB of 10.0 MB, 2.5 MB/s, 2.0 s left"
    one.finished("a")
    one.finished("b")
    assert one.as_bar(103.0) == ""
    assert Meter(0.0).as_bar(1.0) == ""


def test_nothing_to_send_is_nothing_to_say() -> None:
    assert Meter(0.0).line(100.0) is None
