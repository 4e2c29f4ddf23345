"""Which runtime this machine allows."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from local_aws.interfaces import Runtime
from local_aws.runtime.engine import EngineRefused, EngineRuntime
from local_aws.runtime.namespaces import NamespacesRefused, NamespacesRuntime
from local_aws.runtime.process import ProcessRuntime

PREFERENCES = ("auto", "namespaces", "engine", "process")


class NoRuntime(Exception):
    """The runtime that was asked for does not work here; the text says why and what to do."""


def choose(preference: str = "auto", data: Path | None = None) -> Runtime:
    """Try what is asked for and return what works. `data` holds unpacked layers; by default a directory that goes with this process.

    `auto` takes the first of namespaces, engine, process that works. Raises NoRuntime, and ValueError for another word.
    """
    if preference not in PREFERENCES:
        raise ValueError(f"runtime: {preference!r} is none of {', '.join(PREFERENCES)}.")
    place = (data or _temporary()) / "runtime"
    problems: list[str] = []
    if preference in ("auto", "namespaces"):
        try:
            return NamespacesRuntime(place)
        except NamespacesRefused as error:
            problems.append(f"Linux namespaces cannot be made here ({error}).")
    if preference in ("auto", "engine"):
        try:
            return EngineRuntime()
        except EngineRefused as error:
            problems.append(f"No container engine answers ({error}).")
    if preference in ("auto", "process"):
        return ProcessRuntime(place, " ".join(problems) or "Asked for.")
    raise NoRuntime(" ".join(problems))


def _temporary() -> Path:
    path = tempfile.mkdtemp(prefix="local-aws-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return Path(path)
