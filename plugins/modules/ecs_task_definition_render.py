#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_definition_render
version_added: 0.1.0
short_description: Make an Amazon ECS task definition from a template and changes
description:
  - Takes a task definition from a mapping, a file, a running service or a registered revision, changes its containers by name,
    and returns the result in the form that registering takes. It registers nothing and changes nothing.
  - Refuses a definition that ECS would refuse, before anything is sent, and names every field that is wrong at once.
  - Members that it does not know are left as they are. What only a description carries, such as the revision, is dropped.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  template:
    description:
      - The definition to start from, in the members of the ECS API (C(family), C(containerDefinitions)).
      - The whole answer of C(aws ecs describe-task-definition) is taken too.
    type: dict
  template_file:
    description:
      - Path of a file with the definition to start from, as JSON or YAML. Variables in it are not filled in; for that,
        pass O(template) with the C(ansible.builtin.template) lookup.
    type: path
  service:
    description:
      - Start from what this service runs now. Needs O(cluster).
    type: str
  cluster:
    description:
      - The cluster of O(service), by name or ARN.
    type: str
  task_definition:
    description:
      - Start from this registered definition, as C(family), C(family:revision) or an ARN.
    type: str
  containers:
    description:
      - What to change, by container. Either a list of mappings that have a V(name) each, or a mapping from name to changes.
        A change that is null changes nothing.
      - V(image), V(cpu), V(memory), V(memory_reservation), V(start_timeout), V(stop_timeout), V(essential), V(user), V(working_directory),
        V(hostname), V(readonly_root_filesystem), V(privileged), V(interactive), V(pseudo_terminal), V(disable_networking) and
        V(version_consistency) replace what is there. So do the lists of words V(command) and V(entry_point), the lists V(mount_points),
        V(volumes_from), V(depends_on), V(links), V(dns_servers), V(dns_search_domains), V(extra_hosts), V(docker_security_options),
        V(system_controls), V(resource_requirements) and V(credential_specs), and the mappings V(health_check), V(linux_parameters),
        V(repository_credentials), V(restart_policy) and V(firelens_configuration). Keys in them may be in snake case.
      - V(environment) is a mapping from name to value and is merged; a null value takes the name out. V(environment_mode=replace) starts
        from none, and V(environment_remove) is a list of names to take out.
      - V(secrets) is a mapping likewise, with V(secrets_mode) and V(secrets_remove). A value is an ARN, the name of an SSM parameter, or
        a mapping with V(parameter) or V(secret), each a name or an ARN; V(key), V(version_stage) and V(version_id) say which part of a
        secret, and which version. Names become ARNs in the partition, the region and the account of the definition.
      - V(docker_labels) is a mapping likewise, with V(docker_labels_mode) and V(docker_labels_remove).
      - V(environment_files) is a list of ARNs of S3 objects.
      - V(port_mappings) is a list of ports, or of mappings with V(container_port), V(host_port), V(protocol), V(name) and V(app_protocol).
      - V(ulimits) is a list as in the API, or a mapping from name to the limit, or to V(soft) and V(hard).
      - V(log_configuration) has V(log_driver), V(options) and V(secret_options), whose values are like those of V(secrets). The options
        are merged as long as the driver stays the same.
      - V(members) is a mapping of members in the API's own names, set as they are, for what has no change of its own. A null value takes
        one out.
    type: raw
  add_containers:
    description:
      - Containers to add, in the form of O(containers). One that is there already is replaced.
    type: raw
  remove_containers:
    description:
      - Names of containers to take out. One that is not there is out already.
    type: list
    elements: str
  allow_plain:
    description:
      - Names of environment variables that look like secrets, by name or by value, and may stay in V(environment).
      - Any other that looks like one is refused.
    type: list
    elements: str
  family:
    description:
      - The family of the result. That of the start when not given.
    type: str
  cpu:
    description:
      - CPU of the whole task, as in V(256) or V(0.25 vCPU).
    type: str
  memory:
    description:
      - Memory of the whole task, as in V(512) for MiB or V(0.5GB).
    type: str
  network_mode:
    description:
      - The network mode.
    type: str
    choices: [awsvpc, bridge, host, none]
  pid_mode:
    description:
      - Whose processes the containers see.
    type: str
    choices: [host, task]
  ipc_mode:
    description:
      - Whose shared memory the containers use.
    type: str
    choices: [host, task, none]
  task_role:
    description:
      - The role that the containers have, by name, with its path if it has one, or by ARN. An empty text takes it out.
    type: str
  execution_role:
    description:
      - The role with which ECS pulls images, reads secrets and writes logs, by name or ARN. An empty text takes it out.
    type: str
  requires_compatibilities:
    description:
      - What the definition is checked against, such as V(EC2) or V(FARGATE).
    type: list
    elements: str
  runtime_platform:
    description:
      - What the images are made for. Merged into what is there.
    type: dict
    suboptions:
      cpu_architecture:
        description:
          - V(X86_64) or V(ARM64).
        type: str
      operating_system_family:
        description:
          - V(LINUX) or a name of a Windows release.
        type: str
  volumes:
    description:
      - The volumes. Replaces all. Keys may be in snake case.
    type: list
    elements: dict
  placement_constraints:
    description:
      - The placement constraints. Replaces all.
    type: list
    elements: dict
  ephemeral_storage:
    description:
      - Storage of a task on Fargate, in GiB.
    type: int
  enable_fault_injection:
    description:
      - Whether AWS Fault Injection Service may work on the tasks.
    type: bool
  tags:
    description:
      - Tags of the definition. Replaces all.
    type: dict
  members:
    description:
      - Members of the definition in the API's own names, set as they are, for what has no option. A null value takes one out.
    type: dict
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
attributes:
  idempotent:
    details: It never changes anything.
"""

EXAMPLES = r"""
- name: The definition for this release
  steadystate.ecs.ecs_task_definition_render:
    template_file: task-definition.json
    containers:
      - name: api
        image: "{{ pushed.image }}"
        environment:
          LOG_LEVEL: info
  register: rendered

- name: What runs now, with more memory
  steadystate.ecs.ecs_task_definition_render:
    service: api
    cluster: main
    containers:
      api:
        memory: 512
  register: rendered

- name: With a secret, a role and another container
  steadystate.ecs.ecs_task_definition_render:
    template_file: task-definition.json
    execution_role: api-execution
    containers:
      api:
        image: "{{ pushed.image }}"
        readonly_root_filesystem: true
        secrets:
          DATABASE_URL: /shop/dev/database-url
          STRIPE_KEY: {secret: shop/dev/stripe, key: secret_key}
    add_containers:
      metrics:
        image: public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0
        essential: false
        memory: 64
  register: rendered

- name: A template with variables
  steadystate.ecs.ecs_task_definition_render:
    template: "{{ lookup('ansible.builtin.template', 'task-definition.json.j2') | from_json }}"
"""

RETURN = r"""
task_definition:
  description: The definition, in the members of the ECS API, fit for M(steadystate.ecs.ecs_task_definition).
  returned: success
  type: dict
  sample: {"family": "api", "networkMode": "awsvpc", "containerDefinitions": [{"name": "api", "image": "registry/api:1.1.0"}]}
different:
  description: Whether the result differs from what it started from.
  returned: success
  type: bool
  sample: true
differences:
  description: Every member that differs. Values that look like secrets are masked.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: The container, or nothing for a member of the task itself.
      type: str
      sample: api
    field:
      description: The member.
      type: str
      sample: image
    before:
      description: Its value at the start.
      type: raw
      sample: registry/api:1.0.0
    after:
      description: Its value in the result.
      type: raw
      sample: registry/api:1.1.0
missing:
  description: Says V(service) when there is no such service to start from.
  returned: failure, when O(service) does not exist
  type: str
  sample: service
source:
  description: What the result was made from.
  returned: success
  type: str
  sample: api:12
problems:
  description: What is wrong with the definition, each with field and fix.
  returned: failure, when the definition cannot be used
  type: list
  elements: str
  sample: ["containers: there is no container 'web' in the definition. There is: api."]
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_task_definition_render import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
