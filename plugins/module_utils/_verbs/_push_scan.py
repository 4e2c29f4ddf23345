# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for what ECR's scan finds in an image, and says whether that is too bad."""

from __future__ import annotations

import typing as t

from .._aws import ecr
from .._aws.ecr import EcrRepository
from .._verb import Context, VerbFailure

# The worst first, in ECR's words (API reference, FindingSeverity).
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
_DONE = ("COMPLETE", "ACTIVE")
_UNDER_WAY = ("IN_PROGRESS", "PENDING", "NOT_STARTED")
_PAUSE = 3.0


def wait_for_scan(ctx: Context, repository: EcrRepository, digests: t.Sequence[str], worst: str | None, timeout: float) -> dict[str, t.Any]:
    """The findings of all the images by severity. `worst` is the mildest severity that is too bad, None to tolerate all.

    Raises `VerbFailure` when there is such a finding, or no result in time.
    """
    client = ctx.client("ecr")
    deadline = ctx.clock.monotonic() + timeout
    counts: dict[str, int] = {}
    names: list[str] = []
    for digest in digests:
        found = _findings(ctx, client, repository, digest, deadline)
        for severity, count in found.counts.items():
            counts[severity] = counts.get(severity, 0) + count
        names.extend(found.names)
    severities = {severity: counts[severity] for severity in SEVERITIES if counts.get(severity)}
    scan = {"severities": severities, "findings": names}
    too_bad = SEVERITIES[: SEVERITIES.index(worst.upper()) + 1] if worst else ()
    bad = {severity: counts[severity] for severity in too_bad if counts.get(severity)}
    summary = ", ".join(f"{count} {severity.lower()}" for severity, count in severities.items()) or "nothing"
    ctx.progress(f"{repository.name}: the scan found {summary}")
    if bad:
        raise VerbFailure(
            f"The scan of {repository.name} found {', '.join(f'{count} {severity.lower()}' for severity, count in bad.items())} "
            f"in the image; scan_fail_on is {worst}. It is in the repository, and nothing should deploy it.",
            hint="Update the base image or the packages with findings: " + (", ".join(names[:10]) or "see the ECR console") + ".",
            scan=scan,
        )
    return scan


def _findings(ctx: Context, client: t.Any, repository: EcrRepository, digest: str, deadline: float) -> ecr.ScanFindings:
    asked = False
    while True:
        found = ecr.scan_findings(client, repository.registry_id, repository.name, digest)
        status = found.status if found else "NOT_STARTED"
        if found is not None and status in _DONE:
            return found
        if status not in _UNDER_WAY:
            raise VerbFailure(
                f"{repository.name}@{digest} cannot be scanned: {status}, {found.description if found else ''}.",
                hint="Leave out wait_for_scan and scan_fail_on for images that ECR cannot scan, such as those from scratch. "
                "If the image has layers that are not compressed, compress_all makes one that has none.",
            )
        if found is None and not asked:
            asked = True
            ecr.start_scan(client, repository.registry_id, repository.name, digest)
        if ctx.clock.monotonic() >= deadline:
            raise VerbFailure(
                f"The scan of {repository.name}@{digest} has no result in time; its state is {status}.",
                hint="Raise scan_timeout, and see that scanning is on for the repository.",
            )
        ctx.clock.sleep(_PAUSE)
