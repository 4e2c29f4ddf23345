"""StartInstanceRefresh, DescribeInstanceRefreshes and CancelInstanceRefresh, which moto has not, and the refreshes that go on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from local_aws.capacity.fleet import Fleet
from local_aws.capacity.refresh import ACTIVE, DEFAULT_MAX_HEALTHY, DEFAULT_MIN_HEALTHY, Preferences, Refresh, step
from local_aws.clock import Clock
from local_aws.interfaces import Api, AwsError, Call, ContainerInstances, JsonObject

Key = tuple[str, str, str]
"""Account, region, name of the group."""


@dataclass
class _Entry:
    refresh: Refresh
    shown_preferences: JsonObject
    started: datetime
    ended: datetime | None = field(default=None)


class Refreshes:
    def __init__(self, clock: Clock, fleet: Fleet, container_instances: ContainerInstances) -> None:
        self._clock = clock
        self._fleet = fleet
        self._instances = container_instances
        self._entries: dict[Key, list[_Entry]] = {}

    def install(self, api: Api) -> None:
        api.on("autoscaling", "StartInstanceRefresh")(self._start)
        api.on("autoscaling", "DescribeInstanceRefreshes")(self._describe)
        api.on("autoscaling", "CancelInstanceRefresh")(self._cancel)

    def clear(self) -> None:
        self._entries.clear()

    def look(self) -> None:
        """One step of each refresh that goes on. The caller is the capacity room, which looks every few seconds."""
        for key, entries in list(self._entries.items()):
            entry = entries[0]
            if entry.refresh.status in ACTIVE:
                self._step(key, entry)

    def _step(self, key: Key, entry: _Entry) -> None:
        group = self._fleet.group(*key, self._instances.runs_tasks)
        if group is None:
            entry.refresh.status, entry.refresh.reason = "Failed", "The Auto Scaling group was deleted."
            entry.ended = self._clock.now()
            return
        steps = step(entry.refresh, group, self._clock.time(), self._fleet.drains(*key))
        if steps.launch:
            self._fleet.launch(*key, steps.launch)
        for instance_id in steps.drain:
            if self._fleet.drains(*key):
                self._instances.drain(instance_id)
        for instance_id in steps.terminate:
            self._fleet.terminate(*key, instance_id)
        if entry.refresh.status not in ACTIVE:
            entry.ended = self._clock.now()

    def _start(self, call: Call) -> JsonObject:
        key = self._key(call)
        preferences = call.params.get("Preferences") or {}
        entries = self._entries.setdefault(key, [])
        if entries and entries[0].refresh.status in ACTIVE:
            raise AwsError("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this one.")
        outdated = self._fleet.instance_ids(*key, only_outdated=bool(preferences.get("SkipMatching")))
        read = Preferences(
            int(preferences.get("MinHealthyPercentage", DEFAULT_MIN_HEALTHY)),
            int(preferences.get("MaxHealthyPercentage", DEFAULT_MAX_HEALTHY)),
            float(preferences.get("InstanceWarmup", 0)),
            preferences.get("ScaleInProtectedInstances") == "Refresh",
        )
        refresh = Refresh(str(uuid.uuid4()), read, tuple(outdated), started_at=self._clock.time())
        entries.insert(0, _Entry(refresh, preferences, self._clock.now()))
        return {"InstanceRefreshId": refresh.id}

    def _describe(self, call: Call) -> JsonObject:
        key = self._key(call)
        wanted = call.params.get("InstanceRefreshIds")
        shown = [_shown(key, entry) for entry in self._entries.get(key, [])]
        return {"InstanceRefreshes": [item for item in shown if not wanted or item["InstanceRefreshId"] in wanted]}

    def _cancel(self, call: Call) -> JsonObject:
        """At once: a real one is Cancelling for a moment."""
        entries = self._entries.get(self._key(call), [])
        if not entries or entries[0].refresh.status not in ACTIVE:
            raise AwsError("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found for Auto Scaling group.")
        entries[0].refresh.status, entries[0].ended = "Cancelled", self._clock.now()
        return {"InstanceRefreshId": entries[0].refresh.id}

    def _key(self, call: Call) -> Key:
        key = (call.account, call.region, str(call.params["AutoScalingGroupName"]))
        if not self._fleet.has_group(*key):
            raise AwsError("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup not found")
        return key


def _shown(key: Key, entry: _Entry) -> JsonObject:
    refresh = entry.refresh
    shown: JsonObject = {
        "InstanceRefreshId": refresh.id,
        "AutoScalingGroupName": key[2],
        "Status": refresh.status,
        "StartTime": entry.started,
        "PercentageComplete": refresh.percentage,
        "InstancesToUpdate": len(refresh.outdated) - refresh.left,
        "Preferences": entry.shown_preferences,
    }
    if refresh.reason:
        shown["StatusReason"] = refresh.reason
    if entry.ended:
        shown["EndTime"] = entry.ended
    return shown
