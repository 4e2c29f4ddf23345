"""The task execution role, with which the agent pulls images, reads secrets and writes logs."""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.interfaces import Permissions


@dataclass(frozen=True)
class ExecutionRole:
    """`arn` None stands for the container instance's own role, which local_aws takes to be as AWS's managed policy makes it: enough."""

    permissions: Permissions
    arn: str | None
    session: str
    """The task's id: the agent's session name, and part of the sentence when something is denied."""

    def denial(self, action: str, resource: str) -> str | None:
        """None when allowed, else AWS's sentence."""
        if self.arn is None:
            return None
        partition, _, account, name = _parts(self.arn)
        caller = f"arn:{partition}:sts::{account}:assumed-role/{name}/{self.session}"
        return self.permissions.denial(caller, action, resource)


def _parts(arn: str) -> tuple[str, str, str, str]:
    _, partition, service, _, account, rest = arn.split(":", 5)
    return partition, service, account, rest.rsplit("/", 1)[-1]
