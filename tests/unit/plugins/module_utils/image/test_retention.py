# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.retention import Policy, Stored, choose, matches

# Newer images have larger numbers: pushed_at is the number in their name.
ONLY_ONE = Policy(keep=1)


def image(name: str, at: float, *tags: str, children: tuple[str, ...] = (), subject: str = "") -> Stored:
    return Stored(name, at, 1, tags, children, subject)


def gone(images: list[Stored], used: dict[str, str] | None = None, policy: Policy = ONLY_ONE) -> list[list[str]]:
    choice = choose(images, used or {}, Policy(policy.keep, policy.keep_tags, policy.younger_than or 1000.0))
    assert {*choice.kept} | {digest for group in choice.gone for digest in group} == {each.digest for each in images}
    assert not {*choice.kept} & {digest for group in choice.gone for digest in group}
    return choice.gone


PLAIN = [image("a", 1, "1.0"), image("b", 2, "1.1"), image("c", 3, "1.2", "latest"), image("d", 4)]


@pytest.mark.parametrize(
    ("used", "policy", "expected"),
    [
        ({}, Policy(1), [["a", "b", "c"]]),
        ({}, Policy(3), [["a"]]),
        ({}, Policy(4), []),
        ({}, Policy(9), []),
        ({"a": "a service runs it"}, Policy(1), [["b", "c"]]),
        ({"1.0": "a definition names its tag"}, Policy(1), [["b", "c"]]),
        ({"x": "an image that is not here"}, Policy(1), [["a", "b", "c"]]),
        ({}, Policy(1, ("1.*",)), []),
        ({}, Policy(1, ("lat*", "1.0")), [["b"]]),
        ({}, Policy(1, (), 2.5), [["a", "b"]]),
        ({}, Policy(1, (), 2), [["a", "b"]]),
    ],
)
def test_what_is_used_young_kept_by_tag_or_new_stays(used: dict[str, str], policy: Policy, expected: list[list[str]]) -> None:
    assert gone(PLAIN, used, policy) == expected


def test_every_image_that_stays_says_why() -> None:
    choice = choose(PLAIN, {"a": "service api of cluster main runs it"}, Policy(1, ("latest",), 1.5))
    assert choice.kept == {
        "a": "service api of cluster main runs it",
        "b": "pushed lately",
        "c": "the tag latest matches latest",
        "d": "pushed lately",
    }
    assert choose(PLAIN, {}, Policy(2, (), 9)).kept == {"d": "number 1 of the newest 2", "c": "number 2 of the newest 2"}


def test_the_parts_of_an_index_stay_with_it_and_count_for_nothing() -> None:
    images = [image("old", 1), image("amd", 5), image("arm", 6), image("index", 7, "2.0", children=("amd", "arm"))]
    choice = choose(images, {}, Policy(1, (), 1000))
    assert choice.kept == {"index": "number 1 of the newest 1", "amd": "part of 2.0", "arm": "part of 2.0"}
    assert choice.gone == [["old"]]
    assert gone(images, {}, Policy(2)) == []


def test_an_index_goes_before_its_parts_and_an_outer_one_before_an_inner_one() -> None:
    images = [
        image("amd", 1),
        image("arm", 1),
        image("inner", 1, children=("arm",)),
        image("outer", 1, children=("amd", "inner")),
        image("signature", 1, subject="outer"),
        image("new", 9),
    ]
    assert gone(images) == [["signature"], ["outer"], ["inner"], ["amd", "arm"]]


def test_an_index_stays_when_one_of_its_images_runs() -> None:
    images = [image("amd", 1), image("arm", 1), image("index", 1, "1.0", children=("amd", "arm")), image("new", 9)]
    choice = choose(images, {"arm": "a task runs it"}, Policy(1, (), 1000))
    assert choice.gone == []
    assert choice.kept["arm"] == "a task runs it"
    assert choice.kept["index"] == "holds arm: a task runs it"
    assert choice.kept["amd"] == "part of 1.0"


def test_a_part_that_two_indexes_share_stays_with_the_one_that_stays() -> None:
    images = [image("amd", 1), image("old", 2, children=("amd",)), image("new", 3, children=("amd",))]
    assert gone(images) == [["old"]]


def test_what_is_attached_to_an_image_stays_and_goes_with_it() -> None:
    images = [
        image("a", 1),
        image("a-signature", 8, subject="a"),
        image("b", 2),
        image("b-sbom", 3, subject="b"),
        image("b-sbom-signature", 4, subject="b-sbom"),
    ]
    choice = choose(images, {}, Policy(1, (), 1000))
    assert choice.kept == {"b": "number 1 of the newest 1", "b-sbom": "attached to b", "b-sbom-signature": "attached to b-sbom"}
    assert choice.gone == [["a-signature"], ["a"]]


def test_an_attachment_without_its_subject_is_an_image_like_any_other() -> None:
    assert gone([image("orphan", 1, subject="long gone"), image("new", 2)]) == [["orphan"]]


def test_digests_that_claim_to_hold_each_other_do_not_hang() -> None:
    assert gone([image("a", 1, children=("b",)), image("b", 1, children=("a",)), image("c", 2)]) == [["a", "b"]]
    assert gone([image("s", 1, subject="s"), image("c", 2)]) == [["s"]]


@pytest.mark.parametrize(
    ("pattern", "tag", "expected"),
    [("v*", "v1.0", True), ("v*", "xv1", False), ("*-rc*", "1-rc2", True), ("1.0", "1x0", False), ("*", "a", True), ("a[b]*", "ab", False)],
)
def test_patterns_know_one_wildcard(pattern: str, tag: str, expected: bool) -> None:
    assert matches(pattern, tag) is expected
