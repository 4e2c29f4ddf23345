# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The app role on local_aws: its lock, its tasks before and after a deploy, and the image that it pins."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.permissions.needed import RESTART, action, allowed, documented, granted, needed

from .conftest import ROOT, Account, Run, group_of_instances
from .saved_images import saved_image

LOCK = "/steadystate/locks/main/web"


@pytest.fixture(scope="module")
def web(account: Account) -> Account:
    """What the role finds by name: tagged subnets, and a target group that the load balancer serves."""
    ec2, elb = account.client("ec2"), account.client("elbv2")
    account.client("ecr").create_repository(repositoryName="web")
    ec2.create_tags(Resources=account.facts["subnets"], Tags=[{"Key": "use", "Value": "web"}])
    group = elb.create_target_group(
        Name="web",
        Protocol="HTTP",
        Port=8080,
        VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        TargetType="ip",
        HealthCheckPath="/health/ready",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}])
    listener = elb.describe_listeners(LoadBalancerArn=elb.describe_load_balancers(Names=["main"])["LoadBalancers"][0]["LoadBalancerArn"])
    elb.create_rule(
        ListenerArn=listener["Listeners"][0]["ListenerArn"],
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/web/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return account


def app(account: Account, version: str, *arguments: str, **options: Any) -> Run:
    return account.play("app.yml", *arguments, version=version, **options)


def running(account: Account) -> dict[str, Any]:
    service: dict[str, Any] = account.client("ecs").describe_services(cluster="main", services=["web"])["services"][0]
    return service


def lock(account: Account) -> str | None:
    ssm = account.client("ssm")
    try:
        value: str = ssm.get_parameter(Name=LOCK)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return value


def hold(account: Account, owner: str) -> None:
    """The lock, held by somebody who is gone."""
    held = {"owner": owner, "run_id": "r", "taken_at": time.time(), "expires_at": time.time() + 600, "purpose": "1.2.0"}
    account.client("ssm").put_parameter(Name=LOCK, Value=json.dumps(held), Type="String")


def one_off(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "command": ["-version"], **options}


def test_tasks_run_before_and_after_a_first_deploy_and_the_image_is_a_digest(web: Account) -> None:
    run = app(
        web, "1.0.0", app_before_deploy=[one_off("migrations")], app_after_deploy=[one_off("seeds", environment={"LOG_LEVEL": "warn"})]
    )
    assert run.code == 0, run.output
    assert run["app"]["verdict"] == "succeeded"
    assert run.output.index("Run migrations") < run.output.index("app : Update the service]") < run.output.index("Run seeds")
    # The log of the task was shown as it ran.
    assert "] 1.0.0" in run.output or "api | 1.0.0" in run.output
    assert lock(web) is None
    definition = web.client("ecs").describe_task_definition(taskDefinition=running(web)["taskDefinition"])["taskDefinition"]
    image = definition["containerDefinitions"][0]["image"]
    assert re.fullmatch(r".+/web@sha256:[0-9a-f]{64}", image)
    assert image == run["app"]["image"]
    task = web.client("ecs").list_tasks(cluster="main", serviceName="web")["taskArns"]
    shown = web.client("ecs").describe_tasks(cluster="main", tasks=task)["tasks"][0]["containers"][0]
    assert image.endswith(shown["imageDigest"])

    again = app(web, "1.0.0", app_before_deploy=[one_off("migrations")], app_after_deploy=[one_off("seeds")])
    assert again.code == 0, again.output
    assert "started as task" not in again.output, "nothing to deploy, nothing to prepare"
    assert re.search(r"changed=0 .* failed=0", again.output), again.output
    assert again["app"] == {**run["app"], "seconds": again["app"]["seconds"]}
    assert again["lock"] == {}, "nothing to deploy, nothing to lock"


def test_a_failing_task_before_the_deploy_leaves_the_service_as_it_was(web: Account) -> None:
    before = running(web)
    bad = one_off("migrations", command=[], environment={"FAULT_CRASH_AT_START": "3"})
    run = app(web, "1.1.0", app_before_deploy=[bad, one_off("more")])
    assert run.code != 0
    assert "container api ended with code 3" in run.output
    assert "a crash at start was asked for" in run.output
    assert "Run more" not in run.output
    after = running(web)
    assert [item["id"] for item in after["deployments"]] == [item["id"] for item in before["deployments"]]
    assert after["taskDefinition"] == before["taskDefinition"]
    assert lock(web) is None, "released on failure too"


def test_a_task_with_the_services_settings(web: Account) -> None:
    run = web.play("task.yml", containers=[{"name": "api", "command": ["-version"], "memory": 64}])
    assert run.code == 0, run.output
    task = run["task"]
    assert task["changed"]
    assert task["exit_code"] == {"api": 0}
    assert task["log_tail"] == ["1.0.0"]
    assert task["stop_code"] == "EssentialContainerExited"
    assert task["stopped_reason"]
    assert task["seconds"] > 0
    shown = web.client("ecs").describe_tasks(cluster="main", tasks=[task["task_arn"]])["tasks"][0]
    assert shown["launchType"] == "EC2"
    assert shown["startedBy"] == "steadystate.ecs"
    assert shown["overrides"]["containerOverrides"][0]["command"] == ["-version"]


def test_a_task_that_takes_too_long_is_stopped(web: Account) -> None:
    run = web.play("task.yml", containers=[{"name": "api", "environment": {"SHUTDOWN_DELAY": "0s"}}], task_timeout=5)
    assert run.code != 0
    task = run["task"]
    assert task["timed_out"]
    assert task["cause"] == "timeout"
    assert "did not end within 5 s and was stopped" in task["msg"]
    assert task["stop_code"] == "UserInitiated"
    assert web.client("ecs").describe_tasks(cluster="main", tasks=[task["task_arn"]])["tasks"][0]["lastStatus"] == "STOPPED"


def test_check_mode_runs_no_task_and_takes_no_lock(web: Account) -> None:
    tasks = web.client("ecs").list_tasks(cluster="main", startedBy="steadystate.ecs", desiredStatus="STOPPED")["taskArns"]
    run = app(web, "1.0.0", "--check", app_before_deploy=[one_off("migrations")])
    assert run.code == 0, run.output
    assert lock(web) is None
    # What the digest of an image will be that has yet to be compressed, check mode does not find out, and shows its tag.
    saved = saved_image(Path(web.facts["images"]["1.0.0"]), web.folder / "looked-at.tar", "looked at")
    run = app(web, "1.0.0", "--check", "--diff", app_image_source=str(saved), app_image_tag="looked-at")
    assert run.code == 0, run.output
    assert run["app"]["image"].endswith("/web:looked-at")
    assert "(known when it has been compressed)" in run.output
    run = web.play("task.yml", "--check", containers=[{"name": "api"}])
    assert run["task"]["changed"]
    assert run["task"]["task_arn"] is None
    assert web.client("ecs").list_tasks(cluster="main", startedBy="steadystate.ecs", desiredStatus="STOPPED")["taskArns"] == tasks


def test_of_two_pipelines_at_once_one_wins_and_the_other_says_who_has_it(web: Account) -> None:
    before = running(web)["taskDefinition"]

    def pipeline(owner: str) -> Run:
        alone = Account(web.facts, web.folder / owner, web.client)
        alone.folder.mkdir()
        return app(alone, "1.1.0", app_lock_owner=owner, app_lock_expires_in=1234)

    with ThreadPoolExecutor() as pool:
        runs = dict(zip(("blue", "green"), pool.map(pipeline, ("blue", "green")), strict=True))
    assert sorted(run.code == 0 for run in runs.values()) == [False, True], [run.output for run in runs.values()]
    winner, loser = sorted(runs, key=lambda name: runs[name].code)
    assert runs[winner]["app"]["verdict"] == "succeeded"
    assert f"is held by {winner} (1.1.0) since 20" in runs[loser].output
    held = runs[loser]["lock"]["lock"]
    assert held["owner"] == winner
    lasts = datetime.fromisoformat(held["expires_at"]) - datetime.fromisoformat(held["taken_at"])
    # Both are shown in whole seconds.
    assert 1233 <= lasts.total_seconds() <= 1235
    assert runs[loser]["app"] == {}
    assert running(web)["taskDefinition"] != before
    assert lock(web) is None


def test_a_rollback_keeps_out_of_a_deploys_way(web: Account) -> None:
    before = running(web)["deployments"][0]["id"]
    hold(web, "blue")
    try:
        run = app(web, "1.1.0", entry="rollback", app_lock_wait=1)
    finally:
        web.client("ssm").delete_parameter(Name=LOCK)
    assert run.code != 0
    assert f"waiting for the deploy lock {LOCK}, held by blue" in run.output
    assert "is held by blue (1.2.0) since 20" in run.output
    assert running(web)["deployments"][0]["id"] == before


def test_a_rollback_gives_the_lock_back_when_it_fails_and_when_it_does_not(web: Account) -> None:
    newest, before = running(web)["taskDefinition"], running(web)["deployments"][0]["id"]
    run = app(web, "1.1.0", entry="rollback", app_rollback_steps=2, app_rollback_to=newest)
    assert run.code != 0
    assert "mutually exclusive" in run.output
    assert "took the deploy lock" in run.output
    assert lock(web) is None
    assert running(web)["deployments"][0]["id"] == before

    hold(web, "blue")
    run = app(web, "1.1.0", entry="rollback", app_break_lock_of="blue")
    assert run.code == 0, run.output
    assert "was broken: as break_owner says" in run.output
    assert run["app"]["verdict"] == "succeeded"
    assert "the last deployment before the current one that succeeded" in run["app"]["why"]
    first = running(web)["taskDefinition"]
    assert first == run["app"]["task_definition_arn"] != newest
    assert run["lock"]["lock"]["purpose"] == "rollback"
    assert lock(web) is None
    # One step has been gone, and ECS remembers no release before this one.
    run = app(web, "1.1.0", "--check", entry="rollback", app_rollback_steps=2)
    assert run.code != 0
    assert "ECS remembers no successful deployment of another revision" in run.output
    run = app(web, "1.1.0", "--check", entry="rollback", app_rollback_to=newest)
    assert run.code == 0, run.output
    assert run["app"]["task_definition_arn"] == newest
    assert running(web)["taskDefinition"] == first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_deploy_leaves_no_lock_and_no_process(web: Account, number: signal.Signals) -> None:
    endless = one_off("endless", command=[], environment={"SHUTDOWN_DELAY": "0s"})
    process, output = web.start("app.yml", version="1.0.0", app_before_deploy=[endless])
    tasks: list[str] = []
    try:
        eventually(lambda: tasks.extend(_one_offs(web)) or bool(tasks), output)
        held = lock(web)
        assert held is not None
        process.send_signal(number)
        process.wait(20)
        eventually(lambda: lock(web) is None, output)
    finally:
        process.kill()
        process.wait(20)
    # Nobody waits for the task any more; ECS runs it on.
    for task in tasks:
        web.client("ecs").stop_task(cluster="main", task=task)
    eventually(lambda: not left_of(process.pid), output)


def _one_offs(account: Account) -> list[str]:
    arns: list[str] = account.client("ecs").list_tasks(cluster="main", startedBy="steadystate.ecs", desiredStatus="RUNNING")["taskArns"]
    return arns


def eventually(happens: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + 40
    while not happens():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)


def left_of(pid: int) -> list[str]:
    """Processes that carry the mark which the play with this process ID was started with."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"PLAY_STARTED_BY={os.getpid()}-".encode() in environment.read_bytes():
                found.append(environment.parent.name)
    return [name for name in found if name != str(pid)]


DEPLOY_ROLE: dict[str, Any] = {
    "ci_oidc_name": "web-deploy",
    "ci_oidc_repository": "shop/web",
    "ci_oidc_branches": ["main"],
    "ci_oidc_cluster": "main",
    "ci_oidc_service": "web",
    "ci_oidc_ecr_repository": "web",
    "ci_oidc_log_group": "/ecs/api",
    "ci_oidc_execution_role": "execution",
    "ci_oidc_task_role": "other",
}


def calls_of(account: Account, access_key: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{account.facts['url']}/_local/calls?access_key={access_key}") as answer:
        calls: list[dict[str, Any]] = json.load(answer)["calls"]
    return calls


@pytest.fixture(scope="module")
def deploys(web: Account) -> Iterator[Account]:
    """A deploy with everything there is, and one that is put back; besides those of the other tests here."""
    web.client("ssm").put_parameter(Name="/web/token", Value="hush", Type="SecureString")
    secret = web.client("secretsmanager").create_secret(Name="web", SecretString='{"password": "hush"}')["ARN"]
    options: dict[str, Any] = {
        "app_tags": {"project": "shop"},
        "app_secrets": {"API_TOKEN": "/web/token", "DB": {"secret": secret}, "DB_PASSWORD": {"secret": secret, "key": "password"}},
        "app_keep_revisions": 1,
    }
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ssm:*", "secretsmanager:*"], "Resource": "*"}]}
    web.client("iam").put_role_policy(RoleName="execution", PolicyName="secrets", PolicyDocument=json.dumps(policy))
    # Who might run an old revision besides the services: each is looked at before one is taken away.
    cluster = web.client("ecs").describe_clusters(clusters=["main"])["clusters"][0]["clusterArn"]
    target = {"Arn": cluster, "RoleArn": web.facts["execution_role"], "EcsParameters": {"TaskDefinitionArn": "other:1"}}
    web.client("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    web.client("events").put_targets(Rule="nightly", Targets=[{"Id": "one", **target}])
    schedule = {**target, "EcsParameters": {"TaskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/other:1"}}
    web.client("scheduler").create_schedule(
        Name="hourly", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target=schedule
    )
    # A revision that nobody uses, to be taken away.
    web.client("ecs").register_task_definition(family="web", containerDefinitions=[{"name": "old", "image": "old", "memory": 32}])
    endless = one_off("endless", command=[], environment={"SHUTDOWN_DELAY": "0s"}, timeout=2)
    # An image that has yet to be compressed: the look before the deploy does not know its digest.
    saved = saved_image(Path(web.facts["images"]["1.0.0"]), web.folder / "saved.tar", "deployed")
    archive = {"app_image_source": str(saved), "app_image_tag": "saved"}
    good = app(web, "1.0.0", app_before_deploy=[one_off("migrations")], app_after_deploy=[endless], **archive, **options)
    # The deploy is fine; it is the task after it that takes too long.
    assert "did not end within 2 s and was stopped" in good.output, good.output
    definition = web.client("ecs").describe_task_definition(taskDefinition=running(web)["taskDefinition"])["taskDefinition"]
    pushed = web.client("ecr").describe_images(repositoryName="web", imageIds=[{"imageTag": "saved"}])["imageDetails"][0]["imageDigest"]
    assert definition["containerDefinitions"][0]["image"].endswith(f"/web@{pushed}")
    # Our own judge gives up before ECS does, and puts back.
    bad = app(web, "1.1.0", app_environment={"FAULT_CRASH_AT_START": "3"}, app_timeout=4, **options)
    assert bad.code != 0
    assert "putting back web:" in bad.output, bad.output
    yield web
    # Other files' tests have the same account, and some of them are about a role that may read nothing.
    web.client("iam").delete_role_policy(RoleName="execution", PolicyName="secrets")


def test_a_deploy_role_may_do_what_a_deploy_does_and_nothing_else(deploys: Account) -> None:
    secrets = ["/web/token", deploys.client("secretsmanager").describe_secret(SecretId="web")["ARN"]]
    made = deploys.play("access.yml", **DEPLOY_ROLE, ci_oidc_verify_secrets=secrets, ci_oidc_prune=True)
    assert made.code == 0, made.output
    policy = deploys.client("iam").get_role_policy(RoleName="web-deploy", PolicyName="deploy")["PolicyDocument"]
    calls = calls_of(deploys, "AKIDDEPLOY")
    wanted = {each.action for each in needed(calls)}
    assert granted([policy]) == wanted
    refused = [call for call in calls if action(call) in wanted and not allowed(policy, call)]
    assert not refused, refused[:3]
    # Each permission is explained, and no other is.
    assert documented("deploy") == wanted


def test_a_rotated_secret_restarts_its_service_also_when_the_run_that_wrote_it_was_interrupted(deploys: Account) -> None:
    before = running(deploys)["deployments"][0]["id"]
    # A run that wrote the new value and got no further.
    deploys.client("ssm").put_parameter(Name="/web/token", Value="other", Type="SecureString", Overwrite=True)
    options = {"secrets_entries": [{"name": "/web/token", "value": "other"}], "secrets_cluster": "main"}
    run = deploys.play("access.yml", access_key="AKIDRESTART", **options)
    assert run.code == 0, run.output
    assert [each["change"] for each in run["secrets"]["secrets"]] == [""]
    assert run["restarted"] == ["web"]
    assert running(deploys)["deployments"][0]["id"] != before
    assert running(deploys)["deployments"][0]["rolloutState"] == "COMPLETED", "it was watched to its end"
    assert deploys.play("access.yml", **options)["restarted"] == []
    # Provisioning does this too, and the policy for it knows.
    used = {each.action for each in needed(calls_of(deploys, "AKIDRESTART"))}
    permitted = yaml.safe_load((ROOT / "roles/ci_oidc/vars/provision.yml").read_text())["__ci_oidc_provision_actions"]
    assert used <= set(permitted)
    assert used >= RESTART


@pytest.fixture(scope="module")
def growing(web: Account) -> Account:
    """A cluster without an instance, whose default capacity provider starts them for tasks that wait."""
    ecs, scaling = web.client("ecs"), web.client("autoscaling")
    ecs.create_cluster(clusterName="growing")
    group_of_instances(web.client, "growing", "growing", web.facts["subnets"], minimum=0, maximum=2)
    group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["growing"])["AutoScalingGroups"][0]["AutoScalingGroupARN"]
    ecs.create_capacity_provider(
        name="growing", autoScalingGroupProvider={"autoScalingGroupArn": group, "managedScaling": {"status": "ENABLED"}}
    )
    ecs.put_cluster_capacity_providers(
        cluster="growing",
        capacityProviders=["growing"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "growing", "weight": 1}],
    )
    return web


def test_the_group_grows_for_a_new_service_and_one_that_exists_keeps_its_launch_type(growing: Account) -> None:
    def placed(name: str) -> tuple[Any, Any]:
        service = growing.client("ecs").describe_services(cluster="growing", services=[name])["services"][0]
        return service.get("launchType"), service.get("capacityProviderStrategy")

    # These are not the calls that the deploy role of the service in the other cluster is measured by.
    options = {"app_cluster": "growing", "access_key": "AKIDGROWING"}
    # Everything that a deploy can be told besides, with a container that listens elsewhere.
    template = json.loads(Path(growing.facts["template"]).read_text())
    template["containerDefinitions"][0]["portMappings"][0]["containerPort"] = 9090
    elsewhere = growing.folder / "elsewhere.json"
    elsewhere.write_text(json.dumps(template))
    told: dict[str, Any] = {
        "app_task_definition_template": str(elsewhere),
        "app_container_port": 9090,
        "app_environment": {"PORT": "9090", "SESSION_TOKEN": "none"},
        "app_allow_plain": ["SESSION_TOKEN"],
        "app_report_path": str(growing.folder / "grown"),
        "app_probe_url": growing.address("/web/health/ready"),
        "app_lock": False,
        "app_minimum_healthy_percent": 50,
        "app_maximum_percent": 150,
    }
    new = app(growing, "1.0.0", **options, **told, app_name="grown")
    assert new.code == 0, new.output
    assert new["app"]["verdict"] == "succeeded"
    service = growing.client("ecs").describe_services(cluster="growing", services=["grown"])["services"][0]
    assert service["loadBalancers"][0]["containerPort"] == 9090
    rolling = service["deploymentConfiguration"]
    assert (rolling["minimumHealthyPercent"], rolling["maximumPercent"]) == (50, 150)
    definition = growing.client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    environment = {item["name"]: item["value"] for item in definition["containerDefinitions"][0]["environment"]}
    assert environment["SESSION_TOKEN"] == "none"
    report = json.loads((growing.folder / "grown.json").read_text())
    assert (report["verdict"], report["probe"]["url"]) == ("succeeded", told["app_probe_url"])
    assert new["app"]["report"] == str(growing.folder / "grown.html")
    locked = {call["params"].get("Name") for call in calls_of(growing, "AKIDGROWING") if call["action"] == "PutParameter"}
    assert not locked, "it was told not to lock"
    assert placed("grown") == (None, [{"capacityProvider": "growing", "weight": 1, "base": 0}])
    instances = growing.client("ecs").list_container_instances(cluster="growing")["containerInstanceArns"]
    assert len(instances) == 2, "it stood in an empty cluster"

    # One member of the circuit breaker is another, and the rest stays what the role says.
    breaker = {"deployment_circuit_breaker": {"threshold_configuration": {"type": "COUNT", "value": 5}}}
    old = app(growing, "1.0.0", **options, app_name="placed", app_launch_type="EC2", app_deployment_configuration=breaker)
    assert old.code == 0, old.output
    assert placed("placed") == ("EC2", None)
    (service,) = growing.client("ecs").describe_services(cluster="growing", services=["placed"])["services"]
    configuration = service["deploymentConfiguration"]
    assert (configuration["minimumHealthyPercent"], configuration["maximumPercent"]) == (100, 200)
    said = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 5}}
    assert said.items() <= configuration["deploymentCircuitBreaker"].items()
    # What changes no task starts no deployment either.
    again = app(growing, "1.0.0", **options, app_name="placed", app_health_check_grace_period=90)
    assert again.code == 0, again.output
    assert again["app"]["deployment_id"] == old["app"]["deployment_id"]
    service = growing.client("ecs").describe_services(cluster="growing", services=["placed"])["services"][0]
    assert service["healthCheckGracePeriodSeconds"] == 90
    assert placed("placed") == ("EC2", None), "another launch type would have to be forced upon it"
