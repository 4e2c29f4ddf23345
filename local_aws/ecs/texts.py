"""Every sentence that ECS says: service events, rollout reasons, stop reasons (ecs-facts.md sections 2.6, 2.7, 3 and 4).

Texts marked [I] have not been seen on a real account; their wording is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

TROUBLESHOOTING = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

STEADY = "has reached a steady state."
UNABLE_TO_START = f"is unable to consistently start tasks successfully. {TROUBLESHOOTING}"
DEAD_END = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)
PROVIDER_EMPTY = "was unable to reach steady state. Reason: No Container Instances were found in your capacity provider."
PROVISIONING_LIMIT = "was unable to place tasks in your cluster because the tasks provisioning capacity limit was exceeded."

BREAKER_FAILED = "ECS deployment circuit breaker: tasks failed to start."
ALARM_FAILED = "ECS deployment failed: alarm detected."
USER_FAILED = "ECS deployment stopped: rollback requested."  # [I]
DEPLOYMENT_FAILED_TASKS = "tasks failed to start."
DEPLOYMENT_FAILED_ALARM = "alarm detected."

ROLLED_BACK_BREAKER = "Service deployment rolled back because the circuit breaker threshold was exceeded."
ROLLED_BACK_ALARM = "Service deployment rolled back because a CloudWatch alarm was triggered."  # [I]
ROLLED_BACK_USER = "Service deployment rolled back because a rollback was requested."  # [I]
NO_CANDIDATE = "No rollback candidate was found to run the rollback."
STOPPED_SUPERSEDED = "Service deployment was stopped because a new service deployment was started."  # [I]
STOPPED_BREAKER = "Service deployment stopped because the circuit breaker threshold was exceeded."  # [I]
STOPPED_ALARM = "Service deployment stopped because a CloudWatch alarm was triggered."  # [I]
STOPPED_SERVICE_DELETED = "Service deployment was stopped because the service was deleted."  # [I]

STOP_ESSENTIAL = "Essential container in task exited"
STOP_CONTAINER_HEALTH = "Task failed container health checks"
STOP_USER = "Task stopped by user"
STOP_INSTANCE_DEREGISTERED = "Container instance deregistration forced by user."
ENI_NO_SLOT = "Unable to attach network interface to unused device index"


def task_list(ids: Sequence[str]) -> str:
    return " ".join(f"(task {task_id})" for task_id in ids)


def started(ids: Sequence[str], replaced_unhealthy: int = 0) -> str:
    text = f"has started {len(ids)} tasks: {task_list(ids)}."
    if replaced_unhealthy:
        text += f" Amazon ECS replaced {replaced_unhealthy} tasks due to an unhealthy status."
    return text


def stopped_running(ids: Sequence[str]) -> str:
    return f"has stopped {len(ids)} running tasks: {task_list(ids)}."


def stopped_pending(count: int) -> str:
    return f"stopped {count} pending tasks."


def registered(count: int, target_group: str) -> str:
    return f"registered {count} targets in (target-group {target_group})"


def deregistered(count: int, target_group: str) -> str:
    return f"deregistered {count} targets in (target-group {target_group})"


def draining(count: int) -> str:
    return f"has begun draining connections on {count} tasks."


def deployment_completed(deployment_id: str) -> str:
    return f"(deployment {deployment_id}) deployment completed."


def deployment_failed(deployment_id: str, why: str) -> str:
    return f"(deployment {deployment_id}) deployment failed: {why}"


def rolling_back(deployment_id: str) -> str:
    return f"rolling back to deployment {deployment_id}."


def target_unhealthy(task_id: str, port: int, target_group: str, reason: str) -> str:
    return f"(task {task_id}) (port {port}) is unhealthy in (target-group {target_group}) due to (reason {reason})."


def instance_target_unhealthy(instance_id: str, port: int, target_group: str, reason: str) -> str:
    return f"(instance {instance_id}) (port {port}) is unhealthy in (target-group {target_group}) due to (reason {reason})."


def container_unhealthy(task_id: str) -> str:
    return f"(task {task_id}) failed container health checks."


def register_failed(target_group: str, error: str) -> str:
    return f"failed to register targets in target-group {target_group} with (error {error})"


def target_health_failed(target_group: str, error: str) -> str:
    return f"failed to describe target health on target-group {target_group} with (error {error})"


def unplaceable(detail: str) -> str:
    return f"was unable to place a task because no container instance met all of its requirements.{detail}"


NO_INSTANCES_DETAIL = " Reason: No Container Instances were found in your cluster."


def closest_match(instance_id: str, trouble: str) -> str:
    return f" The closest matching (container-instance {instance_id}) {trouble}. {TROUBLESHOOTING}"


def in_progress(deployment_id: str) -> str:
    return f"ECS deployment {deployment_id} in progress."


def completed(deployment_id: str) -> str:
    return f"ECS deployment {deployment_id} completed."


def breaker_rolling_back(deployment_id: str) -> str:
    return f"ECS deployment circuit breaker: rolling back to deploymentId {deployment_id}."


def alarm_rolling_back(deployment_id: str) -> str:
    return f"ECS deployment alarm: rolling back to deploymentId {deployment_id}."  # [I]


def user_rolling_back(deployment_id: str) -> str:
    return f"ECS deployment rolling back to deploymentId {deployment_id}."  # [I]


def scaling_activity(deployment_id: str) -> str:
    return f"Scaling activity initiated by (deployment {deployment_id})"


def elb_health(target_group: str) -> str:
    return f"Task failed ELB health checks in (target-group {target_group})"


def host_gone(ec2_instance_id: str) -> str:
    return f"Host EC2 (instance {ec2_instance_id}) terminated."
