"""Runs the security scanners of PyPI that have rules for Ansible, and compares what they find with the reasons in `scan_reasons.yml`.

A finding without a reason fails, and so does a reason without a finding: it would hide the next one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv" / "scan" / "bin"
FOLDERS = ("roles", "playbooks", "inventories")
# ansible-security-scanner matches some thousand expressions on each line, and needs many minutes for specifications, which run nothing.
DATA_ONLY = "argument_specs.yml"
SECONDS = 900

Finding = tuple[str, str, str]
"""Scanner, rule, path from the root."""


def checkov() -> set[Finding]:
    found: set[Finding] = set()
    for folder in FOLDERS:
        command = [str(TOOLS / "checkov"), "-d", folder, "--framework", "ansible", "secrets", "--output", "json", "--compact", "--quiet"]
        # Without this it asks its maker's server for guidelines, and writes a traceback for every try.
        output = _output([*command, "--skip-download", "--soft-fail"])
        reports = json.loads(output[min(output.find(start) for start in "[{" if start in output) :]) if output.strip() else []
        for report in reports if isinstance(reports, list) else [reports]:
            for check in (report.get("results") or {}).get("failed_checks") or []:
                found.add(("checkov", check["check_id"], f"{folder}/{check['file_path'].lstrip('/')}"))
    return found


def ansible_security_scanner() -> set[Finding]:
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.y*ml")) if path.name != DATA_ONLY]
    files = [path for path in files if not any(parent.is_symlink() for parent in path.parents)]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        names = [str(path.relative_to(ROOT)) for path in files]
        command = [str(TOOLS / "ansible-security-scanner"), "-d", ".", "--format", "json", "--output", str(report), "--exit-zero"]
        _output([*command, "--files", *names])
        findings: list[dict[str, Any]] = json.loads(report.read_text())["findings"]
    return {("ansible-security-scanner", item["rule_id"], item["file_path"]) for item in findings}


def _output(command: list[str]) -> str:
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False)
    if ended.returncode:
        sys.exit(f"{command[0]} ended with exit code {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.stdout


def compare(found: set[Finding], reasons: list[dict[str, str]]) -> list[str]:
    """What is wrong: findings that nobody has given a reason for, reasons that fit no finding, and reasons that say nothing."""
    problems = []
    used: set[int] = set()
    for scanner, rule, path in sorted(found):
        fits = [at for at, one in enumerate(reasons) if (one["scanner"], one["rule"]) == (scanner, rule) and fnmatch(path, one["path"])]
        used.update(fits)
        if not fits:
            problems.append(f"{scanner}: {rule} in {path}: put it right, or give a reason")
    for at, one in enumerate(reasons):
        if at not in used:
            problems.append(f"{one['scanner']}: {one['rule']} in {one['path']}: is not found any more, take its reason out")
        if not str(one.get("reason") or "").strip():
            problems.append(f"{one['scanner']}: {one['rule']} in {one['path']}: the reason is empty")
    return problems


def main() -> None:
    found = checkov() | ansible_security_scanner()
    reasons = yaml.safe_load((ROOT / ".ci" / "scan_reasons.yml").read_text())
    problems = compare(found, reasons)
    for scanner, rule, path in sorted(found):
        print(f"{scanner}: {rule} in {path}")
    if problems:
        sys.exit("\n".join(["", *problems]))
    print(f"{len(found)} findings, each with its reason in .ci/scan_reasons.yml")


if __name__ == "__main__":
    main()
