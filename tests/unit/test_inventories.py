# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventories say, as Ansible reads them: the values of each environment, what they share, and that they hold no secret."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

INVENTORIES = Path(__file__).resolve().parents[2] / "inventories"
ENVIRONMENTS = ("local", "dev", "staging", "prod")
ON_AWS = ("dev", "staging", "prod")
# The secrets that files are searched for: access keys, and what is said to be one without being a reference or a vaulted value.
SECRET = re.compile(r"\bA(KI|SI)A[0-9A-Z]{16}\b|^\s*\w*(password|secret_key|token)\w*:\s*(?!anything$|\"?\{\{|!vault)\S", re.MULTILINE)

each_environment = pytest.mark.parametrize("name", ENVIRONMENTS)


class Environment:
    def __init__(self, name: str) -> None:
        loader = DataLoader()
        self.inventory = InventoryManager(loader=loader, sources=[str(INVENTORIES / name)])
        self._variables = VariableManager(loader=loader, inventory=self.inventory)
        self._loader = loader

    def hosts(self, group: str) -> list[str]:
        return [host.name for host in self.inventory.groups[group].get_hosts()]

    def of(self, host: str) -> dict[str, Any]:
        return self._variables.get_vars(host=self.inventory.get_host(host))

    def value(self, host: str, name: str) -> Any:
        variables = self.of(host)
        return Templar(loader=self._loader, variables=variables).template(variables[name])


@pytest.fixture(scope="module")
def environments() -> dict[str, Environment]:
    return {name: Environment(name) for name in ENVIRONMENTS}


@each_environment
def test_each_has_one_platform_of_its_name_and_the_shared_services(environments: dict[str, Environment], name: str) -> None:
    services = [path.stem for path in sorted((INVENTORIES / "shared" / "services").glob("*.yml"))]
    assert services
    assert environments[name].hosts("platform") == [name]
    assert environments[name].hosts("services") == services
    assert environments[name].of(name)["environment_name"] == name


@pytest.mark.parametrize(
    ("name", "interval", "bad_checks", "deregistration", "retention", "tasks"),
    [("local", 5, 2, 5, 7, 2), ("dev", 10, 2, 30, 7, 1), ("staging", 15, 3, 60, 14, 2), ("prod", 30, 3, 300, 30, 2)],
)
def test_services_are_tuned_for_their_environment(
    environments: dict[str, Environment], name: str, interval: int, bad_checks: int, deregistration: int, retention: int, tasks: int
) -> None:
    said = environments[name].of("api")
    assert said["alb_health_check_interval"] == interval
    assert said["alb_health_check_timeout"] < interval
    assert (said["alb_healthy_threshold"], said["alb_unhealthy_threshold"]) == (2, bad_checks)
    assert said["alb_deregistration_delay"] == deregistration
    assert said["app_log_retention_days"] == retention
    assert said["app_desired_count"] == tasks
    assert (said["app_minimum_healthy_percent"], said["app_maximum_percent"]) == (100, 200)


@pytest.mark.parametrize(
    ("name", "instances", "least", "most"),
    [("local", "t3.medium", 3, 4), ("dev", "t3.small", 1, 2), ("staging", "t3.small", 2, 4), ("prod", "t3.medium", 3, 6)],
)
def test_each_has_its_instances(environments: dict[str, Environment], name: str, instances: str, least: int, most: int) -> None:
    said = environments[name].of(name)
    assert (said["ecs_cluster_instance_type"], said["ecs_cluster_min_size"], said["ecs_cluster_max_size"]) == (instances, least, most)


@each_environment
def test_a_rollout_fits_on_the_instances(environments: dict[str, Environment], name: str) -> None:
    """A t3.small or t3.medium has three network interfaces, one of them its own: two tasks each (Elastic network interfaces, EC2 guide)."""
    environment = environments[name]
    platform = environment.of(name)
    assert platform["ecs_cluster_instance_type"] in ("t3.small", "t3.medium")
    surge = sum(
        environment.of(host)["app_desired_count"] * environment.of(host)["app_maximum_percent"] // 100
        for host in environment.hosts("services")
    )
    assert platform["ecs_cluster_max_size"] * 2 >= surge


def test_networks_do_not_overlap_and_hold_their_subnets(environments: dict[str, Environment]) -> None:
    networks = {name: ipaddress.ip_network(environments[name].value(name, "network_cidr")) for name in ENVIRONMENTS}
    for name, network in networks.items():
        assert not any(network.overlaps(other) for key, other in networks.items() if key != name)
        platform = environments[name].of(name)
        subnets = [ipaddress.ip_network(cidr) for cidr in platform["network_public_cidrs"] + platform["network_private_cidrs"]]
        assert all(subnet.subnet_of(network) for subnet in subnets)
        zones = environments[name].value(name, "network_zones")
        assert len(subnets) == 2 * len(zones)
        assert all(zone.startswith(environments[name].value(name, "aws_region")) for zone in zones)


def test_prod_has_three_zones_and_a_way_out_of_each(environments: dict[str, Environment]) -> None:
    platform = environments["prod"].of("prod")
    assert (len(platform["network_zones"]), platform["network_nat"]) == (3, "one_per_zone")
    assert platform["ecs_cluster_min_size"] >= 3


@pytest.mark.parametrize("name", ON_AWS)
def test_environments_on_aws_take_credentials_and_endpoint_from_outside(environments: dict[str, Environment], name: str) -> None:
    assert environments[name].value(name, "aws_connection") == {"region": "eu-west-1"}


def test_what_is_shared_is_said_once() -> None:
    for name in ENVIRONMENTS:
        assert (INVENTORIES / name / "shared").resolve() == INVENTORIES / "shared"
        own = "".join(path.read_text() for path in (INVENTORIES / name).rglob("*.yml") if "shared" not in path.parts)
        for variable in ("project", "aws_region", "ansible_connection", "ansible_python_interpreter"):
            assert not re.search(rf"^\s*{variable}:", own, re.MULTILINE), f"{name} says {variable} again"


def test_no_file_holds_a_secret() -> None:
    files = [path for path in INVENTORIES.rglob("*") if path.is_file()]
    assert len(files) > 12
    assert not [path for path in files if SECRET.search(path.read_text())]
    assert SECRET.search("db_password: hunter2"), "a search that finds nothing would prove nothing"
    assert SECRET.search("key: AKIA0123456789ABCDEF")
    assert not SECRET.search('db_password: "{{ vault_db_password }}"')
