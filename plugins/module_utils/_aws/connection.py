# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a verb reaches AWS: the connection options, and clients made from them.

The options and their environment variables carry the names of the amazon.aws collection, so that one set of
`module_defaults` serves both.
"""

from __future__ import annotations

import copy
import functools
import gc
import os
import typing as t

from ansible.module_utils.basic import env_fallback

from .._verb import VerbFailure
from . import unmodelled

try:
    import boto3
    import botocore
    import botocore.config
    import botocore.exceptions
    import botocore.hooks
    import botocore.loaders
    import botocore.session

    # One loader for the whole process: it caches the service models, and a forked worker inherits what is read here.
    # Not a session's: making that reads the user's configuration, in which the profile of the environment may be missing.
    _LOADER: t.Any = botocore.loaders.create_loader(os.environ.get("AWS_DATA_PATH"))
    IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    IMPORT_ERROR = exc

CONNECTION_SPEC: dict[str, t.Any] = {
    "region": {"type": "str", "aliases": ["aws_region"], "fallback": (env_fallback, ["AWS_REGION", "AWS_DEFAULT_REGION"])},
    "endpoint_url": {"type": "str", "aliases": ["aws_endpoint_url"], "fallback": (env_fallback, ["AWS_URL"])},
    "profile": {"type": "str", "aliases": ["aws_profile"], "fallback": (env_fallback, ["AWS_PROFILE"])},
    "access_key": {
        "type": "str",
        "no_log": False,
        "aliases": ["aws_access_key_id", "aws_access_key"],
        "fallback": (env_fallback, ["AWS_ACCESS_KEY_ID"]),
    },
    "secret_key": {
        "type": "str",
        "no_log": True,
        "aliases": ["aws_secret_access_key", "aws_secret_key"],
        "fallback": (env_fallback, ["AWS_SECRET_ACCESS_KEY"]),
    },
    "session_token": {
        "type": "str",
        "no_log": True,
        "aliases": ["aws_session_token"],
        "fallback": (env_fallback, ["AWS_SESSION_TOKEN"]),
    },
    "aws_ca_bundle": {"type": "path", "fallback": (env_fallback, ["AWS_CA_BUNDLE"])},
    "validate_certs": {"type": "bool", "default": True},
}

# Throttled and interrupted calls are tried again by botocore itself, with growing pauses, before a verb hears of them.
_MAX_ATTEMPTS = 8


def warm() -> None:
    """Read once what every client needs and botocore loads late: six sevenths of the time that a process's first client takes.

    Called where the process will fork a worker for every task, which then inherits it. Speaks to nobody. What is there at the end
    is put away from the collector of garbage, which else looks through it in the process and in each of its forks, and thereby
    copies it (Python documentation, gc.freeze).
    """
    if IMPORT_ERROR is None:
        core = _core_session()
        # A fault in the user's configuration is for the task that uses it to report.
        core.set_config_variable("config_file", os.devnull)
        core.set_config_variable("credentials_file", os.devnull)
        core.session_var_map["profile"] = (None, None, None, None)
        unsigned = botocore.config.Config(signature_version=botocore.UNSIGNED)
        core.create_client("ecs", region_name="us-east-1", config=_config().merge(unsigned))
    gc.freeze()


@functools.cache
def _event_handlers() -> t.Any:
    """What botocore does at its events: to look through all these functions is half of the time that a session takes to be made."""
    handlers = botocore.hooks.HierarchicalEmitter()
    botocore.session.Session(event_hooks=handlers)
    return handlers


def _core_session(profile: str | None = None) -> t.Any:
    # A copy, as botocore itself gives one to each client: what is registered for this session stays its own.
    core = botocore.session.Session(profile=profile, event_hooks=copy.copy(_event_handlers()), include_builtin_handlers=False)
    core.register_component("data_loader", _LOADER)
    return core


def client_factory(params: dict[str, t.Any]) -> t.Callable[[str], t.Any]:
    """Return a function from a service name to a client, one client per service, from the connection options in `params`.

    Nothing is looked up before the first client is asked for: a verb that needs no AWS needs no region either. That first
    call raises `VerbFailure` when boto3 is missing, the profile does not exist or no region is known.
    """
    clients: dict[str, t.Any] = {}
    sessions: list[t.Any] = []

    def client(service: str) -> t.Any:
        if not sessions:
            sessions.append(_session(params))
        if service not in clients:
            endpoint_url = params.get("endpoint_url") or None
            try:
                clients[service] = sessions[0].client(service, endpoint_url=endpoint_url, verify=_verify(params), config=_config())
            except botocore.exceptions.BotoCoreError:
                raise
            except ValueError as exc:
                raise VerbFailure(
                    f"endpoint_url: {endpoint_url!r} is no URL. It begins with http:// or https:// and names a host, "
                    "for example http://127.0.0.1:4577. For AWS itself, leave it out."
                ) from exc
            if service == "ecs":
                unmodelled.install(clients[service].meta.events)
        return clients[service]

    return client


def _session(params: dict[str, t.Any]) -> t.Any:
    if IMPORT_ERROR is not None:
        raise VerbFailure(
            f"boto3 is needed and cannot be imported by this Python: {IMPORT_ERROR}. Install it with: python -m pip install boto3"
        )
    keys = {
        "aws_access_key_id": params.get("access_key") or None,
        "aws_secret_access_key": params.get("secret_key") or None,
        "aws_session_token": params.get("session_token") or None,
    }
    if params.get("profile") and not keys["aws_access_key_id"]:
        keys = {"profile_name": params["profile"]}
    try:
        core = _core_session(keys.get("profile_name"))
        # Without this, a profile that does not exist would come to light only where it can no longer be named.
        core.get_scoped_config()
        session = boto3.session.Session(botocore_session=core, region_name=params.get("region") or None, **keys)
    except botocore.exceptions.ProfileNotFound as exc:
        raise VerbFailure(f"profile: {exc}. Name a profile of the AWS configuration file, or leave the option out.") from exc
    if not session.region_name:
        raise VerbFailure("region: no AWS region is set. Pass region, or set AWS_REGION, for example eu-west-1.")
    return session


def _verify(params: dict[str, t.Any]) -> bool | str | None:
    if not params.get("validate_certs", True):
        return False
    return params.get("aws_ca_bundle") or None


def _config() -> t.Any:
    return botocore.config.Config(
        retries={"mode": "standard", "max_attempts": _MAX_ATTEMPTS},
        user_agent_extra="steadystate.ecs",
        connect_timeout=10,
        read_timeout=60,
    )


class CallCounter:
    """Clients that count the calls made through them. One counter may stand before several services."""

    def __init__(self, client: t.Callable[[str], t.Any]) -> None:
        self.calls: dict[str, int] = {}
        self._client = client

    def __call__(self, service: str) -> t.Any:
        return _CountedClient(self._client(service), self.calls)

    @property
    def total(self) -> int:
        return sum(self.calls.values())


class _CountedClient:
    def __init__(self, client: t.Any, calls: dict[str, int]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> t.Any:
        value = getattr(self._client, name)
        if not callable(value):
            return value

        def counted(*args: t.Any, **kwargs: t.Any) -> t.Any:
            self._calls[name] = self._calls.get(name, 0) + 1
            return value(*args, **kwargs)

        return counted


def botocore_version() -> str:
    return str(botocore.__version__)
