# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many services judged at the same time by one task: a thread for each, and one DescribeServices call for ten of them."""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from .._aws.connection import CallCounter
from .._rollout.pace import CLOSE_SECONDS
from .._verb import Clock, Context, VerbFailure
from ._shared import Data

# What DescribeServices takes in one call.
GROUP_SIZE = 10
# No group is read more often than one watch at its fastest would read one service. Nobody sees the same answer in two looks:
# those are at least as far apart.
FRESH_SECONDS = CLOSE_SECONDS

_One = t.Callable[[dict[str, t.Any], Context], dict[str, t.Any]]


class Board:
    """Reads services ten at a time: the first that asks pays for its group, the others of the group find their answers here."""

    def __init__(self, client: t.Any, clock: Clock, cluster: str, names: t.Sequence[str]) -> None:
        self._client = client
        self._clock = clock
        self._cluster = cluster
        self._groups = [list(names[start : start + GROUP_SIZE]) for start in range(0, len(names), GROUP_SIZE)]
        self._of = {name: group for group in self._groups for name in group}
        self._locks = {id(group): threading.Lock() for group in self._groups}
        self._answers: dict[str, tuple[float, Data]] = {}

    def read(self, name: str) -> Data:
        """The answer of DescribeServices for one service."""
        group = self._of[name]
        with self._locks[id(group)]:
            at, answer = self._answers.get(name, (-1e9, {}))
            if self._clock.monotonic() - at < FRESH_SECONDS:
                return answer
            fetched = self._client.describe_services(cluster=self._cluster, services=list(group))
            now = self._clock.monotonic()
            for other in group:
                mine = [item for item in fetched.get("services", []) if other in (item.get("serviceName"), item.get("serviceArn"))]
                self._answers[other] = (now, {"services": mine})
            return self._answers[name][1]

    def leave(self, name: str) -> None:
        """Nobody asks for this service any more."""
        group = self._of[name]
        with self._locks[id(group)]:
            group.remove(name)
            self._answers.pop(name, None)


class _Reading:
    """A client of Amazon ECS whose reads of one service come from the board."""

    def __init__(self, client: t.Any, board: Board, name: str) -> None:
        self._client = client
        self._board = board
        self._name = name

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._client, name)

    def describe_services(self, **request: t.Any) -> Data:
        if request.get("services") == [self._name] and not request.get("include"):
            return self._board.read(self._name)
        return t.cast("Data", self._client.describe_services(**request))


def watch_many(params: dict[str, t.Any], context: Context, one: _One) -> dict[str, t.Any]:
    """Run `one` for each of `params["services"]` at the same time. Fails when one of them did, after all have ended."""
    items: list[dict[str, t.Any]] = params["services"]
    names = [item["service"] for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise VerbFailure(f"services: {', '.join(twice)} is named more than once.")
    counter = CallCounter(context.client)
    # Made before the threads are: boto3's clients may be shared between threads, but not their making.
    clients = {service: context.client(service) for service in ("ecs", "elbv2", "logs")}
    board = Board(counter("ecs"), context.clock, params["cluster"], names)
    speaking = threading.Lock()
    results: dict[str, dict[str, t.Any]] = {}
    broken: dict[str, BaseException] = {}

    def speak(say: t.Callable[[str], None], name: str) -> t.Callable[[str], None]:
        def said(line: str) -> None:
            with speaking:
                say(f"{name}: {line}")

        return said

    def watch(item: dict[str, t.Any]) -> None:
        name = item["service"]

        def client(service: str) -> t.Any:
            found = clients.get(service)
            return _Reading(found, board, name) if service == "ecs" else found

        own = dataclasses.replace(
            context,
            client=client,
            progress=speak(context.progress, name),
            warn=speak(context.warn, name),
            # There is one such line, and many services.
            live=None,
        )
        try:
            results[name] = one({**params, **item, "services": None}, own)
        except VerbFailure as failure:
            results[name] = {"failed": True, "msg": failure.message, **failure.result}
        except BaseException as error:
            broken[name] = error
        finally:
            board.leave(name)

    threads = [threading.Thread(target=watch, args=(item,), name=f"watch-{item['service']}", daemon=True) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise next(iter(broken.values()))
    return _together(names, results, counter)


def _together(names: t.Sequence[str], results: dict[str, dict[str, t.Any]], counter: CallCounter) -> dict[str, t.Any]:
    calls = dict(counter.calls)
    for name in names:
        for operation, number in (results[name].get("api_calls_by_operation") or {}).items():
            # The reads of services are counted where they are made, once for ten.
            if operation != "describe_services":
                calls[operation] = calls.get(operation, 0) + number
    together: dict[str, t.Any] = {
        "changed": any(results[name].get("changed") for name in names),
        "services": [{"name": name, "failed": False, **results[name]} for name in names],
        "api_calls": sum(calls.values()),
        "api_calls_by_operation": calls,
    }
    bad = [name for name in names if results[name].get("failed")]
    if not bad and all(results[name].get("verdict") == "succeeded" for name in names):
        return {**together, "verdict": "succeeded", "msg": f"{len(names)} services are steady."}
    if not bad:
        # Check mode: one look at services that are still on their way.
        return {**together, "verdict": None, "msg": "\n".join(f"{name}: {results[name]['msg']}" for name in names)}
    words = "\n".join(str(results[name]["msg"]) for name in bad)
    raise VerbFailure(f"{len(bad)} of {len(names)} services failed: {', '.join(bad)}\n{words}", **{**together, "verdict": "failed"})
