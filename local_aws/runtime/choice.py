"""Which runtime this machine allows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from local_aws.interfaces import Runtime
from local_aws.runtime.namespaces import NamespacesRefused, NamespacesRuntime

PREFERENCES = ("auto", "namespaces", "engine", "process")


class NoRuntime(Exception):
    """The runtime that was asked for does not work here; the text says why and what to do."""


def choose(preference: str = "auto", data: Path | None = None) -> Runtime:
    """Try what is asked for and return what works. `data` holds unpacked layers; by default a directory that goes with this process.

    `auto` takes the first of namespaces, engine, process that works. Raises NoRuntime, and ValueError for another word.
    """
    if preference not in PREFERENCES:
        raise ValueError(f"runtime: {preference!r} is none of {', '.join(PREFERENCES)}.")
    place = data or Path(_temporary())
    try:
        return NamespacesRuntime(place)
    except NamespacesRefused as error:
        raise NoRuntime(f"Linux namespaces cannot be used here: {error}.") from error


def _temporary() -> str:
    return tempfile.mkdtemp(prefix="local-aws-runtime-")
