"""The scheduler's rules as tables: a snapshot in, decisions out."""

from __future__ import annotations

import pytest

from local_aws.ecs.reconcile import DeploymentView, Snapshot, Start, TaskView, lower_limit, reconcile, stuck, upper_limit


def tasks(deployment: str, pattern: str, zones: str = "") -> list[TaskView]:
    """`h` healthy, `w` running but not healthy yet, `p` pending, `u` unhealthy, `d` healthy on a draining instance."""
    health = {"h": "healthy", "w": "waiting", "p": "waiting", "u": "unhealthy", "d": "healthy"}
    return [
        TaskView(
            id=f"{deployment}{number}",
            deployment=deployment,
            zone=zones[number] if zones else "a",
            running=letter != "p",
            health=health[letter],
            created=float(number),
            draining=letter == "d",
        )
        for number, letter in enumerate(pattern)
    ]


def rollout(
    desired: int, minimum: int, maximum: int, old: str, new: str, *, want: int | None = None, blocked: bool = False, trusted: bool = True
) -> Snapshot:
    return Snapshot(
        desired,
        minimum,
        maximum,
        [
            DeploymentView("new", primary=True, rollout="IN_PROGRESS", want=desired, blocked=blocked),
            DeploymentView(
                "old",
                primary=False,
                rollout="COMPLETED" if trusted else "FAILED",
                want=len(old) if want is None else want,
                trusted=trusted,
            ),
        ],
        [*tasks("old", old), *tasks("new", new)],
    )


@pytest.mark.parametrize(
    ("snapshot", "started", "stopped"),
    [
        pytest.param(rollout(2, 100, 200, "hh", ""), {"new": 2}, [], id="start first"),
        pytest.param(rollout(4, 100, 150, "hhhh", ""), {"new": 2}, [], id="start as far as the upper limit allows"),
        pytest.param(rollout(2, 100, 200, "hh", "pp"), {}, [], id="wait while the new ones come up"),
        pytest.param(rollout(2, 100, 200, "hh", "hw"), {}, ["old0"], id="one old task for each healthy new one"),
        pytest.param(rollout(2, 100, 200, "hh", "hh"), {}, ["old0", "old1"], id="all old ones when the new ones are healthy"),
        pytest.param(rollout(2, 50, 100, "hh", ""), {}, ["old0"], id="stop first down to the minimum"),
        pytest.param(rollout(2, 50, 100, "h", ""), {"new": 1}, [], id="then start in its place"),
        pytest.param(rollout(2, 50, 100, "h", "p"), {}, [], id="never below the minimum"),
        pytest.param(rollout(1, 0, 100, "h", ""), {}, ["old0"], id="minimum 0 stops the only task first"),
        pytest.param(rollout(2, 50, 200, "hh", ""), {"new": 2}, [], id="with room to start, nothing healthy stops early"),
        pytest.param(rollout(2, 50, 200, "hh", "", blocked=True), {"new": 2}, ["old0"], id="no place for a task: down to the minimum"),
        pytest.param(rollout(2, 100, 200, "hh", "", blocked=True), {"new": 2}, [], id="no place and minimum 100: wait"),
        pytest.param(rollout(2, 100, 200, "h", "pp", want=2), {"old": 1}, [], id="an old task that died comes back in its own revision"),
        pytest.param(rollout(2, 100, 200, "hp", "pp"), {}, [], id="a respawned old task may come up"),
        pytest.param(rollout(2, 100, 200, "hh", "pp", trusted=False), {}, [], id="healthy tasks of a failed deployment serve on"),
        pytest.param(rollout(2, 100, 200, "pw", "hh", trusted=False), {}, ["old0", "old1"], id="pending tasks of a failed deployment stop"),
        pytest.param(rollout(1, 100, 200, "h", "u"), {}, ["new0"], id="no room: the unhealthy new task stops first"),
        pytest.param(rollout(2, 100, 200, "hh", "uu"), {}, ["new0"], id="no room: one unhealthy task at a time"),
        pytest.param(
            rollout(3, 100, 200, "hhh", "uu"),
            {"new": 1},
            ["new0"],
            id="room goes to replacements, then one stops",
        ),
    ],
)
def test_rollout_decisions(snapshot: Snapshot, started: dict[str, int], stopped: list[str]) -> None:
    decisions = reconcile(snapshot)
    assert {start.deployment: start.count for start in decisions.starts} == started
    assert [stop.task for stop in decisions.stops] == stopped


def alone(desired: int, pattern: str, *, minimum: int = 100, maximum: int = 200, zones: str = "", **more: object) -> Snapshot:
    view = {"rollout": "COMPLETED", "want": desired, **more}
    return Snapshot(desired, minimum, maximum, [DeploymentView("d", primary=True, **view)], tasks("d", pattern, zones))  # type: ignore[arg-type]  # keyword table


@pytest.mark.parametrize(
    ("snapshot", "starts", "stopped"),
    [
        pytest.param(alone(2, "h"), [Start("d", 1)], [], id="a task that died is replaced"),
        pytest.param(alone(2, "h", may_start=False), [], [], id="not while throttled"),
        pytest.param(alone(2, "h", rollout="FAILED"), [], [], id="a failed deployment starts nothing"),
        pytest.param(alone(2, "hu"), [Start("d", 1, unhealthy_replaced=1)], [], id="an unhealthy task is replaced first"),
        pytest.param(alone(2, "huw"), [], [], id="and stays until the replacement is healthy"),
        pytest.param(alone(2, "huh"), [], [("d1", "unhealthy")], id="then it stops"),
        pytest.param(alone(2, "hu", minimum=50, maximum=100), [], [("d1", "unhealthy")], id="maximum 100: stop, then start"),
        pytest.param(alone(1, "u", minimum=0, maximum=100), [], [("d0", "unhealthy")], id="even the only one"),
        pytest.param(alone(1, "hhp"), [], [("d2", "scaling"), ("d1", "scaling")], id="scale in: pending first"),
        pytest.param(alone(2, "hhh", zones="aab"), [], [("d1", "scaling")], id="scale in: the zone that has most"),
        pytest.param(alone(0, "hh"), [], [("d1", "scaling"), ("d0", "scaling")], id="to zero"),
        pytest.param(alone(2, "hd"), [Start("d", 1)], [], id="a draining instance: replacement first"),
        pytest.param(alone(2, "hdw"), [], [], id="draining waits for the replacement"),
        pytest.param(alone(2, "hdh"), [], [("d1", "scaling")], id="then the draining task stops"),
        pytest.param(
            alone(2, "hd", minimum=50, maximum=100), [], [("d1", "scaling")], id="draining with maximum 100 goes down to the minimum"
        ),
    ],
)
def test_a_single_deployment(snapshot: Snapshot, starts: list[Start], stopped: list[tuple[str, str]]) -> None:
    decisions = reconcile(snapshot)
    assert decisions.starts == starts
    assert [(stop.task, stop.cause) for stop in decisions.stops] == stopped


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "expected"),
    [
        (3, 75, 125, True),
        (2, 75, 125, True),
        (4, 75, 125, False),
        (1, 50, 150, True),
        (1, 0, 100, False),
        (0, 100, 100, False),
        (2, 50, 100, False),
    ],
)
def test_dead_ends(desired: int, minimum: int, maximum: int, expected: bool) -> None:
    assert stuck(desired, minimum, maximum) is expected
    assert reconcile(rollout(desired, minimum, maximum, "h" * desired, "")).dead_end is expected


def test_limits_round_against_the_user() -> None:
    assert (upper_limit(3, 125), lower_limit(2, 75), lower_limit(3, 34)) == (3, 2, 2)


def test_completion_needs_full_health_and_no_old_task() -> None:
    assert reconcile(rollout(2, 100, 200, "", "hh")).fulfilled
    assert not reconcile(rollout(2, 100, 200, "", "hw")).fulfilled
    assert not reconcile(rollout(2, 50, 100, "h", "h")).fulfilled
    assert reconcile(alone(0, "", rollout="IN_PROGRESS")).fulfilled


def test_early_success_comes_before_full_health() -> None:
    def early(deferred: bool) -> Snapshot:
        base = rollout(4, 50, 200, "hhhh", "hhww")
        return Snapshot(4, 50, 200, base.deployments, base.tasks, early_success_percent=50, deferred_cleanup=deferred)

    assert reconcile(early(deferred=True)).fulfilled
    decisions = reconcile(early(deferred=False))
    assert len(decisions.stops) == 4
    assert decisions.fulfilled
