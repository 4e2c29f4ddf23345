"""The agent's rules without a task: health, dependencies, secret references, environment files, log streams."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.agent import definition, dependencies, health, logs, secrets
from local_aws.agent.dependencies import Progress, Unresolvable
from local_aws.agent.identity import Identity
from local_aws.agent.outward import host_ports
from local_aws.clock import ScaledClock
from local_aws.interfaces import Image, Mount, StartError, TaskOrder

ACCOUNT, AREA = "123456789012", "eu-west-1"
SECRET = f"arn:aws:secretsmanager:{AREA}:{ACCOUNT}:secret:db-AbCdEf"


@pytest.mark.parametrize(
    ("results", "statuses"),
    [
        ("-+", ["UNKNOWN", "HEALTHY"]),
        ("---", ["UNKNOWN", "UNKNOWN", "UNHEALTHY"]),
        ("--+---", ["UNKNOWN", "UNKNOWN", "HEALTHY", "HEALTHY", "HEALTHY", "UNHEALTHY"]),
        ("---+", ["UNKNOWN", "UNKNOWN", "UNHEALTHY", "HEALTHY"]),
    ],
)
def test_health_without_start_period(results: str, statuses: list[str]) -> None:
    state = health.HealthState(retries=3, start_period=0)
    seen = []
    for result in results:
        state.result(result == "+", 1)
        seen.append(state.status)
    assert seen == statuses


def test_failures_in_the_start_period_do_not_count_but_a_success_does() -> None:
    state = health.HealthState(retries=2, start_period=60)
    assert [state.result(False, age) for age in (10, 20, 30, 40)] == [False] * 4
    assert state.result(True, 50)
    assert state.status == "HEALTHY"
    assert [state.result(False, age) for age in (52, 54)] == [False, True]  # once it has been healthy, failures count
    late = health.HealthState(retries=2, start_period=60)
    assert [late.result(False, age) for age in (59, 61, 71)] == [False, False, True]


@pytest.mark.parametrize(
    ("given", "argv"),
    [
        (None, None),
        ({"command": ["NONE"]}, None),
        ({"command": ["CMD", "/app", "check"]}, ("/app", "check")),
        ({"command": ["CMD-SHELL", "curl -f localhost || exit 1"]}, ("/bin/sh", "-c", "curl -f localhost || exit 1")),
        ({"command": ["true"]}, ("/bin/sh", "-c", "true")),
    ],
)
def test_health_commands(given: dict[str, Any] | None, argv: tuple[str, ...] | None) -> None:
    check = health.parse(given)
    assert (check and check.argv) == argv


def test_health_defaults_are_those_of_the_api() -> None:
    check = health.parse({"command": ["CMD", "x"]})
    assert check == health.HealthCheck(("x",), 30, 5, 3, 0)
    assert health.parse({"command": ["CMD", "x"], "interval": 5, "timeout": 2, "retries": 1, "startPeriod": 9}) == health.HealthCheck(
        ("x",), 5, 2, 1, 9
    )


def container(condition: str) -> dict[str, Any]:
    return {"name": "api", "dependsOn": [{"containerName": "db", "condition": condition}]}


@pytest.mark.parametrize(
    ("condition", "progress", "expected"),
    [
        ("START", Progress(), False),
        ("START", Progress(started=True), True),
        ("START", Progress(started=True, ended=True, exit_code=1), True),
        ("COMPLETE", Progress(started=True), False),
        ("COMPLETE", Progress(started=True, ended=True, exit_code=1), True),
        ("SUCCESS", Progress(started=True), False),
        ("SUCCESS", Progress(started=True, ended=True, exit_code=0), True),
        ("HEALTHY", Progress(started=True), False),
        ("HEALTHY", Progress(started=True, health="UNHEALTHY"), False),
        ("HEALTHY", Progress(started=True, health="HEALTHY"), True),
    ],
)
def test_dependencies(condition: str, progress: Progress, expected: bool) -> None:
    assert dependencies.may_start(container(condition), {"api": Progress(), "db": progress}, {}, 0) is expected


@pytest.mark.parametrize(
    ("condition", "progress", "text"),
    [
        ("SUCCESS", Progress(started=True, ended=True, exit_code=3), "did not exit successfully"),
        ("HEALTHY", Progress(started=True, ended=True, exit_code=0, health="HEALTHY"), "did not exit successfully"),
        ("START", Progress(ended=True), "did not exit successfully"),
        ("HEALTHY", Progress(started=True, started_at=10), "has timed out"),
    ],
)
def test_dependencies_that_never_come(condition: str, progress: Progress, text: str) -> None:
    with pytest.raises(Unresolvable, match=text):
        dependencies.may_start(container(condition), {"api": Progress(), "db": progress}, {"db": 30.0}, 41)


def test_containers_stop_in_reverse_order() -> None:
    containers = [
        {"name": "db"},
        {"name": "api", "dependsOn": [{"containerName": "db", "condition": "START"}]},
        {"name": "proxy", "dependsOn": [{"containerName": "api", "condition": "START"}]},
    ]
    assert dependencies.may_stop(containers, ["db", "api", "proxy"]) == ["proxy"]
    assert dependencies.may_stop(containers, ["db", "api"]) == ["api"]
    assert dependencies.may_stop(containers, ["db", "proxy"]) == ["db", "proxy"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/app/key", secrets.ParameterReference("/app/key", f"arn:aws:ssm:{AREA}:{ACCOUNT}:parameter/app/key", AREA)),
        ("key", secrets.ParameterReference("key", f"arn:aws:ssm:{AREA}:{ACCOUNT}:parameter/key", AREA)),
        (
            f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/x",
            secrets.ParameterReference(
                f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/x", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/x", "us-east-1"
            ),
        ),
        (SECRET, secrets.SecretReference(SECRET, AREA)),
        (f"{SECRET}:password::", secrets.SecretReference(SECRET, AREA, "password")),
        (f"{SECRET}::AWSPREVIOUS:", secrets.SecretReference(SECRET, AREA, "", "AWSPREVIOUS")),
        (f"{SECRET}:k:AWSCURRENT:0f", secrets.SecretReference(SECRET, AREA, "k", "AWSCURRENT", "0f")),
    ],
)
def test_secret_references(value: str, expected: object) -> None:
    assert secrets.parse(value, ACCOUNT, AREA) == expected


def test_a_reference_to_something_else() -> None:
    with pytest.raises(secrets.SecretError, match="neither"):
        secrets.parse("arn:aws:s3:::bucket/key", ACCOUNT, AREA)


@pytest.mark.parametrize(
    ("options", "stream", "area"),
    [
        ({"awslogs-stream-prefix": "svc"}, "svc/api/0a1b", AREA),
        ({"awslogs-stream-prefix": "a/b", "awslogs-region": "us-east-1"}, "a/b/api/0a1b", "us-east-1"),
        ({}, None, AREA),
    ],
)
def test_log_stream_names(options: dict[str, str], stream: str | None, area: str) -> None:
    defined = {"name": "api", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g", **options}}}
    found = logs.destination(defined, AREA, "0a1b")
    assert found == logs.Destination("/g", area, stream, False)


def test_other_log_drivers_write_nowhere_and_awslogs_needs_a_group() -> None:
    assert logs.destination({"name": "api"}, AREA, "x") is None
    assert logs.destination({"name": "api", "logConfiguration": {"logDriver": "json-file"}}, AREA, "x") is None
    with pytest.raises(StartError, match="must specify a value for log opt 'awslogs-group'"):
        logs.destination({"name": "api", "logConfiguration": {"logDriver": "awslogs"}}, AREA, "x")


def test_environment_files() -> None:
    text = "# comment\nA=1\n B = two words \nno equals sign\nC=x=y\n=nameless\nD='quoted'\n"
    assert definition.parse_environment_file(text) == {"A": "1", "B": "two words", "C": "x=y", "D": "'quoted'"}


def test_secrets_win_over_the_definition_which_wins_over_files() -> None:
    defined = {"environment": [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}]}
    files = {"A": "file", "C": "file"}
    assert definition.environment(defined, files, {"B": "secret"}, {"C": "agent", "D": "agent"}) == {
        "A": "definition",
        "B": "secret",
        "C": "file",
        "D": "agent",
    }


@pytest.mark.parametrize(
    ("config", "number"),
    [({}, 15), ({"StopSignal": "SIGQUIT"}, 3), ({"StopSignal": "INT"}, 2), ({"StopSignal": "9"}, 9), ({"StopSignal": "?"}, 15)],
)
def test_stop_signals(config: dict[str, str], number: int) -> None:
    assert definition.stop_signal(Image("", "", "", {"config": config}, (), ())) == number


@pytest.mark.parametrize(("defined", "seconds"), [({}, 30), ({"stopTimeout": 5}, 5), ({"stopTimeout": 0}, 0)])
def test_stop_timeouts(defined: dict[str, int], seconds: float) -> None:
    assert definition.stop_timeout(defined) == seconds


@pytest.mark.parametrize(
    ("values", "ports"),
    [
        (["postgres://u:p@host.docker.internal:5432/db?x=1", "http://host.docker.internal:80"], {5432, 80}),
        (["http://host.docker.internal", "host.docker.internal:0", "host.docker.internal:99999", "nothost.docker.internal:1"], set()),
        (["localhost:5432", ""], set()),
        (["a=host.docker.internal:1,b=host.docker.internal:2"], {1, 2}),
    ],
)
def test_ports_of_this_machine_in_the_environment(values: list[str], ports: set[int]) -> None:
    assert host_ports(values) == ports


def test_credentials_are_given_at_the_address_in_the_environment_only() -> None:
    definition = {"containerDefinitions": [{"name": "api"}], "taskRoleArn": "arn:aws:iam::123456789012:role/app"}
    order = TaskOrder("arn:aws:ecs:eu-west-1:123456789012:task/c/0a", definition, "10.0.0.1", ACCOUNT, AREA, "linux/amd64", "0a")
    identity = Identity(order, ScaledClock())
    path = identity.variables("api")["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    keys = identity.answer(path)
    assert keys is not None
    assert {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "RoleArn"} == set(keys)
    assert identity.answer(path + "x") is None
    del definition["taskRoleArn"]
    assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in identity.variables("api")
    assert identity.answer(path) is None


def test_mounts() -> None:
    api = {
        "name": "api",
        "mountPoints": [
            {"sourceVolume": "work", "containerPath": "/work"},
            {"sourceVolume": "work", "containerPath": "/ro", "readOnly": True},
        ],
        "linuxParameters": {"tmpfs": [{"containerPath": "/tmp", "size": 64}]},
    }
    side = {"name": "side", "volumesFrom": [{"sourceContainer": "api", "readOnly": True}]}
    task = {"containerDefinitions": [api, side], "volumes": [{"name": "work", "host": {}}]}
    assert definition.mounts(api, task) == (Mount("/work", "work"), Mount("/ro", "work", True), Mount("/tmp", None, False, 64))
    assert definition.mounts(side, task) == (Mount("/work", "work", True), Mount("/ro", "work", True))


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        ({"name": "work", "host": {"sourcePath": "/data"}}, "has no host.sourcePath"),
        ({"name": "work", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}, "has no efsVolumeConfiguration"),
        ({"name": "other"}, "the task definition has no volume work"),
    ],
)
def test_volumes_that_local_aws_has_not(volume: dict[str, Any], text: str) -> None:
    api = {"name": "api", "mountPoints": [{"sourceVolume": "work", "containerPath": "/work"}]}
    with pytest.raises(StartError, match=text) as caught:
        definition.mounts(api, {"containerDefinitions": [api], "volumes": [volume]})
    assert caught.value.name == "CannotCreateVolumeError"
