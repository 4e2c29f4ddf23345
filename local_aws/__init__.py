"""AWS on one machine: moto's control plane, with an ECS that really schedules, runs and serves."""

__version__ = "0.1.0"
