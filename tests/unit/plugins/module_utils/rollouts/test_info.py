# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How services stand: as data, as a table, and with what may not be read left out."""

from __future__ import annotations

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service import VERB as SERVICE_VERB
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service_info import VERB
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_service_wait import VERB as WAIT_VERB
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import CLUSTER, GROUP, SERVICE, FakeEcs, refused
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage

READS = {
    "describe_services",
    "list_tasks",
    "describe_tasks",
    "describe_target_health",
    "list_service_deployments",
    "describe_service_revisions",
}


def test_a_service_with_a_history(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1), balanced=True)
    made = stage.run(SERVICE_VERB, name=SERVICE, cluster=CLUSTER, task_definition=ecs.define(2))
    stage.on_service(WAIT_VERB, deployment_id=made["deployment_id"])
    before = len(ecs.calls)
    result = stage.run(VERB, cluster=CLUSTER, services=[SERVICE, "nobody"])
    assert not result["changed"]
    assert result["missing"] == ["nobody"]
    (service,) = result["services"]
    assert (service["name"], service["running_count"], service["desired_count"]) == (SERVICE, 2, 2)
    primary = next(item for item in service["deployments"] if item["status"] == "PRIMARY")
    assert (primary["rollout_state"], primary["task_definition"]) == ("COMPLETED", "api:2")
    running = [task for task in service["tasks"] if task["desired_status"] == "RUNNING"]
    assert [task["task_definition"] for task in running] == ["api:2", "api:2"]
    assert [[target["state"] for target in task["targets"]] for task in running] == [["healthy"], ["healthy"]]
    assert running[0]["targets"][0]["target_group_arn"] == GROUP
    assert service["recent"][0]["verdict"] == "succeeded"
    assert service["recent"][0]["task_definition"] == "api:2"
    assert {name for name, _request in ecs.calls[before:]} <= READS


def test_the_table_lines_up(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1), balanced=True)
    (service,) = stage.run(VERB, cluster=CLUSTER, services=[SERVICE])["services"]
    lines = service["table"]
    assert lines[0] == "api  ACTIVE  2 of 2 running"
    heads = next(line for line in lines if line.startswith("task "))
    rows = lines[lines.index(heads) + 1 : lines.index(heads) + 3]
    for name, value in (("revision", "api:1"), ("status", "RUNNING"), ("target", "healthy")):
        assert [row[heads.index(name) :].split("  ")[0] for row in rows] == [value, value]


def test_no_history_wanted_is_not_asked_for(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))
    (service,) = stage.run(VERB, cluster=CLUSTER, services=[SERVICE], history=0)["services"]
    assert service["recent"] == []
    assert "no recent" in service["table"]
    assert ecs.count("list_service_deployments") == 0


def test_a_history_that_may_not_be_read_is_said(stage: Stage, ecs: FakeEcs) -> None:
    ecs.begin(ecs.define(1))

    def denied(**_request: object) -> dict[str, object]:
        raise refused("AccessDeniedException", "not authorized", "ListServiceDeployments")

    ecs.list_service_deployments = denied  # type: ignore[method-assign]  # a narrow role
    (service,) = stage.run(VERB, cluster=CLUSTER, services=[SERVICE])["services"]
    assert service["running_count"] == 2
    assert service["recent"] == []
    assert "AccessDeniedException: not authorized" in stage.warned[0]


def test_a_number_without_sense_is_refused(stage: Stage) -> None:
    with pytest.raises(VerbFailure, match="history"):
        stage.run(VERB, cluster=CLUSTER, services=[SERVICE], history=-1)
