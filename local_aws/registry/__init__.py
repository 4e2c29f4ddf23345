"""A container registry behind the ECR repositories of the control plane."""

from __future__ import annotations

from local_aws.registry.room import RegistryRoom

__all__ = ["RegistryRoom"]
