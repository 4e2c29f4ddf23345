# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what a release would do before anything is changed: whether it fits, how long it takes at least, and what happens on failure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws import ec2, ec2_auto_scaling, ecs, ecs_clusters, elbv2
from .._aws.failures import error_code, error_message, is_passing
from .._rollout import forecast, placement
from .._rollout.target import Past, choose
from .._taskdef.differences import differences
from .._taskdef.reading import registrable
from .._taskdef.verification import FAILED, unknown
from .._verb import Context, Verb, VerbFailure
from . import ecs_task_definition_verify as verify
from ._putback import history
from ._service_options import members
from ._shared import Data, plain, primary, same_definition, short

Params = dict[str, t.Any]
_Found = t.TypeVar("_Found")

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "definition": verify.ARGUMENT_SPEC["definition"],
    "task_definition": verify.ARGUMENT_SPEC["task_definition"],
    "load_balancers": verify.ARGUMENT_SPEC["load_balancers"],
    "pending_images": {"type": "list", "elements": "str", "default": []},
    "desired_count": {"type": "int"},
    "launch_type": {"type": "str", "choices": ["EC2", "FARGATE"]},
    "subnets": {"type": "list", "elements": "str"},
    "deployment_configuration": {
        "type": "dict",
        "options": {
            "maximum_percent": {"type": "int"},
            "minimum_healthy_percent": {"type": "int"},
            "deployment_circuit_breaker": {
                "type": "dict",
                "options": {"enable": {"type": "bool", "required": True}, "rollback": {"type": "bool", "default": True}},
            },
        },
    },
    "timeout": {"type": "int", "default": 900},
    "fail": {"type": "bool", "default": True},
}


def run(params: Params, context: Context) -> Data:
    look = _Look(params, context)
    checks = look.checks()
    wrong = sum(item["result"] == FAILED for item in checks)
    plan, largest = look.plan()
    least, likely = look.paces()
    extra = forecast.extra_seconds(look.configuration)
    played = forecast.course(plan, likely) if plan else None
    problem = forecast.problem(plan, played, largest) if plan and played else None
    problems = [problem] if problem else []
    seconds: Data = {"at_least": None, "likely": None, "past": look.past_seconds()}
    if plan and played and played.arrives:
        seconds["at_least"] = round(forecast.course(plan, least).seconds + extra, 1)
        seconds["likely"] = round(played.seconds + extra, 1)
        if seconds["at_least"] > params["timeout"]:
            words = f"it takes {seconds['at_least']:.0f} s at least, and timeout is {params['timeout']} s"
            problems.append(forecast.Problem("timeout", words))
    told = played is not None and (played.arrives or problem is not None)
    result: Data = {
        "changed": False,
        "arrives": False if problems or wrong else True if told else None,
        "problems": [{**dataclasses.asdict(item), "hint": item.hint} for item in problems],
        "steps": [
            {
                "at": round(step.at, 1),
                "start": step.start,
                "stop": step.stop,
                "on": dict(step.on),
                "tasks": step.alive,
                "waits_for": step.waits_for,
            }
            for step in (played.steps if played else ())
        ],
        "most_tasks": played.most if played else None,
        "capacity": {
            "fits_now": forecast.fits_now(plan) if plan else None,
            "instances": len(plan.rooms) if plan else None,
            "instances_to_add": played.added if played else None,
        },
        "seconds": seconds,
        "on_failure": look.on_failure(),
        "checks": checks,
        "failed_checks": wrong,
        "differences": plain(look.differences),
        "different": bool(look.differences),
        "notes": look.notes,
    }
    if played and played.unknown:
        look.notes.append("what the capacity provider may add: it has no instance now, or its Auto Scaling group cannot be read")
    result["lines"] = forecast.lines(params["service"], look.release, plan, result)
    result["msg"] = "\n".join(result["lines"])
    if params["fail"] and result["arrives"] is False:
        raise VerbFailure(result.pop("msg"), **result)
    return result


class _Look:
    """What is read for one forecast. What may not be read becomes a note, and the forecast is made without it."""

    def __init__(self, params: Params, context: Context) -> None:
        self.params = params
        self.context = context
        self.notes: list[str] = []
        self.cluster, self.name = params["cluster"], params["service"]
        self.ecs = context.client("ecs")
        self.definition = verify.definition_to_look_at(params, context)
        found = ecs.describe_service(self.ecs, self.cluster, self.name)
        self.exists = found is not None and found.get("status") != "INACTIVE"
        self.service: Data = found if found is not None and self.exists else {}
        given = members(params["deployment_configuration"] or {})
        self.configuration: Data = {**(self.service.get("deploymentConfiguration") or {}), **given}
        self.desired = self._desired()
        self.current = primary(self.service)
        running = self.current.get("taskDefinition")
        self.running: Data = (ecs.describe_task_definition(self.ecs, running) if running else None) or {}
        self.differences = differences(registrable(self.running) if self.running else None, registrable(self.definition))
        self.history: list[Past] = history(self.ecs, self.cluster, self.name, self.notes.append) if self.exists else []
        if self.exists and self.current.get("rolloutState") == "IN_PROGRESS":
            self.notes.append(f"how the deployment {self.current.get('id')} ends, which is in progress; this starts from what runs now")
        if not self.desired:
            self.notes.append("whether the image works: the desired count is 0, and no task will run")
        self._tasks: list[Data] = []
        self.strategy = self._strategy()
        """The names of the capacity providers that place its tasks; none for tasks that go on any instance."""

    def _strategy(self) -> list[str]:
        entries = self.service.get("capacityProviderStrategy") or []
        if not self.exists and not self.params["launch_type"]:
            # A service that is created without either is placed as its cluster says.
            cluster = self._asked("the cluster's capacity providers", ecs_clusters.describe_cluster, self.ecs, self.cluster) or {}
            entries = cluster.get("defaultCapacityProviderStrategy") or []
        return [str(item["capacityProvider"]) for item in entries if item.get("capacityProvider")]

    def _desired(self) -> int:
        if self.params["desired_count"] is not None:
            return int(self.params["desired_count"])
        if not self.exists:
            raise VerbFailure(
                f"desired_count: there is no service {self.name} in cluster {self.cluster} yet. Say how many tasks it will have, "
                "or check both names."
            )
        return int(self.service.get("desiredCount") or 0)

    @property
    def release(self) -> str:
        """From what to what, in words."""
        arn = self.definition.get("taskDefinitionArn")
        new = short(arn) if arn else f"a new revision of {self.definition.get('family')}"
        if not self.exists:
            return f"{new}, its first deploy"
        if not self.differences:
            return f"{short(self.current.get('taskDefinition'))} -> the same definition"
        return f"{short(self.current.get('taskDefinition'))} -> {new}"

    def checks(self) -> list[t.Any]:
        """What ecs_task_definition_verify finds. An image that is only to be pushed is not missing."""
        quiet = dataclasses.replace(self.context, progress=lambda _line: None)
        options = {
            name: self.params.get(name) for name in (*verify.ARGUMENT_SPEC, "validate_certs", "aws_ca_bundle") if name in self.params
        }
        found = verify.run({**options, "fail": False}, quiet)["checks"]
        pending = set(self.params["pending_images"])
        return [
            unknown("image", item["subject"], "it is pushed with the deploy")
            if item["check"] == "image" and item["result"] == FAILED and item["subject"] in pending
            else item
            for item in found
        ]

    def _asked(self, what: str, ask: t.Callable[..., _Found], *arguments: t.Any) -> _Found | None:
        try:
            return ask(*arguments)
        except Exception as error:
            if is_passing(error) or not error_code(error):
                raise
            self.notes.append(
                f"{what}: {getattr(error, 'operation_name', 'a call')} was refused: {error_code(error)}: {error_message(error)}"
            )
            return None

    def plan(self) -> tuple[forecast.Plan | None, dict[str, int]]:
        """The release as it is to be played through, and the most that an instance offers; no plan for what ECS places by other rules."""
        why = self._not_played()
        if why:
            self.notes.append(f"whether it finds room: {why}")
            return None, {}
        instances = ecs.describe_container_instances(self.ecs, self.cluster)
        arns = [*ecs.list_running_tasks(self.ecs, self.cluster), *ecs.list_leaving_tasks(self.ecs, self.cluster)]
        tasks = ecs.describe_tasks(self.ecs, self.cluster, arns) if arns else []
        group = f"service:{self.name}"
        self._tasks = [task for task in tasks if task.get("group") == group and task.get("desiredStatus") != "STOPPED"]
        constraints = self.service.get("placementConstraints") or []
        providers = self._providers()
        provider = providers[0]["name"] if len(providers) == 1 else None
        need = placement.need_of(self.definition, self._zones(), self._allowed(constraints), constraints, provider)
        rooms = placement.rooms(instances, tasks, group, self._interfaces(instances, need))
        if provider is not None:
            rooms = [room for room in rooms if room.provider == provider]
        plan = forecast.Plan(
            self.desired,
            self.configuration,
            need,
            rooms,
            tuple(task.get("containerInstanceArn") for task in self._tasks if task.get("lastStatus") == "RUNNING"),
            placement.need_of(self.running),
            self.service.get("placementStrategy") or (),
            self._growth(providers, rooms, need),
        )
        return plan, placement.largest_offer(instances)

    def _not_played(self) -> str:
        launched = self.service.get("launchType") or self.params["launch_type"] or "EC2"
        names = self.strategy
        controller = (self.service.get("deploymentController") or {}).get("type", "ECS")
        if controller != "ECS":
            return f"the deployments of {self.name} are made by {controller}"
        if self.service.get("schedulingStrategy") == "DAEMON":
            return f"{self.name} is a daemon, with a task on each instance"
        if (launched != "EC2" and not names) or any(name.startswith("FARGATE") for name in names):
            return "its tasks run on no container instances of yours"
        return ""

    def _providers(self) -> list[Data]:
        names = self.strategy
        return (self._asked("what its capacity providers are", ecs.describe_capacity_providers, self.ecs, names) or []) if names else []

    def _growth(self, providers: list[Data], rooms: list[placement.Room], need: placement.Need) -> forecast.Growth | None:
        growing = next((item for item in providers if placement.grows(item)), None)
        if growing is None:
            return None
        kinds = [room for room in rooms if room.provider == growing["name"]]
        able = [room for room in kinds if not placement.short_of(placement.empty_like(room, 0), need)]
        sample = max(able or kinds, key=lambda room: (room.registered.get("cpu", 0), room.arn), default=None)
        name = str(growing["autoScalingGroupProvider"]["autoScalingGroupArn"]).rsplit("autoScalingGroupName/", 1)[-1]
        client = self.context.client("autoscaling")
        group = self._asked("how many instances may be added", ec2_auto_scaling.describe_group, client, name)
        left = max(0, group["MaxSize"] - len(group.get("Instances") or [])) if group else None
        return forecast.Growth(sample, left)

    def _zones(self) -> frozenset[str] | None:
        network = ((self.service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}).get("subnets")
        subnets = self.params["subnets"] or network
        if not subnets or self.definition.get("networkMode") != "awsvpc":
            return None
        found = self._asked("the zones of its subnets", ec2.subnet_zones, self.context.client("ec2"), subnets)
        return frozenset(found) if found else None

    def _allowed(self, constraints: list[Data]) -> frozenset[str] | None:
        """ECS itself is asked for which instances the expressions are true."""
        allowed: frozenset[str] | None = None
        for expression in placement.expressions(self.definition, constraints):
            true = frozenset(ecs.matching_container_instances(self.ecs, self.cluster, expression))
            allowed = true if allowed is None else allowed & true
        return allowed

    def _interfaces(self, instances: list[Data], need: placement.Need) -> dict[str, int | None]:
        attributes = [item for instance in instances for item in instance.get("attributes") or []]
        kinds = sorted({str(item.get("value")) for item in attributes if item.get("name") == "ecs.instance-type" and item.get("value")})
        if not kinds or not need.eni:
            return {}
        client = self.context.client("ec2")
        found = self._asked("how many network interfaces the instances take", ec2_auto_scaling.describe_instance_types, client, kinds)
        return placement.type_interfaces(found or [])

    def paces(self) -> tuple[forecast.Pace, forecast.Pace]:
        arns = [item["target_group_arn"] for item in self.params["load_balancers"] or []]
        if self.params["load_balancers"] is None:
            arns = [item["targetGroupArn"] for item in self.service.get("loadBalancers") or [] if item.get("targetGroupArn")]
        groups, drains = [], []
        for arn in arns:
            client = self.context.client("elbv2")
            group = self._asked("the health check of its target group", elbv2.describe_target_group, client, arn)
            if group:
                groups.append(group)
                said = self._asked("how long old tasks drain", elbv2.attributes, client, arn) or {}
                drains.append(int(said.get("deregistration_delay.timeout_seconds") or 0))
        return forecast.paces(self.definition, groups, drains, forecast.start_times(self._tasks))

    def past_seconds(self) -> list[float]:
        """How long the newest deployments that succeeded took."""
        return [round(item.seconds, 1) for item in self.history if item.status == "SUCCESSFUL" and item.seconds is not None][:5]

    def on_failure(self) -> Data:
        breaker = self.configuration.get("deploymentCircuitBreaker") or {}
        threshold = forecast.breaker_threshold(self.configuration, self.desired)
        completed = self.current.get("rolloutState", "COMPLETED") == "COMPLETED"
        running = self.current.get("taskDefinition")
        new = self.definition.get("taskDefinitionArn")
        target = choose(new, False, self.history, running if completed and not same_definition(running, new) else None)
        arn = target.task_definition
        usable = arn is not None and (ecs.describe_task_definition(self.ecs, arn) or {}).get("status") in (None, "ACTIVE")
        gives_up = (
            f"ECS gives up after {threshold} failed tasks"
            if threshold
            else "ECS goes on trying for ever; ecs_service_wait and timeout do not"
        )
        if arn is None:
            way = f"nothing is put back: {target.why}"
        elif usable:
            way = f"{short(arn)} is put back: {target.why}"
        else:
            way = f"{short(arn)} cannot be put back, it is deregistered ({target.why})"
        return {
            "circuit_breaker": bool(breaker.get("enable")),
            "rollback": bool(breaker.get("enable") and breaker.get("rollback")),
            "threshold": threshold,
            "task_definition_arn": arn if usable else None,
            "msg": f"{gives_up}; {way}",
        }


VERB = Verb(
    name="ecs_rollout_forecast",
    argument_spec=ARGUMENT_SPEC,
    run=run,
    mutually_exclusive=(("definition", "task_definition"),),
    required_one_of=(("definition", "task_definition"),),
)
