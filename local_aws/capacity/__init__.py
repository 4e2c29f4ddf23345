"""EC2 capacity: instances that join and leave ECS clusters, and capacity providers that make Auto Scaling groups grow and shrink."""

from local_aws.capacity.fleet import Fleet
from local_aws.capacity.room import CapacityRoom

__all__ = ["CapacityRoom", "Fleet"]
