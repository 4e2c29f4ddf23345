"""The ECS agent of every container instance: pulls, fetches secrets, starts, watches and stops the containers of tasks."""

from local_aws.agent.agent import TaskAgent

__all__ = ["TaskAgent"]
