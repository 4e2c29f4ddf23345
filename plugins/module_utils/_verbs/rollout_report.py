# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what ecs_service_wait saw of a rollout as a page, as data and as the summary of a CI job."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import tempfile
import typing as t

from .._rollout._report.document import document
from .._rollout._report.markdown import markdown
from .._rollout._report.page import page
from .._verb import Context, Verb, VerbFailure
from ._shared import Data, plain

ARGUMENT_SPEC: dict[str, t.Any] = {
    "rollout": {"type": "dict", "required": True},
    "path": {"type": "path", "required": True},
    "formats": {"type": "list", "elements": "str", "choices": ["html", "json", "md"], "default": ["html", "json", "md"]},
    "title": {"type": "str"},
}

_MODE = 0o644


def run(params: dict[str, t.Any], context: Context) -> dict[str, t.Any]:
    if not params["path"]:
        raise VerbFailure("path: it is empty. Name a directory, or the files' common path, for example build/reports/.")
    try:
        report = document(plain(params["rollout"]), params["title"])
    except (ValueError, TypeError, AttributeError) as error:
        raise VerbFailure(f"rollout: this is not what ecs_service_wait returned: {error}") from error
    stem = _stem(params["path"], report)
    texts = {name: _RENDERERS[name](report) for name in dict.fromkeys(params["formats"])}
    paths = {name: stem.with_name(f"{stem.name}.{name}") for name in texts}
    diffs = []
    for name, text in texts.items():
        before = _read(paths[name])
        if before == text:
            continue
        diffs.append(_difference(paths[name], before, text))
        if not context.check_mode:
            _write(paths[name], text)
    result: dict[str, t.Any] = {
        "changed": bool(diffs),
        "msg": f"{'Would write' if context.check_mode else 'Wrote'} {', '.join(item['after_header'] for item in diffs)}"
        if diffs
        else "The report is there already.",
        "paths": {name: str(path) for name, path in paths.items()},
        "verdict": report["verdict"],
    }
    if context.diff_mode and diffs:
        result["diff"] = diffs
    return result


def _stem(path: str, report: Data) -> pathlib.Path:
    """`path` without the ending of one of the formats; inside a directory, a file is named for what was deployed."""
    place = pathlib.Path(path)
    if place.is_dir() or path.endswith(os.sep):
        name = "-".join(filter(None, (str(report["task_definition"] or "rollout"), str(report["deployment_id"] or "").rsplit("/", 1)[-1])))
        return place / "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return place.with_suffix("") if place.suffix in (".html", ".json", ".md") else place


def _as_json(report: Data) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


_RENDERERS: dict[str, t.Callable[[Data], str]] = {"html": page, "json": _as_json, "md": markdown}


def _read(path: pathlib.Path) -> str | None:
    """What is there now; None for nothing. What is no text counts as something else than a report."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VerbFailure(f"path: {path} cannot be read: {error.strerror}") from error


def _write(path: pathlib.Path, text: str) -> None:
    """Whoever opens `path` sees the old report or the whole new one."""
    made: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        pathlib.Path(made).chmod(_MODE)
        pathlib.Path(made).replace(path)
    except OSError as error:
        raise VerbFailure(f"path: {path} cannot be written: {error.strerror}") from error
    finally:
        if made is not None:
            with contextlib.suppress(FileNotFoundError):
                pathlib.Path(made).unlink()


def _difference(path: pathlib.Path, before: str | None, after: str) -> Data:
    """For a page, how large it is; a diff of its markup would tell nobody anything."""
    headers = {"before_header": str(path), "after_header": str(path)}
    if path.suffix == ".html":
        return {**headers, "before": "" if before is None else _size(before), "after": _size(after)}
    return {**headers, "before": before or "", "after": after}


def _size(text: str) -> str:
    return f"(a page of {len(text.encode())} bytes)\n"


VERB = Verb(name="rollout_report", argument_spec=ARGUMENT_SPEC, run=run, needs_aws=False)
