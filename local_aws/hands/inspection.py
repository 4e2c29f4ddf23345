"""Looking at local_aws and emptying it: health, state, recorded calls, reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local_aws.hands.http import Hands
from local_aws.interfaces import Component, JsonObject


def add_inspection(
    hands: Hands,
    about: Callable[[], JsonObject],
    components: Mapping[str, Component],
    reset: Callable[[], None],
    calls: Callable[[], list[JsonObject]],
    forget_calls: Callable[[], None],
) -> None:
    """Put `/_local/health`, `/_local/state`, `/_local/calls` and `/_local/reset` in."""

    def health(_: JsonObject) -> JsonObject:
        return {"status": "ok", **about(), "components": sorted(components)}

    def state(wanted: JsonObject) -> JsonObject:
        only = wanted.get("component")
        return {name: component.state() for name, component in components.items() if only in (None, name)}

    def list_calls(wanted: JsonObject) -> JsonObject:
        return {"calls": [call for call in calls() if all(str(call.get(key)) == str(value) for key, value in wanted.items())]}

    def forget(_: JsonObject) -> JsonObject:
        forget_calls()
        return {"calls": []}

    def empty(_: JsonObject) -> JsonObject:
        reset()
        return {"status": "ok"}

    table: list[tuple[str, str, str, Callable[[JsonObject], Any]]] = [
        ("GET", "/_local/health", "version, runtime and why, speed, components", health),
        ("GET", "/_local/state", "every component's state; component=ecs for one", state),
        ("GET", "/_local/calls", "the API calls so far; any field selects, as service=ecs", list_calls),
        ("DELETE", "/_local/calls", "forget them", forget),
        ("POST", "/_local/reset", "an empty account everywhere", empty),
    ]
    for method, path, summary, run in table:
        hands.add(method, path, summary, run)
