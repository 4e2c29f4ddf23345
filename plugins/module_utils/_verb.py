# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verb is: one function, run either as a module or inside the controller.

A verb lives in ``module_utils/_verbs/``, one file each, and offers a `VERB`. Its `run` takes validated parameters and a
`Context`, and returns the result as plain data. It raises `VerbFailure` for anything the user has to read.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import _http


class Clock(t.Protocol):
    """Time as a verb sees it. Seconds everywhere; `now` is seconds since the epoch, in UTC."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class VerbFailure(Exception):
    """A failure to report to the user: `message` for people, `result` for whatever reads the task's return values."""

    def __init__(self, message: str, **result: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


def no_client(service: str) -> t.NoReturn:
    """The `client` of a verb that said it needs no AWS."""
    raise RuntimeError(f"a verb that needs no AWS asked for a client of {service}")


@dataclass(frozen=True)
class Context:
    """All that a verb gets from outside: nothing in a verb reaches for the real clock, network or terminal by itself."""

    client: t.Callable[[str], t.Any]
    """Returns a boto3 client for a service name such as `ecs`, made once per task."""
    clock: Clock
    progress: t.Callable[[str], None]
    """Shows one line to the user as it happens. Lines must hold no secret; they are dropped under `no_log`."""
    warn: t.Callable[[str], None]
    check_mode: bool = False
    diff_mode: bool = False
    live: t.Callable[[str], None] | None = None
    """Shows what is being waited for, and for how long already, in one line that stays below all others. None where there is no terminal:
    then a verb repeats now and then, with `progress`, what it waits for."""
    fetch: t.Callable[[str, float], tuple[int, bytes]] = _http.get
    """Asks a URL, with a time-out in seconds: status and body."""

    def waiting(self, text: str) -> None:
        """Let the live line say this, where there is one; with an empty text it goes away."""
        if self.live is not None:
            self.live(text)


@dataclass(frozen=True)
class Verb:
    """A verb's interface and its one function."""

    name: str
    argument_spec: dict[str, t.Any]
    run: t.Callable[[dict[str, t.Any], Context], dict[str, t.Any]]
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[t.Any, ...], ...] = ()
    required_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shows_no_secret: bool = False
    """True for a verb that itself keeps the values of `no_log` options out of its result, which then is not searched for them.

    A secret that is part of a name, as `app` is of `/shop/app/user`, would have that name masked for whoever needs it next. Failures
    always are searched.
    """
    needs_aws: bool = True
    """False for a verb that works on what it is given: it has no connection options, and asking for a client is an error."""


def refuse_empty(verb: Verb, params: t.Mapping[str, t.Any]) -> None:
    """Raise `VerbFailure` for an option that has to say something and is an empty text, as an unset variable gives.

    Ansible counts that as given, and AWS would refuse it without naming the option.
    """
    one_of = {option for group in verb.required_one_of for option in group}
    path = _empty(verb.argument_spec, params, one_of)
    if path is not None:
        raise VerbFailure(f"{path}: this is '', which names nothing. Give it a value; the variable that it comes from may be empty.")


def _empty(spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any], needed: t.Container[str] = ()) -> str | None:
    for option, settings in spec.items():
        value = given.get(option)
        if (settings.get("required") or option in needed) and "" in (value if isinstance(value, list) else [value]):
            return option
        inner = settings.get("options") or {}
        for item in value if isinstance(value, list) else [value]:
            below = _empty(inner, item) if inner and isinstance(item, dict) else None
            if below is not None:
                return f"{option}.{below}"
    return None
