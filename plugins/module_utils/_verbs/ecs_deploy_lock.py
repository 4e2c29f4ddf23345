# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps two deploys of one service apart: a parameter that only one of them can create."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import json
import socket
import typing as t
import uuid
from dataclasses import asdict, dataclass

from .._aws import ssm
from .._verb import Context, Verb, VerbFailure

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "owner": {"type": "str"},
    "run_id": {"type": "str"},
    "purpose": {"type": "str", "default": ""},
    "expires_in": {"type": "int", "default": 3600},
    "wait": {"type": "int", "default": 0},
    "break_owner": {"type": "str"},
}

_POLL_SECONDS = 3.0
_HEARTBEAT_SECONDS = 30.0
_KEEP_POLL_SECONDS = 1.0
_KEEP_LOOK_SECONDS = 20.0
# Whoever replaces a lock holds this second parameter meanwhile. One that is older was left by a process that died at it.
_BREAKING = ".breaking"
_BREAKING_SECONDS = 60.0
_DESCRIPTION = "Deploy lock of steadystate.ecs. Deleted when the deploy has ended."


@dataclass(frozen=True)
class Lock:
    owner: str
    run_id: str
    taken_at: float
    """Seconds since the epoch, as are all times here."""
    expires_at: float
    purpose: str = ""

    def expired(self, now: float) -> bool:
        return now >= self.expires_at

    def words(self) -> str:
        about = f" ({self.purpose})" if self.purpose else ""
        return f"{self.owner}{about} since {_iso(self.taken_at)}, until {_iso(self.expires_at)} at the latest"

    def shown(self) -> dict[str, t.Any]:
        return {**asdict(self), "taken_at": _iso(self.taken_at), "expires_at": _iso(self.expires_at)}


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    return _release(params, context) if params["state"] == "absent" else _take(params, context)


def parse(text: str) -> Lock:
    """The lock that a parameter's value holds. A value that is none is somebody's lock all the same: it never expires by itself."""
    try:
        held = json.loads(text)
        return Lock(
            str(held["owner"]), str(held["run_id"]), float(held["taken_at"]), float(held["expires_at"]), str(held.get("purpose", ""))
        )
    except (ValueError, KeyError, TypeError):
        return Lock("unknown", "", 0.0, float("inf"), "not a lock that this module has written")


def _take(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if params["expires_in"] < 1:
        raise VerbFailure(f"expires_in: a lock of {params['expires_in']} s would be none. It is 1 or more, for example 3600.")
    client, clock, name = context.client("ssm"), context.clock, params["name"]
    now = clock.now()
    run_id = params["run_id"] or uuid.uuid4().hex
    mine = Lock(params["owner"] or default_owner(), run_id, now, now + params["expires_in"], params["purpose"])
    deadline = clock.monotonic() + params["wait"]
    said_at: float | None = None
    while True:
        if context.check_mode:
            text = ssm.read_parameter(client, name)
        elif ssm.create_parameter(client, name, json.dumps(asdict(mine)), _DESCRIPTION):
            context.progress(f"took the deploy lock {name} as {mine.owner}")
            return _taken(mine, changed=True)
        else:
            text = ssm.read_parameter(client, name)
        if text is None:
            if context.check_mode:
                return _taken(mine, changed=True)
            continue
        held = parse(text)
        if held.run_id == run_id:
            return _renewed(params, context, client, held)
        now = clock.now()
        mine = Lock(mine.owner, run_id, now, now + params["expires_in"], mine.purpose)
        if held.expired(now) or (params["break_owner"] is not None and params["break_owner"] == held.owner):
            if context.check_mode or _replace(client, name, held, mine, now):
                why = "it had expired" if held.expired(now) else "as break_owner says"
                context.warn(f"The deploy lock {name} of {held.words()} was broken: {why}.")
                return {**_taken(mine, changed=True), "broken": held.shown()}
        elif clock.monotonic() >= deadline:
            raise VerbFailure(
                f"The deploy lock {name} is held by {held.words()}. Nothing was changed. "
                f"Run this again later, set wait, or, if you know that this deploy is dead, set break_owner to {held.owner}.",
                held=False,
                lock=held.shown(),
            )
        monotonic = clock.monotonic()
        if said_at is None or (context.live is None and monotonic - said_at >= _HEARTBEAT_SECONDS):
            said_at = monotonic
            context.progress(f"waiting for the deploy lock {name}, held by {held.words()}")
            context.waiting(f"waiting for {held.owner}")
        clock.sleep(min(_POLL_SECONDS, max(0.1, deadline - monotonic)))


def _replace(client: t.Any, name: str, held: Lock, mine: Lock, now: float) -> bool:
    """Put our lock in the place of `held`. False when somebody else is at it, or was.

    Parameter Store cannot replace on condition. Of all who would replace a lock, the one that can create a second parameter may, after
    it has seen that the lock still is the same.
    """
    guard = name + _BREAKING
    if not ssm.create_parameter(client, guard, json.dumps(asdict(mine)), _DESCRIPTION):
        text = ssm.read_parameter(client, guard)
        if text is not None and now - parse(text).taken_at >= _BREAKING_SECONDS:
            ssm.delete_parameter(client, guard)
        return False
    try:
        text = ssm.read_parameter(client, name)
        if text is None or parse(text).run_id != held.run_id:
            return False
        ssm.replace_parameter(client, name, json.dumps(asdict(mine)))
    finally:
        ssm.delete_parameter(client, guard)
    return True


def _renewed(params: dict[str, t.Any], context: Context, client: t.Any, held: Lock) -> dict[str, t.Any]:
    """Our own lock, taken before with the same run ID: it gets new time when half of it is gone."""
    now = context.clock.now()
    if held.expires_at - now >= params["expires_in"] / 2:
        return _taken(held, changed=False)
    lock = Lock(held.owner, held.run_id, held.taken_at, now + params["expires_in"], held.purpose)
    if not context.check_mode:
        ssm.replace_parameter(client, params["name"], json.dumps(asdict(lock)))
    return _taken(lock, changed=True)


def keep(params: dict[str, t.Any], run_id: str, context: Context, alive: t.Callable[[], bool]) -> None:
    """Hold the lock of this run, giving it new time, for as long as `alive()` says so, and release it then.

    Ends when the lock is not ours any more.
    AWS that does not answer is asked again until the lock has expired anyway.
    """
    clock = context.clock
    ends = clock.now() + params["expires_in"]
    looked_at = clock.monotonic()
    while clock.now() < ends:
        gone = not alive()
        if gone or clock.monotonic() - looked_at >= _KEEP_LOOK_SECONDS:
            looked_at = clock.monotonic()
            with contextlib.suppress(Exception):
                client = context.client("ssm")
                text = ssm.read_parameter(client, params["name"])
                held = parse(text) if text is not None else None
                if held is None or held.run_id != run_id:
                    return
                if gone:
                    ssm.delete_parameter(client, params["name"])
                    return
                _renewed(params, context, client, held)
                ends = clock.now() + params["expires_in"]
        clock.sleep(_KEEP_POLL_SECONDS)


def _release(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    client, name = context.client("ssm"), params["name"]
    text = ssm.read_parameter(client, name)
    nothing = {"held": False, "lock": None, "run_id": params["run_id"], "broken": None, "changed": False}
    if text is None:
        return nothing
    held = parse(text)
    own = params["run_id"] is not None and held.run_id == params["run_id"]
    if not own and params["break_owner"] != held.owner:
        context.warn(f"The deploy lock {name} was left alone: it is held by {held.words()}.")
        return {**nothing, "lock": held.shown()}
    if not context.check_mode:
        ssm.delete_parameter(client, name)
        context.progress(f"released the deploy lock {name}" + ("" if own else f" of {held.words()}"))
    return {**nothing, "changed": True, "broken": None if own else held.shown()}


def _taken(lock: Lock, changed: bool) -> dict[str, t.Any]:
    return {"held": True, "lock": lock.shown(), "run_id": lock.run_id, "broken": None, "changed": changed}


def default_owner() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number without a name.
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _iso(moment: float) -> str:
    if moment == float("inf"):
        return "for ever"
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).isoformat(timespec="seconds")


VERB = Verb(name="ecs_deploy_lock", argument_spec=ARGUMENT_SPEC, run=run)
