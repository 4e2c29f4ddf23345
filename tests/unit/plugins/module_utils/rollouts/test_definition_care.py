# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering with keep, and looking before a deploy: what is asked, what is refused, and what is done then."""

from __future__ import annotations

import json
import typing as t
import urllib.error

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import ecs_task_definition_verify
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_task_definition import VERB as REGISTER
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_task_definition_render import VERB as RENDER
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs.ecs_task_definition_verify import VERB as VERIFY
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import (
    CLUSTER,
    GROUP,
    SERVICE,
    FakeClock,
    FakeEcs,
    refused,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.running import Stage

Data = dict[str, t.Any]
ACCOUNT = "123456789012"
CLUSTER_ARN = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/{CLUSTER}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-AbCdEf"
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}}


class Region(FakeEcs):
    """The fake service, and all else of a region that the two verbs ask. A call named in `denied` is refused."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.denied: set[str] = set()
        self.rules: dict[str, str] = {}
        self.schedules: dict[str, str] = {}
        self.roles: dict[str, Data] = {"execution": TRUST}
        self.decision = "allowed"
        self.policy = ""
        self.secret: str | None = json.dumps({"password": "hunter2"})
        self.parameters = {"/url", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/url"}
        self.log_groups = {"/api"}
        self.group: Data = {"TargetType": "ip", "LoadBalancerArns": ["x"], "Protocol": "HTTP"}
        self.architectures = ["x86_64"]
        self.index: list[str] | None = ["amd64"]
        self.meta.region_name = "eu-west-1"

    def _called(self, name: str, request: Data) -> None:
        super()._called(name, request)
        if name in self.denied:
            raise refused("AccessDeniedException", f"not authorized to {name}", name)

    def list_task_definitions(self, **request: t.Any) -> Data:
        return super().list_task_definitions(**{"maxResults": 100, **request})

    def deregister_task_definition(self, **request: t.Any) -> Data:
        self._called("deregister_task_definition", request)
        self._definition(request["taskDefinition"])["status"] = "INACTIVE"
        return {}

    def list_clusters(self, **request: t.Any) -> Data:
        self._called("list_clusters", request)
        return {"clusterArns": [CLUSTER_ARN]}

    def list_services(self, **request: t.Any) -> Data:
        self._called("list_services", request)
        return {"serviceArns": [SERVICE] if self.service else []}

    def list_event_buses(self, **request: t.Any) -> Data:
        self._called("list_event_buses", request)
        return {"EventBuses": [{"Name": "default"}]}

    def list_rule_names_by_target(self, **request: t.Any) -> Data:
        self._called("list_rule_names_by_target", request)
        return {"RuleNames": list(self.rules)}

    def list_targets_by_rule(self, **request: t.Any) -> Data:
        self._called("list_targets_by_rule", request)
        return {"Targets": [{"Arn": CLUSTER_ARN, "EcsParameters": {"TaskDefinitionArn": self.rules[request["Rule"]]}}, {"Arn": "other"}]}

    def list_schedules(self, **request: t.Any) -> Data:
        self._called("list_schedules", request)
        lambdas = [{"Name": "f", "GroupName": "default", "Target": {"Arn": "arn:aws:lambda:eu-west-1:1:function:f"}}]
        return {
            "Schedules": [*lambdas, *({"Name": name, "GroupName": "default", "Target": {"Arn": CLUSTER_ARN}} for name in self.schedules)]
        }

    def get_schedule(self, **request: t.Any) -> Data:
        self._called("get_schedule", request)
        return {"Target": {"EcsParameters": {"TaskDefinitionArn": self.schedules[request["Name"]]}}}

    def get_role(self, **request: t.Any) -> Data:
        self._called("get_role", request)
        if request["RoleName"] not in self.roles:
            raise refused("NoSuchEntity", "none", "GetRole")
        return {"Role": {"AssumeRolePolicyDocument": self.roles[request["RoleName"]]}}

    def simulate_principal_policy(self, **request: t.Any) -> Data:
        self._called("simulate_principal_policy", request)
        return {"EvaluationResults": [{"EvalDecision": self.decision}]}

    def get_parameters(self, **request: t.Any) -> Data:
        self._called("get_parameters", request)
        return {"Parameters": [{"Name": name} for name in request["Names"] if name in self.parameters]}

    def describe_secret(self, **request: t.Any) -> Data:
        self._called("describe_secret", request)
        if self.secret is None:
            raise refused("ResourceNotFoundException", "none", "DescribeSecret")
        return {"ARN": SECRET}

    def get_secret_value(self, **request: t.Any) -> Data:
        self._called("get_secret_value", request)
        if self.secret is None:
            raise refused("ResourceNotFoundException", "none", "GetSecretValue")
        return {"SecretString": self.secret}

    def get_resource_policy(self, **request: t.Any) -> Data:
        self._called("get_resource_policy", request)
        return {"ResourcePolicy": self.policy}

    def get_caller_identity(self, **request: t.Any) -> Data:
        self._called("get_caller_identity", request)
        return {"Account": ACCOUNT}

    def describe_log_groups(self, **request: t.Any) -> Data:
        self._called("describe_log_groups", request)
        return {"logGroups": [{"logGroupName": name} for name in self.log_groups]}

    def describe_target_groups(self, **request: t.Any) -> Data:
        self._called("describe_target_groups", request)
        return {"TargetGroups": [self.group]}

    def list_container_instances(self, **request: t.Any) -> Data:
        self._called("list_container_instances", request)
        return {"containerInstanceArns": [str(index) for index, _item in enumerate(self.architectures)]}

    def describe_container_instances(self, **request: t.Any) -> Data:
        self._called("describe_container_instances", request)
        return {
            "containerInstances": [
                {"attributes": [{"name": "ecs.cpu-architecture", "value": item}, {"name": "x"}]} for item in self.architectures
            ]
        }

    def batch_get_image(self, **request: t.Any) -> Data:
        self._called("batch_get_image", request)
        if self.index is None:
            return {"images": []}
        manifests = [{"platform": {"architecture": item, "os": "linux"}} for item in self.index]
        return {"images": [{"imageManifest": json.dumps({"manifests": manifests})}]}


@pytest.fixture
def region(clock: FakeClock) -> Region:
    return Region(clock)


@pytest.fixture
def there(region: Region, clock: FakeClock) -> Stage:
    return Stage(region, clock)


def definition(image: str = "registry.example/api:1", **members: t.Any) -> Data:
    return {"family": "api", "networkMode": "awsvpc", "containerDefinitions": [{"name": "app", "image": image, "memory": 128}], **members}


def revisions(region: Region, number: int) -> list[str]:
    return [region.define(revision) for revision in range(1, number + 1)]


def test_old_revisions_that_nothing_uses_go(region: Region, there: Stage) -> None:
    arns = revisions(region, 7)
    region.rules["nightly"] = arns[1]
    region.schedules["hourly"] = "api:3"
    # Deployed with the fourth once, running the fifth now.
    region.begin(arns[3])
    region.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=arns[4])
    region.pass_time(60)
    result = there.run(REGISTER, definition=definition(), keep=1)
    assert result["revision"] == 8
    assert result["pruned"] == ["api:1", "api:6", "api:7"]
    assert {item["revision"]: item["why"] for item in result["kept"]} == {
        "api:2": "the EventBridge rule nightly starts it",
        "api:3": "the schedule hourly starts it",
        "api:4": "service api of cluster main was deployed with it and may go back to it",
        "api:5": "service api of cluster main runs it",
    }
    assert there.said[-1] == "deregistered api:1, api:6, api:7"
    assert there.run(REGISTER, definition=definition(), keep=1)["changed"] is False


def test_a_task_that_somebody_runs_keeps_its_revision(region: Region, there: Stage) -> None:
    arns = revisions(region, 3)
    region.tasks.append({"taskArn": "task/main/abc", "taskDefinitionArn": arns[0], "desiredStatus": "RUNNING", "startedBy": "me"})
    result = there.run(REGISTER, definition=definition(), keep=1)
    assert result["pruned"] == ["api:2", "api:3"]
    assert result["kept"] == [{"revision": "api:1", "why": "task abc of cluster main runs it"}]


def test_a_deployment_that_failed_keeps_nothing(region: Region, there: Stage) -> None:
    arns = revisions(region, 3)
    region.begin(arns[0])
    region.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=arns[1])
    region.pass_time(60)
    region._revisions()
    # It was rolled back: the first one runs again.
    region.records[0]["status"] = "ROLLBACK_SUCCESSFUL"
    region.tasks = []
    region.service["taskDefinition"] = arns[0]
    region.service["deployments"][0].update(id="ecs-svc/9", taskDefinition=arns[0])
    result = there.run(REGISTER, definition=definition(), keep=1)
    assert result["pruned"] == ["api:2", "api:3"]
    assert [item["revision"] for item in result["kept"]] == ["api:1"]


def test_check_mode_says_what_would_go(region: Region, there: Stage) -> None:
    revisions(region, 3)
    result = there.run(REGISTER, check=True, definition=definition(), keep=2)
    assert result["pruned"] == ["api:1", "api:2"]
    assert there.said == ["would deregister api:1, api:2"]
    assert not region.count("deregister_task_definition")


def test_few_revisions_are_not_looked_at(region: Region, there: Stage) -> None:
    revisions(region, 2)
    result = there.run(REGISTER, definition=definition(), keep=5)
    assert (result["pruned"], result["kept"]) == ([], [])
    assert not region.count("list_clusters")


@pytest.mark.parametrize(
    "call", ["list_clusters", "list_services", "list_schedules", "list_event_buses", "list_service_deployments", "get_schedule"]
)
def test_what_cannot_be_seen_is_not_unused(region: Region, there: Stage, call: str) -> None:
    arns = revisions(region, 3)
    region.begin(arns[0])
    region.schedules["hourly"] = "api:2"
    region.denied.add(call)
    result = there.run(REGISTER, definition=definition(), keep=1)
    assert result["pruned"] == []
    assert call in there.warned[0]
    assert not region.count("deregister_task_definition")


def test_keep_is_at_least_one(region: Region, there: Stage) -> None:
    with pytest.raises(VerbFailure, match="keep: at least 1"):
        there.run(REGISTER, definition=definition(), keep=0)
    assert not region.calls


def test_tags_are_set_and_compared(region: Region, there: Stage) -> None:
    first = there.run(REGISTER, definition=definition(), tags={"team": "web"})
    assert region.calls[-1][1]["tags"] == [{"key": "team", "value": "web"}]
    assert {"container": None, "field": "tags.team", "before": None, "after": "web"} in first["differences"]


def test_names_are_asked_for_only_where_they_are_needed_and_once(region: Region, there: Stage) -> None:
    there.run(RENDER, template=definition(), containers={"app": {"cpu": 5}})
    assert not region.calls
    changes = {"app": {"secrets": {"A": "/a", "B": "/b", "C": {"secret": "db", "key": "k"}, "D": {"secret": "db"}}}}
    made = there.run(RENDER, template=definition(), containers=changes, execution_role="execution", task_role="app")["task_definition"]
    assert made["executionRoleArn"] == ROLE
    assert [item["valueFrom"] for item in made["containerDefinitions"][0]["secrets"]][2:] == [f"{SECRET}:k::", SECRET]
    assert [name for name, _request in region.calls] == ["get_caller_identity", "describe_secret"]


def test_the_account_of_a_given_role_is_not_asked_for(region: Region, there: Stage) -> None:
    made = there.run(RENDER, template=definition(), execution_role=ROLE.replace(ACCOUNT, "210987654321"), task_role="app")[
        "task_definition"
    ]
    assert made["taskRoleArn"] == "arn:aws:iam::210987654321:role/app"
    assert not region.calls


def test_a_service_that_is_not_there_is_said_in_a_word(there: Stage) -> None:
    with pytest.raises(VerbFailure) as raised:
        there.run(RENDER, service=SERVICE, cluster=CLUSTER)
    assert raised.value.result["missing"] == "service"


ECR = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/api:1"
LOGGING = {"logDriver": "awslogs", "options": {"awslogs-group": "/api", "awslogs-region": "eu-west-1"}}


def whole(**container: t.Any) -> Data:
    made = definition(ECR, executionRoleArn=ROLE)
    secrets = [{"name": "URL", "valueFrom": "/url"}, {"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"}]
    made["containerDefinitions"][0].update(secrets=secrets, logConfiguration=LOGGING, portMappings=[{"containerPort": 8080}], **container)
    return made


def checks(stage: Stage, made: Data, **options: t.Any) -> dict[tuple[str, str], str]:
    result = stage.run(VERIFY, definition=made, fail=False, **options)
    return {(item["check"], item["result"]): item["message"] for item in result["checks"]}


def test_all_is_well(region: Region, there: Stage) -> None:
    region.begin(region.define(1), balanced=True)
    assert set(checks(there, whole(), cluster=CLUSTER, service=SERVICE)) == {
        (name, "ok")
        for name in (
            "image",
            "image_architecture",
            "execution_role",
            "secret",
            "secret_access",
            "log_group",
            "load_balancer",
            "target_group",
        )
    }
    assert {name.split("_", 1)[0] for name, _request in region.calls} <= {"describe", "list", "get", "batch", "simulate"}
    simulated = [request["ResourceArns"] for name, request in region.calls if name == "simulate_principal_policy"]
    assert simulated == [[f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/url"], [SECRET]]


@pytest.mark.parametrize(
    ("change", "made", "check", "words"),
    [
        ({"index": None}, whole(), "image", "no such image"),
        ({"index": ["arm64"]}, whole(), "image_architecture", "for arm64"),
        ({"roles": {}}, whole(), "execution_role", "no such role"),
        ({"roles": {"execution": {}}}, whole(), "execution_role", "does not let"),
        ({"parameters": set()}, whole(), "secret", "no such SSM parameter"),
        ({"secret": None}, whole(), "secret", "no such secret"),
        ({"secret": "{}"}, whole(), "secret", "has no key 'password'"),
        ({"secret": "hunter2"}, whole(), "secret", "is not JSON"),
        ({"decision": "implicitDeny"}, whole(), "secret_access", "do not allow"),
        ({"decision": "explicitDeny", "policy": "{}"}, whole(), "secret_access", "deny secretsmanager:GetSecretValue"),
        ({"log_groups": {"/api/other"}}, whole(), "log_group", "no such log group"),
        ({"group": {"TargetType": "instance"}}, whole(), "target_group", "awsvpc needs ip"),
        ({}, {**whole(), "executionRoleArn": None}, "execution_role", "names no execution role"),
        (
            {},
            {**whole(), "containerDefinitions": [{**whole()["containerDefinitions"][0], "portMappings": []}]},
            "load_balancer",
            "port 8080",
        ),
    ],
)
def test_what_fails(region: Region, there: Stage, change: Data, made: Data, check: str, words: str) -> None:
    for name, value in change.items():
        setattr(region, name, value)
    balancer = {"target_group_arn": GROUP, "container_name": "app", "container_port": 8080}
    found = checks(there, made, cluster=CLUSTER, load_balancers=[balancer])
    assert words in found[check, "failed"]
    with pytest.raises(VerbFailure, match="could not run") as raised:
        there.run(VERIFY, definition=made, cluster=CLUSTER, load_balancers=[balancer])
    assert all(item["fix"] for item in raised.value.result["checks"] if item["result"] == "failed")
    assert "hunter2" not in str(raised.value.result) + raised.value.message + str(there.said)


@pytest.mark.parametrize(
    ("call", "check"),
    [
        ("batch_get_image", "image"),
        ("list_container_instances", "cluster_architecture"),
        ("get_role", "execution_role"),
        ("get_parameters", "secret"),
        ("get_secret_value", "secret"),
        ("simulate_principal_policy", "secret_access"),
        ("describe_log_groups", "log_group"),
        ("describe_target_groups", "target_group"),
    ],
)
def test_what_may_not_be_looked_at_is_unknown_and_fails_nothing(region: Region, there: Stage, call: str, check: str) -> None:
    region.denied.add(call)
    balancer = {"target_group_arn": GROUP, "container_name": "app", "container_port": 8080}
    result = there.run(VERIFY, definition=whole(), cluster=CLUSTER, load_balancers=[balancer])
    said = [item["message"] for item in result["checks"] if item["result"] == "unknown"]
    assert {item["check"] for item in result["checks"] if item["result"] == "unknown"} >= {check}
    assert any(call in message and "AccessDeniedException" in message for message in said)
    assert result["failed_checks"] == 0


@pytest.mark.parametrize(
    ("made", "check", "words"),
    [
        (definition("nginx:1"), "image", "other registries are not asked"),
        (definition(ECR.replace("eu-west-1", "us-east-1")), "image", "only eu-west-1 is asked"),
        (definition(runtimePlatform={"cpuArchitecture": "ARM64"}), "cluster_architecture", "has no instance"),
    ],
)
def test_what_is_not_asked_for_is_said(region: Region, there: Stage, made: Data, check: str, words: str) -> None:
    region.architectures = []
    assert words in checks(there, made, cluster=CLUSTER)[check, "unknown"]


def test_what_lies_elsewhere_or_is_made_later_is_unknown(region: Region, there: Stage) -> None:
    made = whole()
    options = made["containerDefinitions"][0]["logConfiguration"]["options"]
    made["containerDefinitions"][0]["logConfiguration"] = {"logDriver": "awslogs", "options": {**options, "awslogs-region": "us-east-1"}}
    assert "it is in us-east-1" in checks(there, made)["log_group", "unknown"]
    region.log_groups = set()
    made["containerDefinitions"][0]["logConfiguration"] = {"logDriver": "awslogs", "options": {**options, "awslogs-create-group": "true"}}
    assert "is to create it" in checks(there, made)["log_group", "unknown"]
    made["containerDefinitions"][0].update(environmentFiles=[{"value": "arn:aws:s3:::b/a.env", "type": "s3"}])
    assert "Amazon S3" in checks(there, made)["environment_file", "unknown"]


def test_a_definition_of_another_shape_is_refused(there: Stage) -> None:
    with pytest.raises(VerbFailure, match="containerDefinitions: a list of mappings with name and image is needed, one item is a text"):
        there.run(VERIFY, definition={"family": "api", "containerDefinitions": ["app"]})


def test_a_configuration_that_cannot_be_fetched_is_unknown_and_fails_nothing(
    region: Region, there: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(url: str, **options: t.Any) -> t.NoReturn:
        raise urllib.error.URLError("timed out")

    manifest = {"images": [{"imageManifest": json.dumps({"config": {"digest": "sha256:" + "a" * 64}})}]}
    monkeypatch.setattr(region, "batch_get_image", lambda **request: manifest)
    monkeypatch.setattr(
        region, "get_download_url_for_layer", lambda **request: {"downloadUrl": "https://bucket.example/x?Signature=abc"}, raising=False
    )
    monkeypatch.setattr(ecs_task_definition_verify, "open_url", cut_off)
    found = checks(there, whole())
    assert found["image_architecture", "unknown"] == "the image's configuration cannot be fetched from bucket.example: timed out"
    assert "Signature" not in str(found) + str(there.said)


def test_a_policy_of_the_secret_may_let_the_role_in(region: Region, there: Stage) -> None:
    region.decision, region.policy = "implicitDeny", "{}"
    assert "the secret's own policy may" in checks(there, whole())["secret_access", "unknown"]


def test_a_registered_definition(region: Region, there: Stage) -> None:
    region.define(3)
    assert there.run(VERIFY, task_definition="api:3")["failed_checks"] == 0
    with pytest.raises(VerbFailure, match="there is no task definition api:9"):
        there.run(VERIFY, task_definition="api:9")


def test_a_new_service_has_no_load_balancer_yet(there: Stage) -> None:
    assert not [key for key in checks(there, whole(), cluster=CLUSTER, service=SERVICE) if key[0] in ("target_group", "load_balancer")]
