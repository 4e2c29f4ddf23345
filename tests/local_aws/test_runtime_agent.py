"""The agent with real tasks: what it reports, in which order and words, when all goes well and when something is missing."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend

from local_aws.agent import TaskAgent
from local_aws.agent.task import TaskRun
from local_aws.clock import ScaledClock
from local_aws.interfaces import Image, PullError, TaskOrder
from local_aws.runtime import TaskNetwork, choose
from tests.local_aws.runtime_images import build_program, program_image

ACCOUNT, AREA = "111122223333", "eu-west-1"
TASK = "0a" * 16
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/execution"
ADDRESS = "10.0.11.23"
SPEED = 20.0


class Images:
    """A registry of one image."""

    def __init__(self, image: Image) -> None:
        self.image = image

    def pull(self, reference: str, platform: str, allowed: Callable[[str, str], str | None]) -> Image:
        assert platform == "linux/amd64"
        if reference != "app":
            raise PullError("CannotPullContainerError", f"failed to resolve ref {reference}: not found")
        denial = allowed("ecr:BatchGetImage", "*")
        if denial is not None:
            raise PullError("CannotPullContainerError", denial)
        return self.image


class Rules:
    """Permissions: everything but what a test forbids."""

    def __init__(self) -> None:
        self.forbidden: set[str] = set()
        self.callers: set[str] = set()

    def denial(self, role_arn: str, action: str, resource: str) -> str | None:
        self.callers.add(role_arn)
        return f"User: {role_arn} is not authorized to perform: {action} on resource: {resource}" if action in self.forbidden else None


class Reports:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, *arguments))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    @property
    def names(self) -> list[str]:
        return [f"{call[0]} {call[1]}" if call[0].startswith("container") else call[0] for call in self.calls]


class Bench:
    def __init__(self, agent: TaskAgent, network: TaskNetwork, rules: Rules) -> None:
        self.agent = agent
        self.network = network
        self.rules = rules
        self.reports = Reports()

    def launch(self, *containers: dict[str, Any], **fields: Any) -> TaskRun:
        definition = {"containerDefinitions": [{"image": "app", **c} for c in containers], "executionRoleArn": ROLE, **fields}
        arn = f"arn:aws:ecs:{AREA}:{ACCOUNT}:task/c/{TASK}"
        self.reports = Reports()
        return self.agent.launch(TaskOrder(arn, definition, ADDRESS, ACCOUNT, AREA, "linux/amd64", TASK), self.reports)

    def run(self, *containers: dict[str, Any], **fields: Any) -> Reports:
        """Launch and wait for the end."""
        assert self.launch(*containers, **fields).finished.wait(30), self.reports.calls
        assert self.network.addresses() == []
        return self.reports

    def until(self, report: str) -> None:
        deadline = time.monotonic() + 20
        while report not in self.reports.names:
            assert time.monotonic() < deadline, self.reports.calls
            time.sleep(0.01)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return program_image(tmp_path_factory.mktemp("images"), build_program(tmp_path_factory.mktemp("program")))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


@pytest.fixture
def bench(app: Image, data: Path) -> Iterator[Bench]:
    rules, network = Rules(), TaskNetwork()
    agent = TaskAgent(ScaledClock(SPEED), choose("namespaces", data), network, Images(app), rules, threading.RLock())
    get_backend("logs")[ACCOUNT][AREA].reset()
    get_backend("secretsmanager")[ACCOUNT][AREA].reset()
    get_backend("ssm")[ACCOUNT][AREA].reset()
    yield Bench(agent, network, rules)
    agent.stop()


def awslogs(**options: str) -> dict[str, Any]:
    given = {"awslogs-group": "/ecs/app", "awslogs-stream-prefix": "svc", "awslogs-region": AREA, **options}
    return {"logConfiguration": {"logDriver": "awslogs", "options": {k.replace("_", "-"): v for k, v in given.items()}}}


def log_lines(stream: str) -> list[str]:
    return [event.message for event in get_backend("logs")[ACCOUNT][AREA].groups["/ecs/app"].streams[stream].events]


def make_log_group() -> None:
    get_backend("logs")[ACCOUNT][AREA].create_log_group("/ecs/app", {})


def make_secret(name: str, value: str) -> str:
    made = get_backend("secretsmanager")[ACCOUNT][AREA].create_secret(name, value, None, "", [], None, None, [], False)
    return str(json.loads(made)["ARN"] if isinstance(made, str) else made["ARN"])


def make_parameter(name: str, value: str) -> None:
    get_backend("ssm")[ACCOUNT][AREA].put_parameter(
        name=name,
        description="",
        value=value,
        parameter_type="SecureString",
        allowed_pattern="",
        keyid="alias/aws/ssm",
        overwrite=False,
        tags=[],
        data_type="text",
        tier="Standard",
        policies=None,
    )


def test_the_life_of_a_task_in_order(bench: Bench, app: Image) -> None:
    make_log_group()
    handle = bench.launch({"name": "api", "command": ["serve"], **awslogs()})
    bench.until("container_started api")
    assert bench.network.addresses() == [ADDRESS]
    deadline = time.monotonic() + 10
    while log_lines(f"svc/api/{TASK}") != ["listening"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert handle.usage()[1] > 0
    handle.stop()
    assert handle.finished.wait(20)
    assert bench.reports.names == ["pull_started", "pull_stopped", "container_started api", "container_stopped api", "task_stopped"]
    ((_, digest, runtime_id),) = bench.reports.of("container_started")
    assert digest == app.digest
    assert len(runtime_id) == 64
    assert bench.reports.of("container_stopped") == [("api", 7, None)]
    assert bench.reports.of("task_stopped") == [(None,)]
    assert log_lines(f"svc/api/{TASK}") == ["listening", "bye"]
    assert bench.rules.callers == {f"arn:aws:sts::{ACCOUNT}:assumed-role/execution/{TASK}"}
    assert handle.usage() == (0, 0)


def test_a_process_deaf_to_sigterm_is_killed_after_its_stop_timeout(bench: Bench) -> None:
    make_log_group()
    handle = bench.launch({"name": "api", "command": ["deaf"], "stopTimeout": 2, **awslogs()})
    bench.until("container_started api")
    while log_lines(f"svc/api/{TASK}") != ["deaf"]:
        time.sleep(0.01)
    handle.stop()
    assert handle.finished.wait(20)
    assert bench.reports.of("container_stopped") == [("api", 137, None)]


def test_kill_asks_nobody(bench: Bench) -> None:
    handle = bench.launch({"name": "api", "command": ["serve"]})
    bench.until("container_started api")
    started = time.monotonic()
    handle.kill()
    assert handle.finished.wait(20)
    assert time.monotonic() - started < 2.5
    assert bench.reports.of("container_stopped") == [("api", 137, None)]


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"image": "gone"}, "CannotPullContainerError: failed to resolve ref gone: not found"),
        ({"entryPoint": ["/nowhere"]}, 'exec: "/nowhere": stat /nowhere: no such file or directory'),
        ({"user": "bob"}, "CannotStartContainerError: Error response from daemon: unable to find user bob"),
        (awslogs(), "ResourceNotFoundException: The specified log group does not exist."),
        (awslogs(awslogs_stream_prefix=""), "ResourceNotFoundException: The specified log group does not exist."),
        ({"mountPoints": [{"sourceVolume": "missing", "containerPath": "/x"}]}, "CannotCreateVolumeError: "),
    ],
)
def test_a_container_that_cannot_start(bench: Bench, container: dict[str, Any], reason: str) -> None:
    reports = bench.run({"name": "api", **container})
    ((name, code, said),) = reports.of("container_stopped")
    assert (name, code) == ("api", None)
    assert reason in said
    assert reports.of("task_stopped") == [("Task failed to start",)]
    assert reports.of("container_started") == []


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("ecr:BatchGetImage", "is not authorized to perform: ecr:BatchGetImage on resource: *"),
        ("logs:CreateLogStream", "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/execution/"),
    ],
)
def test_what_the_role_may_not_do_stands_with_the_container(bench: Bench, action: str, text: str) -> None:
    make_log_group()
    bench.rules.forbidden = {action}
    reports = bench.run({"name": "api", **awslogs()})
    assert text in reports.of("container_stopped")[0][2]
    assert reports.of("task_stopped") == [("Task failed to start",)]


def test_secrets_and_environment_reach_the_container(bench: Bench) -> None:
    make_log_group()
    secret = make_secret("db", json.dumps({"password": "hunter2", "port": 5432}))
    make_parameter("/app/key", "from ssm")
    for name, value, expected in (
        ("A", secret, '{"password": "hunter2", "port": 5432}'),
        ("B", f"{secret}:password::", "hunter2"),
        ("C", f"{secret}:port:AWSCURRENT:", "5432"),
        ("D", "/app/key", "from ssm"),
        ("E", f"arn:aws:ssm:{AREA}:{ACCOUNT}:parameter/app/key", "from ssm"),
    ):
        reports = bench.run(
            {"name": name, "command": ["env", name], "secrets": [{"name": name, "valueFrom": value}], **awslogs()},
        )
        assert reports.of("container_stopped") == [(name, 0, None)], reports.calls
        assert log_lines(f"svc/{name}/{TASK}") == [expected]


def test_secrets_that_cannot_be_had_end_the_task_in_the_agents_words(bench: Bench) -> None:
    secret = make_secret("db", "plain")
    ssm, manager = (
        f"fetching secret data from SSM Parameter Store in {AREA}: ",
        f"fetching secret data from AWS Secrets Manager in region {AREA}: ",
    )
    for value, forbidden, texts in (
        ("/app/none", "", [f"{ssm}invalid parameters: /app/none"]),
        ("/app/none", "ssm:GetParameters", [ssm, "AccessDeniedException: User: ", "ssm:GetParameters on resource: arn:aws:ssm:"]),
        (secret.replace("db", "no"), "", [manager, "ResourceNotFoundException: Secrets Manager can't find the specified secret."]),
        (f"{secret}::NOSUCH:", "", [manager, "ResourceNotFoundException"]),
        (secret, "secretsmanager:GetSecretValue", [manager, "AccessDeniedException: User: "]),
        (f"{secret}:key::", "", [manager, "invalid character 'p' looking for beginning of value"]),
    ):
        bench.rules.forbidden = {forbidden}
        reports = bench.run({"name": "api", "secrets": [{"name": "S", "valueFrom": value}]})
        ((reason,),) = reports.of("task_stopped")
        assert all(text in reason for text in texts), reason
        assert reports.of("container_stopped") == [("api", None, None)]
    keyed = make_secret("json", '{"a": 1}')
    bench.rules.forbidden = set()
    reports = bench.run({"name": "api", "secrets": [{"name": "S", "valueFrom": f"{keyed}:b::"}]})
    assert reports.of("task_stopped") == [(f"{manager}retrieved secret from Secrets Manager did not contain json key b",)]


def test_a_log_group_is_made_when_asked_for(bench: Bench) -> None:
    reports = bench.run({"name": "api", "command": ["say", "hi"], **awslogs(awslogs_create_group="true")})
    assert reports.of("container_stopped") == [("api", 0, None)]
    assert sorted(log_lines(f"svc/api/{TASK}")) == ["and on stderr", "hi"]


def test_a_task_reaches_this_machine_by_name(bench: Bench) -> None:
    make_log_group()

    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 300_000 + self.path.encode())

        def log_message(self, *_arguments: Any) -> None:
            """Tests are quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        bench.agent.endpoint = f"http://127.0.0.1:{port}"
        reports = bench.run({"name": "endpoint", "command": ["getenv", "AWS_ENDPOINT_URL", "/aws"], **awslogs()})
        assert reports.of("container_stopped") == [("endpoint", 0, None)]
        bench.agent.endpoint = None
        variable = {"name": "DATABASE_URL", "value": f"http://host.docker.internal:{port}/db"}
        bench.run({"name": "url", "command": ["getenv", "DATABASE_URL", ""], "environment": [variable], **awslogs()})
        server.shutdown()
    assert "".join(log_lines(f"svc/endpoint/{TASK}")) == "200 " + "x" * 300_000 + "/aws"
    assert "".join(log_lines(f"svc/url/{TASK}")) == "200 " + "x" * 300_000 + "/db"
    reports = bench.run({"name": "gone", "command": ["getenv", "DATABASE_URL", ""], "environment": [variable], **awslogs()})
    assert reports.of("container_stopped") == [("gone", 1, None)]  # refused, at once


def test_metadata_and_credentials(bench: Bench) -> None:
    make_log_group()
    handle = bench.launch(
        {"name": "api", "command": ["serve"]},
        {"name": "task", "command": ["getenv", "ECS_CONTAINER_METADATA_URI_V4", "/task"], "essential": False, **awslogs()},
        {"name": "self", "command": ["getenv", "ECS_CONTAINER_METADATA_URI_V4", ""], "essential": False, **awslogs()},
        {
            "name": "keys",
            "entryPoint": ["/app", "getenv", "KEYS", ""],
            "environment": [{"name": "KEYS", "value": "http://169.254.170.2/v2/credentials/wrong"}],
            "essential": False,
            **awslogs(),
        },
        family="web",
        revision=3,
        taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/task",
    )
    for name in ("task", "self", "keys"):
        bench.until(f"container_stopped {name}")
    handle.stop()
    assert handle.finished.wait(20)
    documents = {name: "".join(log_lines(f"svc/{name}/{TASK}")) for name in ("task", "self", "keys")}
    task = json.loads(documents["task"].removeprefix("200 "))
    assert (task["Family"], task["Revision"], task["TaskARN"][-32:], len(task["Containers"])) == ("web", "3", TASK, 4)
    container = json.loads(documents["self"].removeprefix("200 "))
    assert (container["Name"], container["Networks"][0]["IPv4Addresses"]) == ("self", [ADDRESS])
    assert documents["keys"].startswith("404 ")


def test_a_stream_without_prefix_is_named_after_the_container(bench: Bench) -> None:
    make_log_group()
    reports = bench.run({"name": "api", "command": ["say", "hi"], **awslogs(awslogs_stream_prefix="")})
    assert sorted(log_lines(reports.of("container_started")[0][2])) == ["and on stderr", "hi"]


def test_out_of_memory(bench: Bench) -> None:
    reports = bench.run({"name": "api", "command": ["eat"], "memory": 24})
    assert reports.of("container_stopped") == [("api", 137, "OutOfMemoryError: Container killed due to memory usage")]
    assert bench.run({"name": "api", "command": ["eat"]}, memory="24").of("container_stopped") == reports.of("container_stopped")


def test_health_checks_and_what_waits_for_them(bench: Bench) -> None:
    check = {"command": ["CMD", "/app", "get", "http://127.0.0.1:8080/"], "interval": 5, "startPeriod": 60}
    handle = bench.launch(
        {"name": "late", "essential": False, "command": ["exit", "5"], "dependsOn": [{"containerName": "api", "condition": "HEALTHY"}]},
        {"name": "api", "command": ["serve"], "healthCheck": check},
    )
    bench.until("container_stopped late")
    names = bench.reports.names
    assert names.index("container_started api") < names.index("container_health api") < names.index("container_started late")
    assert bench.reports.of("container_health") == [("api", "HEALTHY")]
    assert not handle.finished.is_set()  # a container that is not essential may end
    handle.stop()
    assert handle.finished.wait(20)


def test_a_container_that_never_passes_becomes_unhealthy(bench: Bench) -> None:
    check = {"command": ["CMD", "/app", "exit", "1"], "interval": 5, "retries": 2}
    handle = bench.launch({"name": "api", "command": ["serve"], "healthCheck": check})
    bench.until("container_health api")
    assert bench.reports.of("container_health") == [("api", "UNHEALTHY")]
    handle.stop()
    assert handle.finished.wait(20)


def test_an_essential_container_takes_the_others_with_it(bench: Bench) -> None:
    reports = bench.run(
        {"name": "api", "command": ["serve"]},
        {"name": "job", "command": ["exit", "3"], "dependsOn": [{"containerName": "api", "condition": "START"}]},
    )
    assert ("job", 3, None) in reports.of("container_stopped")
    assert {name for name, _, _ in reports.of("container_stopped")} == {"api", "job"}
    assert reports.of("task_stopped") == [(None,)]


def test_a_dependency_that_fails_ends_the_task(bench: Bench) -> None:
    reports = bench.run(
        {"name": "init", "essential": False, "command": ["exit", "1"]},
        {"name": "api", "command": ["serve"], "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}]},
    )
    assert reports.of("container_stopped")[0] == ("init", 1, None)
    assert "container ordering dependency [init] for target [api]" in reports.of("container_stopped")[1][2]
    assert reports.of("task_stopped") == [("Task failed to start",)]


def test_a_task_stopped_before_it_runs_reports_every_container(bench: Bench) -> None:
    handle = bench.launch({"name": "api", "command": ["serve"]})
    handle.stop()
    assert handle.finished.wait(20)
    assert [name for name, _, _ in bench.reports.of("container_stopped")] == ["api"]
    assert bench.reports.names[-1] == "task_stopped"


def test_stopping_the_agent_leaves_no_task(bench: Bench) -> None:
    handle = bench.launch({"name": "api", "command": ["deaf"]})
    bench.until("container_started api")
    assert [task["address"] for task in bench.agent.state()["tasks"]] == [ADDRESS]
    bench.agent.stop()
    assert handle.finished.is_set()
    assert bench.agent.state()["tasks"] == []
