"""What one target's health checks come to. Pure: told the outcome of each check, answers the state. Facts: ecs-facts.md 6."""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.interfaces import TargetHealth

REGISTRATION = TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = TargetHealth("healthy")
DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED = TargetHealth("unused", "Target.NotRegistered", "Target is not registered to the target group")
GROUP_NOT_IN_USE = TargetHealth("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
ZONE_NOT_ENABLED = TargetHealth("unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer")
INSTANCE_STOPPED = TargetHealth("unused", "Target.InvalidState", "Target is in the stopped state")

TIMEOUT = TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
FAILED = TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def code_mismatch(code: int) -> TargetHealth:
    return TargetHealth("unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]")


def matches(matcher: str, code: int) -> bool:
    """Whether a matcher such as `200`, `200,202` or `200-299` takes the code."""
    for part in matcher.split(","):
        first, dash, last = part.strip().partition("-")
        if int(first) <= code <= int(last if dash else first):
            return True
    return False


@dataclass
class HealthRecord:
    """A registered target's state between checks."""

    current: TargetHealth = REGISTRATION
    _passes: int = 0
    _failures: int = 0

    def restart(self) -> None:
        """Checks begin (again): after registration, or when the target comes into use."""
        self.current = CHECKING
        self._passes = self._failures = 0

    def passed(self, healthy_threshold: int) -> None:
        """One pass is enough for a target in `initial`; an unhealthy one needs the threshold in a row."""
        self._failures = 0
        self._passes += 1
        if self.current.state == "initial" or (self.current.state == "unhealthy" and self._passes >= healthy_threshold):
            self.current = HEALTHY

    def failed(self, why: TargetHealth, unhealthy_threshold: int) -> None:
        """`why` is the unhealthy state that this failure would mean; it counts after the threshold in a row."""
        self._passes = 0
        self._failures += 1
        if self._failures >= unhealthy_threshold or self.current.state == "unhealthy":
            self.current = why
