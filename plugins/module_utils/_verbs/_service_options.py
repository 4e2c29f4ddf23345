# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of CreateService and UpdateService as options in snake case, and the way from one to the other."""

from __future__ import annotations

import typing as t

from .._platform.tags import pairs

Data = dict[str, t.Any]

# What traffic is shifted with, from one revision to the next.
_SHIFTED_WITH: dict[str, t.Any] = {
    "alternate_target_group_arn": {"type": "str"},
    "production_listener_rule": {"type": "str"},
    "test_listener_rule": {"type": "str"},
}

MEMBER_OPTIONS: dict[str, t.Any] = {
    "capacity_provider_strategy": {
        "type": "list",
        "elements": "dict",
        "options": {"capacity_provider": {"type": "str", "required": True}, "weight": {"type": "int"}, "base": {"type": "int"}},
    },
    "platform_version": {"type": "str"},
    "network_configuration": {
        "type": "dict",
        "options": {
            "subnets": {"type": "list", "elements": "str", "required": True},
            "security_groups": {"type": "list", "elements": "str"},
            "assign_public_ip": {"type": "bool"},
        },
    },
    "load_balancers": {
        "type": "list",
        "elements": "dict",
        "required_one_of": [["target_group_arn", "load_balancer_name"]],
        "mutually_exclusive": [["target_group_arn", "load_balancer_name"]],
        "options": {
            "target_group_arn": {"type": "str"},
            "load_balancer_name": {"type": "str"},
            "container_name": {"type": "str", "required": True},
            "container_port": {"type": "int", "required": True},
            "advanced_configuration": {
                "type": "dict",
                "options": {**_SHIFTED_WITH, "role_arn": {"type": "str"}},
            },
        },
    },
    "service_registries": {
        "type": "list",
        "elements": "dict",
        "options": {
            "registry_arn": {"type": "str", "required": True},
            "port": {"type": "int"},
            "container_name": {"type": "str"},
            "container_port": {"type": "int"},
        },
    },
    "service_connect_configuration": {
        "type": "dict",
        "options": {
            "enabled": {"type": "bool", "required": True},
            "namespace": {"type": "str"},
            "services": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "port_name": {"type": "str", "required": True},
                    "discovery_name": {"type": "str"},
                    "client_aliases": {
                        "type": "list",
                        "elements": "dict",
                        "options": {
                            "port": {"type": "int", "required": True},
                            "dns_name": {"type": "str"},
                            "test_traffic_rules": {
                                "type": "dict",
                                "options": {
                                    "header": {
                                        "type": "dict",
                                        "options": {
                                            "name": {"type": "str", "required": True},
                                            "value": {"type": "dict", "options": {"exact": {"type": "str", "required": True}}},
                                        },
                                    }
                                },
                            },
                        },
                    },
                    "ingress_port_override": {"type": "int"},
                    "timeout": {
                        "type": "dict",
                        "options": {"idle_timeout_seconds": {"type": "int"}, "per_request_timeout_seconds": {"type": "int"}},
                    },
                    "tls": {
                        "type": "dict",
                        "options": {
                            "issuer_certificate_authority": {
                                "type": "dict",
                                "required": True,
                                "options": {"aws_pca_authority_arn": {"type": "str"}},
                            },
                            "kms_key": {"type": "str", "no_log": False},
                            "role_arn": {"type": "str"},
                        },
                    },
                },
            },
            "log_configuration": {
                "type": "dict",
                "options": {
                    "log_driver": {"type": "str", "required": True},
                    "options": {"type": "dict"},
                    "secret_options": {
                        "no_log": False,
                        "type": "list",
                        "elements": "dict",
                        "options": {"name": {"type": "str", "required": True}, "value_from": {"type": "str", "required": True}},
                    },
                },
            },
            "access_log_configuration": {
                "type": "dict",
                "options": {
                    "format": {"type": "str", "required": True, "choices": ["TEXT", "JSON"]},
                    "include_query_parameters": {"type": "str", "choices": ["DISABLED", "ENABLED"]},
                },
            },
            "container_configurations": {
                "type": "list",
                "elements": "dict",
                "options": {"log_level": {"type": "str", "choices": ["debug", "info"]}},
            },
        },
    },
    "volume_configurations": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "managed_ebs_volume": {
                "type": "dict",
                "options": {
                    "role_arn": {"type": "str", "required": True},
                    "encrypted": {"type": "bool"},
                    "kms_key_id": {"type": "str", "no_log": False},
                    "volume_type": {"type": "str"},
                    "size_in_gib": {"type": "int"},
                    "snapshot_id": {"type": "str"},
                    "volume_initialization_rate": {"type": "int"},
                    "iops": {"type": "int"},
                    "throughput": {"type": "int"},
                    "filesystem_type": {"type": "str", "choices": ["ext3", "ext4", "xfs", "ntfs"]},
                    "tag_specifications": {
                        "type": "list",
                        "elements": "dict",
                        "options": {
                            "resource_type": {"type": "str", "required": True, "choices": ["volume"]},
                            "tags": {"type": "dict"},
                            "propagate_tags": {"type": "str", "choices": ["NONE", "SERVICE", "TASK_DEFINITION"]},
                        },
                    },
                },
            },
        },
    },
    "vpc_lattice_configurations": {
        "type": "list",
        "elements": "dict",
        "options": {
            "role_arn": {"type": "str", "required": True},
            "target_group_arn": {"type": "str", "required": True},
            "port_name": {"type": "str", "required": True},
            "advanced_configuration": {
                "type": "dict",
                "options": _SHIFTED_WITH,
            },
        },
    },
    "gateway_connectors": {
        "type": "list",
        "elements": "dict",
        "options": {
            "port_name": {"type": "str", "required": True},
            "health_check": {
                "type": "dict",
                "options": {
                    "health_check_protocol": {"type": "str", "choices": ["HTTP", "HTTPS"]},
                    "health_check_port": {"type": "int"},
                    "health_check_path": {"type": "str"},
                    "health_check_timeout_seconds": {"type": "int"},
                    "health_check_interval_seconds": {"type": "int"},
                    "healthy_threshold_count": {"type": "int"},
                    "unhealthy_threshold_count": {"type": "int"},
                    "matcher": {"type": "dict", "options": {"http_code": {"type": "str"}, "grpc_code": {"type": "str"}}},
                },
            },
            "filters": {"type": "dict", "options": {"access_types": {"type": "list", "elements": "str"}}},
            "deregistration_delay": {"type": "dict", "options": {"timeout_seconds": {"type": "int"}}},
        },
    },
    "monitoring": {
        "type": "dict",
        "options": {
            "metric_configurations": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "metric_names": {"type": "list", "elements": "str", "required": True},
                    "resolution_seconds": {"type": "int", "required": True},
                },
            }
        },
    },
    "deployment_configuration": {
        "type": "dict",
        "options": {
            "maximum_percent": {"type": "int"},
            "minimum_healthy_percent": {"type": "int"},
            "strategy": {"type": "str", "choices": ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]},
            "bake_time_in_minutes": {"type": "int"},
            "deployment_circuit_breaker": {
                "type": "dict",
                "options": {
                    "enable": {"type": "bool", "required": True},
                    "rollback": {"type": "bool", "default": True},
                    "reset_on_healthy_task": {"type": "bool"},
                    "threshold_configuration": {
                        "type": "dict",
                        "options": {
                            "type": {"type": "str", "required": True, "choices": ["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"]},
                            "value": {"type": "int", "required": True},
                        },
                    },
                },
            },
            "alarms": {
                "type": "dict",
                "options": {
                    "alarm_names": {"type": "list", "elements": "str", "required": True},
                    "enable": {"type": "bool", "default": True},
                    "rollback": {"type": "bool", "default": True},
                },
            },
            "lifecycle_hooks": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "target_type": {"type": "str", "choices": ["AWS_LAMBDA", "PAUSE"]},
                    "hook_target_arn": {"type": "str"},
                    "role_arn": {"type": "str"},
                    "lifecycle_stages": {
                        "type": "list",
                        "elements": "str",
                        "required": True,
                        "choices": [
                            "RECONCILE_SERVICE",
                            "PRE_SCALE_UP",
                            "POST_SCALE_UP",
                            "TEST_TRAFFIC_SHIFT",
                            "POST_TEST_TRAFFIC_SHIFT",
                            "PRE_PRODUCTION_TRAFFIC_SHIFT",
                            "PRODUCTION_TRAFFIC_SHIFT",
                            "POST_PRODUCTION_TRAFFIC_SHIFT",
                        ],
                    },
                    "hook_details": {"type": "dict"},
                    "timeout_configuration": {
                        "type": "dict",
                        "options": {"timeout_in_minutes": {"type": "int"}, "action": {"type": "str", "choices": ["ROLLBACK", "CONTINUE"]}},
                    },
                },
            },
            "linear_configuration": {
                "type": "dict",
                "options": {"step_percent": {"type": "float"}, "step_bake_time_in_minutes": {"type": "int"}},
            },
            "canary_configuration": {
                "type": "dict",
                "options": {"canary_percent": {"type": "float"}, "canary_bake_time_in_minutes": {"type": "int"}},
            },
            "early_success_criteria": {
                "type": "dict",
                "options": {
                    "enable": {"type": "bool", "required": True},
                    "healthy_percent": {"type": "int"},
                    "source_service_revision_cleanup": {"type": "str", "choices": ["BLOCKING", "DEFERRED"]},
                },
            },
        },
    },
    "deployment_controller": {
        "type": "dict",
        "options": {"type": {"type": "str", "required": True, "choices": ["ECS", "CODE_DEPLOY", "EXTERNAL"]}},
    },
    "role": {"type": "str"},
    "health_check_grace_period_seconds": {"type": "int"},
    "placement_constraints": {
        "type": "list",
        "elements": "dict",
        "options": {"type": {"type": "str", "required": True, "choices": ["distinctInstance", "memberOf"]}, "expression": {"type": "str"}},
    },
    "placement_strategy": {
        "type": "list",
        "elements": "dict",
        "options": {"type": {"type": "str", "required": True, "choices": ["random", "spread", "binpack"]}, "field": {"type": "str"}},
    },
    "availability_zone_rebalancing": {"type": "str", "choices": ["ENABLED", "DISABLED"]},
    "enable_execute_command": {"type": "bool"},
    "enable_ecs_managed_tags": {"type": "bool"},
    "propagate_tags": {"type": "str", "choices": ["NONE", "SERVICE", "TASK_DEFINITION"]},
    "scheduling_strategy": {"type": "str", "choices": ["REPLICA", "DAEMON"]},
}

# Top-level options whose value is the member's value as it is. `launch_type` and the like are options of the verb itself.
_PLAIN_OPTIONS = ("task_definition", "desired_count", "launch_type")
# Names that are not simply their words put together.
_SPELLED = {"managed_ebs_volume": "managedEBSVolume", "size_in_gib": "sizeInGiB", "enable_ecs_managed_tags": "enableECSManagedTags"}
# Options whose value is the user's own data, keys included.
_VERBATIM = frozenset({"options", "hook_details"})


def request_members(params: Data) -> Data:
    """What the user gave, in the members of CreateService and UpdateService. An option that was left out is not in it."""
    wanted: Data = {}
    for option in (*_PLAIN_OPTIONS, *MEMBER_OPTIONS):
        value = params.get(option)
        if value is None:
            continue
        wanted[member_name(option)] = {"awsvpcConfiguration": _vpc(value)} if option == "network_configuration" else members(value)
    return wanted


def members(value: t.Any) -> t.Any:
    """A value of options as the API has it: names in camel case, tags as a list, nothing that was left out."""
    if isinstance(value, dict):
        result: Data = {}
        for key, item in value.items():
            if item is None:
                continue
            if key in _VERBATIM:
                result[key if key == "options" else member_name(key)] = item
            elif key == "tags":
                result[key] = tag_list(item)
            else:
                result[member_name(key)] = members(item)
        return result
    if isinstance(value, list):
        return [members(item) for item in value]
    return value


def member_name(option: str) -> str:
    first, *rest = option.split("_")
    return _SPELLED.get(option) or first + "".join(word.capitalize() for word in rest)


def tag_list(tags: Data) -> list[dict[str, str]]:
    """Tags as ECS takes them."""
    return pairs(tags, "key", "value")


def _vpc(network: Data) -> Data:
    vpc = {key: value for key, value in network.items() if key != "assign_public_ip"}
    if network.get("assign_public_ip") is not None:
        vpc["assign_public_ip"] = "ENABLED" if network["assign_public_ip"] else "DISABLED"
    return t.cast("Data", members(vpc))
