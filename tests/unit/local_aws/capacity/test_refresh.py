"""Instance refreshes, decided without AWS: what is launched, drained and terminated, and in which order."""

from __future__ import annotations

from local_aws.capacity.refresh import Group, Preferences, Refresh, step

CAREFUL = Preferences(min_healthy=100, max_healthy=110, warm_up_seconds=60, replaces_protected=True)


class Fleet:
    """A group that does what the steps say. An instance that is drained runs tasks until `drained` is called."""

    def __init__(self, count: int, busy: int = 0) -> None:
        self.desired = count
        self.instances = [f"old-{number}" for number in range(count)]
        self.busy = set(self.instances[:busy])
        self.protected: set[str] = set()
        self.draining: list[str] = []
        self.launches_fail = False
        self.log: list[str] = []

    def refresh(self, preferences: Preferences) -> Refresh:
        return Refresh("r-1", preferences, tuple(self.instances))

    def look(self, refresh: Refresh, now: float, drains: bool = True) -> None:
        group = Group(self.desired, tuple(self.instances), frozenset(self.protected), frozenset(self.busy))
        steps = step(refresh, group, now, drains)
        for _ in range(0 if self.launches_fail else steps.launch):
            self.instances.append(f"new-{len(self.log)}")
            self.log.append("launch")
        for instance in steps.drain:
            self.draining.append(instance)
            self.log.append(f"drain {instance}")
        for instance in steps.terminate:
            self.instances.remove(instance)
            self.log.append(f"terminate {instance}")
        while len(self.instances) < self.desired:
            self.instances.append(f"new-{len(self.log)}")
            self.log.append("replace")


def test_a_new_instance_is_up_before_an_old_one_is_drained_and_gone() -> None:
    fleet = Fleet(2, busy=2)
    refresh = fleet.refresh(CAREFUL)
    fleet.look(refresh, 0)
    assert fleet.log == ["launch"]
    fleet.look(refresh, 59)
    assert fleet.log == ["launch"]
    fleet.look(refresh, 60)
    assert fleet.log[1:] == ["drain old-0"]
    fleet.look(refresh, 70)
    assert len(fleet.log) == 2, "it still runs tasks"
    fleet.busy.discard("old-0")
    fleet.look(refresh, 80)
    assert fleet.log[2:] == ["terminate old-0"]
    assert refresh.status == "InProgress"
    fleet.look(refresh, 82)
    assert (refresh.percentage, fleet.log[3:]) == (50, ["launch"])
    fleet.busy.clear()
    for moment in (150, 152, 154):
        fleet.look(refresh, moment)
    assert fleet.log[4:] == ["drain old-1", "terminate old-1"]
    assert (refresh.status, refresh.percentage) == ("Successful", 100)
    assert [item for item in fleet.instances if item.startswith("old")] == []
    assert len(fleet.instances) == fleet.desired


def test_nothing_goes_while_nothing_can_be_launched() -> None:
    fleet = Fleet(2)
    fleet.launches_fail = True
    refresh = fleet.refresh(CAREFUL)
    for moment in range(0, 600, 30):
        fleet.look(refresh, moment)
    assert fleet.log == []
    assert refresh.status == "InProgress"


def test_by_default_an_old_one_goes_first() -> None:
    fleet = Fleet(2)
    refresh = fleet.refresh(Preferences(warm_up_seconds=10))
    fleet.look(refresh, 0)
    fleet.look(refresh, 2)
    assert fleet.log == ["drain old-0", "terminate old-0", "replace"]
    fleet.look(refresh, 4)
    assert len(fleet.log) == 3, "its successor warms up"
    for moment in (12, 14, 16):
        fleet.look(refresh, moment)
    assert refresh.status == "Successful"


def test_without_draining_tasks_do_not_hold_an_instance() -> None:
    fleet = Fleet(1, busy=1)
    refresh = fleet.refresh(Preferences())
    fleet.look(refresh, 0, drains=False)
    fleet.look(refresh, 2, drains=False)
    assert "terminate old-0" in fleet.log


def test_protected_instances_stay_unless_they_are_meant() -> None:
    fleet = Fleet(1)
    fleet.protected = {"old-0"}
    refused = fleet.refresh(Preferences())
    fleet.look(refused, 0)
    assert (refused.status, fleet.log) == ("Failed", [])
    assert "protected from scale-in" in str(refused.reason)
    meant = fleet.refresh(Preferences(replaces_protected=True))
    for moment in (0, 2, 4):
        fleet.look(meant, moment)
    assert meant.status == "Successful"


def test_nothing_outdated_is_done_at_once() -> None:
    refresh = Refresh("r-1", CAREFUL, ())
    Fleet(1).look(refresh, 0)
    assert (refresh.status, refresh.percentage) == ("Successful", 100)
