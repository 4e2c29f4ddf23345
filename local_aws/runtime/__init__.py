"""Where tasks run: Linux namespaces, an engine, or plain processes, behind `Runtime` of local_aws.interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_aws.runtime.choice import NoRuntime, choose
    from local_aws.runtime.network import TaskNetwork

__all__ = ["NoRuntime", "TaskNetwork", "choose"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: the supervisor processes import this package too, one per task, and need none of these.
    if name == "TaskNetwork":
        from local_aws.runtime.network import TaskNetwork

        return TaskNetwork
    if name in ("NoRuntime", "choose"):
        from local_aws.runtime import choice

        return getattr(choice, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
