#!/usr/bin/env python3
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the surveys of AWX from the playbooks' argument specifications, so that what is asked is what the playbooks take.

    python awx/surveys.py

A unit test compares the files with what this would write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SURVEYS = ROOT / "awx" / "surveys"
MOST_TEXT = 1024
"""Characters that an answer may have: AWX's own limit for a text."""
MOST_SECONDS = 86400


def question(name: str, option: Mapping[str, Any]) -> dict[str, Any]:
    """One question. Nothing is filled in: an answer that is not given leaves what the inventory says."""
    asked: dict[str, Any] = {
        "question_name": name.replace("_", " ").capitalize(),
        "question_description": option["description"],
        "variable": name,
        "required": bool(option.get("required", False)),
        "default": "",
    }
    kind = option["type"]
    if "choices" in option or kind == "bool":
        return {**asked, "type": "multiplechoice", "choices": option.get("choices", ["true", "false"]), "min": None, "max": None}
    if kind == "int":
        return {**asked, "type": "integer", "choices": "", "min": 0, "max": MOST_SECONDS}
    if kind == "str":
        return {**asked, "type": "text", "choices": "", "min": 0, "max": MOST_TEXT}
    raise ValueError(f"{name}: a survey has no question for an answer of the type {kind}")


def surveys() -> dict[str, dict[str, Any]]:
    """The survey of each playbook that asks anything, by the playbook's name."""
    found = {}
    for path in sorted((ROOT / "playbooks").glob("*.meta.yml")):
        for name, spec in yaml.safe_load(path.read_text())["argument_specs"].items():
            if spec["options"]:
                questions = [question(option, rules) for option, rules in spec["options"].items()]
                found[name] = {"name": spec["short_description"], "description": "", "spec": questions}
    return found


def text(survey: Mapping[str, Any]) -> str:
    return json.dumps(survey, indent=2) + "\n"


if __name__ == "__main__":
    for name, survey in surveys().items():
        (SURVEYS / f"{name}.json").write_text(text(survey))
        print(SURVEYS / f"{name}.json")
