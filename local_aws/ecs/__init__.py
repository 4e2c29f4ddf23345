"""Amazon ECS: services, tasks, container instances and the service scheduler, as in ecs-facts.md sections 1 to 6."""

from local_aws.ecs.room import EcsRoom

__all__ = ["EcsRoom"]
