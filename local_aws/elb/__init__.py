"""The Elastic Load Balancing data plane: application load balancers that serve."""

from __future__ import annotations

from local_aws.elb.room import LoadBalancingRoom

__all__ = ["LoadBalancingRoom"]
