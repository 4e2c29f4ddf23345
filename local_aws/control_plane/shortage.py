"""EC2 running out of an instance type: a limit that the hands set, met by groups and by RunInstances that names the type."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from local_aws.control_plane.moto_in_process import Moto

MESSAGE = (
    "We currently do not have sufficient {type} capacity in the Availability Zone you requested ({zone}). Our system will be working on "
    "provisioning additional capacity. You can currently get {type} capacity by not specifying an Availability Zone in your request."
)


class Shortage:
    """Limits by instance type, over all regions and accounts. A type without one is never short."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto
        self._limits: dict[str, int] = {}

    def limit(self, instance_type: str, at_most: int | None) -> None:
        """None lifts the limit."""
        with self._moto.lock:
            if at_most is None:
                self._limits.pop(instance_type, None)
            else:
                self._limits[instance_type] = at_most

    def clear(self) -> None:
        with self._moto.lock:
            self._limits.clear()

    def shown(self) -> dict[str, int]:
        with self._moto.lock:
            return dict(self._limits)

    def left(self, instance_type: str) -> int | None:
        """How many more may be launched; None without a limit. The caller holds moto's lock."""
        if instance_type not in self._limits:
            return None
        return max(0, self._limits[instance_type] - len(self.live(instance_type)))

    def live(self, instance_type: str) -> list[tuple[str, str, Any]]:
        """Account, region and moto's instance of every one that is not terminated, the oldest first. The caller holds moto's lock."""
        found = [
            (account, region, instance)
            for account, regions in list(get_backend("ec2").items())
            for region, backend in list(regions.items())
            for reservation in backend.reservations.values()
            for instance in reservation.instances
            if instance.instance_type == instance_type and instance.state not in ("terminated", "shutting-down")
        ]
        return sorted(found, key=lambda item: item[2].launch_time)
