#!/usr/bin/python
# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service
version_added: 0.1.0
short_description: Create, update or delete an Amazon ECS service
description:
  - Brings a service to what the options say. An option that is left out is left alone, on every run.
  - Returns the ID of the deployment that ECS works on afterwards, which is what M(steadystate.ecs.ecs_service_wait) judges.
  - It does not wait for the deployment. It does wait until a deleted service is gone.
  - What ECS fills in, and the order in which it gives lists back, is no difference. A second run changes nothing.
  - Every setting of C(CreateService) and C(UpdateService) is here but C(clientToken), since the name already makes the call safe to repeat.
  - A setting that the installed botocore does not know is refused by its name, before anything is sent.
author:
  - The steadystate.ecs authors (@steadystate)
options:
  name:
    description:
      - Name of the service.
    type: str
    required: true
  state:
    description:
      - V(present) creates or updates the service.
      - V(absent) scales it to zero, deletes it, and waits until its tasks have been drained and stopped.
    type: str
    choices: [present, absent]
    default: present
  task_definition:
    description:
      - The task definition to run, as C(family:revision) or an ARN. Needed to create the service.
      - When the last deployment of this very revision failed, it is started again.
    type: str
  desired_count:
    description:
      - How many tasks to run. Needed to create a service, except a V(DAEMON) one.
      - When Application Auto Scaling has a scalable target for the service, the count of an existing service is autoscaling's,
        inside its bounds and outside of them, and this option is for a new service only.
        It counts again while both directions of scaling are suspended.
      - Left out, the count is left alone.
    type: int
  launch_type:
    description:
      - Where tasks run. It cannot be changed on an existing service.
    type: str
    choices: [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]
  load_balancers:
    description:
      - What tasks are registered in, in any order. An empty list takes them all away.
      - Each entry has either a C(target_group_arn) or a C(load_balancer_name).
    type: list
    elements: dict
    suboptions:
      target_group_arn:
        description: ARN of the target group.
        type: str
      load_balancer_name:
        description: Name of a Classic Load Balancer.
        type: str
      container_name:
        description: The container that receives the traffic.
        type: str
        required: true
      container_port:
        description: Its port.
        type: int
        required: true
      advanced_configuration:
        description: What traffic is shifted with. For the strategies V(BLUE_GREEN), V(LINEAR) and V(CANARY).
        type: dict
        suboptions:
          alternate_target_group_arn:
            description: ARN of the second target group, for the new revision.
            type: str
          production_listener_rule:
            description: ARN of the rule or listener that carries the production traffic.
            type: str
          test_listener_rule:
            description: ARN of the rule or listener that carries the test traffic.
            type: str
          role_arn:
            description: ARN of the role with which ECS changes the load balancer.
            type: str
  service_registries:
    description:
      - The Cloud Map services that tasks are registered in. An empty list takes them all away.
    type: list
    elements: dict
    suboptions:
      registry_arn:
        description: ARN of the Cloud Map service.
        type: str
        required: true
      port:
        description: The port of an SRV record, where C(container_port) does not say it.
        type: int
      container_name:
        description: The container whose port is registered.
        type: str
      container_port:
        description: Its port.
        type: int
  service_connect_configuration:
    description:
      - "Service Connect: how the service is found by others of its namespace, and finds them."
      - It replaces what the service has, as a whole.
    type: dict
    suboptions:
      enabled:
        description: Whether the service uses Service Connect.
        type: bool
        required: true
      namespace:
        description: Name or ARN of the Cloud Map namespace.
        type: str
      services:
        description: The ports that others may call.
        type: list
        elements: dict
        suboptions:
          port_name:
            description: Name of a port mapping of the task definition.
            type: str
            required: true
          discovery_name:
            description: The name in Cloud Map, when it is not the name of the port.
            type: str
          client_aliases:
            description: The names and ports under which clients call it.
            type: list
            elements: dict
            suboptions:
              port:
                description: The port that clients call.
                type: int
                required: true
              dns_name:
                description: The name that clients call.
                type: str
              test_traffic_rules:
                description: Which requests are test traffic. For the strategies V(BLUE_GREEN), V(LINEAR) and V(CANARY).
                type: dict
                suboptions:
                  header:
                    description: Requests with this header.
                    type: dict
                    suboptions:
                      name:
                        description: Name of the header.
                        type: str
                        required: true
                      value:
                        description: What it has to hold.
                        type: dict
                        suboptions:
                          exact:
                            description: This very value.
                            type: str
                            required: true
          ingress_port_override:
            description: The port that the proxy listens on.
            type: int
          timeout:
            description: How long the proxy waits.
            type: dict
            suboptions:
              idle_timeout_seconds:
                description: For how many seconds a connection may be idle. 0 means for ever.
                type: int
              per_request_timeout_seconds:
                description: How many seconds a request may take. 0 means any number.
                type: int
          tls:
            description: Encryption between proxies.
            type: dict
            suboptions:
              issuer_certificate_authority:
                description: Who signs the certificates.
                type: dict
                required: true
                suboptions:
                  aws_pca_authority_arn:
                    description: ARN of the private certificate authority.
                    type: str
              kms_key:
                description: The KMS key for the private keys.
                type: str
              role_arn:
                description: ARN of the role with which ECS gets certificates.
                type: str
      log_configuration:
        description: Where the proxy's log goes.
        type: dict
        suboptions:
          log_driver:
            description: The log driver.
            type: str
            required: true
          options:
            description: Its options. Keys and values are passed as they are.
            type: dict
          secret_options:
            description: Options that are secrets.
            type: list
            elements: dict
            suboptions:
              name:
                description: Name of the option.
                type: str
                required: true
              value_from:
                description: ARN of the secret or parameter.
                type: str
                required: true
      access_log_configuration:
        description: The proxy's log of requests.
        type: dict
        suboptions:
          format:
            description: How a request is written.
            type: str
            required: true
            choices: [TEXT, JSON]
          include_query_parameters:
            description: Whether query parameters are written too.
            type: str
            choices: [DISABLED, ENABLED]
      container_configurations:
        description: Settings of the proxy's container.
        type: list
        elements: dict
        suboptions:
          log_level:
            description: How much it says.
            type: str
            choices: [debug, info]
  volume_configurations:
    description:
      - EBS volumes that ECS makes for each task. An empty list takes them away.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the volume in the task definition, which has it C(configuredAtLaunch).
        type: str
        required: true
      managed_ebs_volume:
        description: The volume.
        type: dict
        suboptions:
          role_arn:
            description: ARN of the role with which ECS manages volumes.
            type: str
            required: true
          encrypted:
            description: Whether it is encrypted.
            type: bool
          kms_key_id:
            description: The KMS key that encrypts it.
            type: str
          volume_type:
            description: Its type, for example V(gp3).
            type: str
          size_in_gib:
            description: Its size in GiB. Not needed with a snapshot.
            type: int
          snapshot_id:
            description: The snapshot that it is made from.
            type: str
          volume_initialization_rate:
            description: How fast the snapshot is read, in MiB per second.
            type: int
          iops:
            description: Input and output operations per second.
            type: int
          throughput:
            description: Throughput in MiB per second. For V(gp3).
            type: int
          filesystem_type:
            description: The file system.
            type: str
            choices: [ext3, ext4, xfs, ntfs]
          tag_specifications:
            description: Tags of the volume.
            type: list
            elements: dict
            suboptions:
              resource_type:
                description: What is tagged.
                type: str
                required: true
                choices: [volume]
              tags:
                description: The tags.
                type: dict
              propagate_tags:
                description: Where more tags come from.
                type: str
                choices: [NONE, SERVICE, TASK_DEFINITION]
  vpc_lattice_configurations:
    description:
      - The VPC Lattice target groups that tasks are registered in. An empty list takes them all away.
    type: list
    elements: dict
    suboptions:
      role_arn:
        description: ARN of the role with which ECS manages targets.
        type: str
        required: true
      target_group_arn:
        description: ARN of the target group.
        type: str
        required: true
      port_name:
        description: Name of a port mapping of the task definition.
        type: str
        required: true
      advanced_configuration:
        description: What traffic is shifted with. For the strategies V(BLUE_GREEN), V(LINEAR) and V(CANARY).
        type: dict
        suboptions:
          alternate_target_group_arn:
            description: ARN of the second target group, for the new revision.
            type: str
          production_listener_rule:
            description: ARN of the rule or listener that carries the production traffic.
            type: str
          test_listener_rule:
            description: ARN of the rule or listener that carries the test traffic.
            type: str
  gateway_connectors:
    description:
      - What connects the service to a gateway's ingress path. ECS takes at most one. Needs botocore 1.44.5 or newer.
    type: list
    elements: dict
    suboptions:
      port_name:
        description: Name of a port mapping of the task definition.
        type: str
        required: true
      health_check:
        description: How targets are checked.
        type: dict
        suboptions:
          health_check_protocol:
            description: The protocol.
            type: str
            choices: [HTTP, HTTPS]
          health_check_port:
            description: The port.
            type: int
          health_check_path:
            description: The path.
            type: str
          health_check_timeout_seconds:
            description: How many seconds an answer may take.
            type: int
          health_check_interval_seconds:
            description: How many seconds lie between two checks.
            type: int
          healthy_threshold_count:
            description: How many checks in a row make a target healthy.
            type: int
          unhealthy_threshold_count:
            description: How many failed checks in a row make it unhealthy.
            type: int
          matcher:
            description: Which answers are good.
            type: dict
            suboptions:
              http_code:
                description: HTTP codes, for example V(200-299).
                type: str
              grpc_code:
                description: gRPC codes.
                type: str
      filters:
        description: Which gateways it connects to.
        type: dict
        suboptions:
          access_types:
            description: Kinds of access.
            type: list
            elements: str
      deregistration_delay:
        description: How targets are let go.
        type: dict
        suboptions:
          timeout_seconds:
            description: For how many seconds requests in flight may go on.
            type: int
  monitoring:
    description:
      - How finely ECS measures the service. Needs botocore 1.44.5 or newer.
    type: dict
    suboptions:
      metric_configurations:
        description: Metrics and their resolution.
        type: list
        elements: dict
        suboptions:
          metric_names:
            description: Names of the metrics.
            type: list
            elements: str
            required: true
          resolution_seconds:
            description: How many seconds a measurement covers.
            type: int
            required: true
  deployment_configuration:
    description:
      - How ECS replaces tasks. What is not named in it is left alone.
    type: dict
    suboptions:
      maximum_percent:
        description: How many tasks may run during a deployment, in percent of the desired count, rounded down.
        type: int
      minimum_healthy_percent:
        description: How many healthy tasks must run during a deployment, in percent of the desired count, rounded up.
        type: int
      strategy:
        description:
          - How traffic goes from the old tasks to the new ones.
          - What belongs to another strategy is dropped when it is changed. Needs botocore 1.43.11 or newer.
        type: str
        choices: [ROLLING, BLUE_GREEN, LINEAR, CANARY]
      bake_time_in_minutes:
        description:
          - For how many minutes ECS keeps watching, and the old tasks, after the last step.
          - "V(BLUE_GREEN) has to have it. Needs botocore 1.43.11 or newer."
        type: int
      deployment_circuit_breaker:
        description: Ends a deployment whose tasks fail again and again.
        type: dict
        suboptions:
          enable:
            description: Whether it watches.
            type: bool
            required: true
          rollback:
            description: Whether ECS goes back to the last completed deployment.
            type: bool
            default: true
          reset_on_healthy_task:
            description: Whether one healthy task sets the count of failures to zero. Needs botocore 1.43.106 or newer.
            type: bool
          threshold_configuration:
            description: How many failures are too many. Needs botocore 1.43.106 or newer.
            type: dict
            suboptions:
              type:
                description: A number, or a percentage of the desired count with or without ECS's own bounds.
                type: str
                required: true
                choices: [COUNT, BOUNDED_PERCENT, UNBOUNDED_PERCENT]
              value:
                description: The number or percentage.
                type: int
                required: true
      alarms:
        description: CloudWatch alarms that end a deployment when they fire.
        type: dict
        suboptions:
          alarm_names:
            description: Names of the alarms, in any order.
            type: list
            elements: str
            required: true
          enable:
            description: Whether they are watched.
            type: bool
            default: true
          rollback:
            description: Whether ECS goes back to the last completed deployment.
            type: bool
            default: true
      lifecycle_hooks:
        description: What ECS calls or pauses for during a deployment. The list replaces the one there is. Needs botocore 1.43.11 or newer.
        type: list
        elements: dict
        suboptions:
          target_type:
            description: A function that is called, or a pause until somebody says to go on. ECS takes V(AWS_LAMBDA) when it is left out.
            type: str
            choices: [AWS_LAMBDA, PAUSE]
          hook_target_arn:
            description: ARN of the function.
            type: str
          role_arn:
            description: ARN of the role with which ECS calls it.
            type: str
          lifecycle_stages:
            description: The stages at which it is called.
            type: list
            elements: str
            required: true
            choices:
              - RECONCILE_SERVICE
              - PRE_SCALE_UP
              - POST_SCALE_UP
              - TEST_TRAFFIC_SHIFT
              - POST_TEST_TRAFFIC_SHIFT
              - PRE_PRODUCTION_TRAFFIC_SHIFT
              - PRODUCTION_TRAFFIC_SHIFT
              - POST_PRODUCTION_TRAFFIC_SHIFT
          hook_details:
            description: Passed to the function as it is.
            type: dict
          timeout_configuration:
            description: What happens when nobody answers.
            type: dict
            suboptions:
              timeout_in_minutes:
                description: After how many minutes.
                type: int
              action:
                description: What ECS does then.
                type: str
                choices: [ROLLBACK, CONTINUE]
      linear_configuration:
        description: The steps of V(LINEAR).
        type: dict
        suboptions:
          step_percent:
            description: Percent of the traffic that each step shifts, 3 to 100.
            type: float
          step_bake_time_in_minutes:
            description: Minutes between two steps, 0 to 1440.
            type: int
      canary_configuration:
        description: The steps of V(CANARY).
        type: dict
        suboptions:
          canary_percent:
            description: Percent of the traffic that the first step shifts, 0.1 to 100.
            type: float
          canary_bake_time_in_minutes:
            description: Minutes until the rest follows, 0 to 1440.
            type: int
      early_success_criteria:
        description: When a V(ROLLING) deployment counts as done before every task is replaced. Needs botocore 1.43.106 or newer.
        type: dict
        suboptions:
          enable:
            description: Whether it may be done early.
            type: bool
            required: true
          healthy_percent:
            description: How many healthy new tasks make it done, in percent of the desired count. Needed when enabled.
            type: int
          source_service_revision_cleanup:
            description: Whether the old tasks have to be gone by then. Needed when enabled.
            type: str
            choices: [BLOCKING, DEFERRED]
  deployment_controller:
    description:
      - Who makes the service's deployments.
    type: dict
    suboptions:
      type:
        description: The controller. M(steadystate.ecs.ecs_service_wait) can judge deployments of V(ECS) only.
        type: str
        required: true
        choices: [ECS, CODE_DEPLOY, EXTERNAL]
  role:
    description:
      - The role with which ECS calls a load balancer when there is no service-linked role.
      - It cannot be changed on an existing service.
    type: str
  health_check_grace_period_seconds:
    description:
      - For how many seconds after a task's start ECS ignores failing health checks.
    type: int
  availability_zone_rebalancing:
    description:
      - Whether ECS moves tasks to keep the zones even. V(ENABLED) needs a C(maximum_percent) above 100.
    type: str
    choices: [ENABLED, DISABLED]
  enable_execute_command:
    description:
      - Whether commands can be run in the service's containers with ECS Exec.
    type: bool
  enable_ecs_managed_tags:
    description:
      - Whether ECS tags the tasks with the names of cluster and service.
    type: bool
  propagate_tags:
    description:
      - Where the tags of tasks come from.
    type: str
    choices: [NONE, SERVICE, TASK_DEFINITION]
  scheduling_strategy:
    description:
      - "V(REPLICA) keeps O(desired_count) tasks, V(DAEMON) one on each container instance. It cannot be changed on an existing service."
    type: str
    choices: [REPLICA, DAEMON]
  tags:
    description:
      - Tags of the service. Other tags are left alone unless O(purge_tags) is set.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description:
      - Whether tags that are not in O(tags) are removed. Without O(tags) it does nothing.
    type: bool
    default: false
  force_new_deployment:
    description:
      - Start a deployment although nothing differs, for example to pull a moved image tag again.
    type: bool
    default: false
  on_in_progress:
    description:
      - What to do when this call would start a deployment while another one, which is not the one wanted here, is in progress.
      - V(wait) waits until it has ended, well or badly, looks again at what differs, and then goes on.
        Nobody's rollout is cut off and nobody has to come back, which is why it is the default.
      - V(fail) fails with nothing changed.
      - V(supersede) goes ahead. ECS then stops the other deployment, and whoever watches that one is told that it was superseded.
        It is the choice for a fix of a release that ECS would try for ever.
      - A deployment that already is what is wanted is nobody else's. Its ID is returned and nothing is changed.
    type: str
    choices: [wait, fail, supersede]
    default: wait
  timeout:
    description:
      - How many seconds to wait for a deleted service to be gone, or for another deployment with O(on_in_progress=wait).
    type: int
    default: 900
seealso:
  - module: steadystate.ecs.ecs_service_wait
extends_documentation_fragment:
  - steadystate.ecs._aws
  - steadystate.ecs._placement
  - steadystate.ecs._attributes
  - steadystate.ecs._attributes.keeps
  - steadystate.ecs._attributes.actiongroup_aws
  - steadystate.ecs._cluster
attributes:
  idempotent:
    support: partial
    details: With O(force_new_deployment=true) every run starts a deployment.
"""

EXAMPLES = r"""
- name: Deploy the new revision
  steadystate.ecs.ecs_service:
    name: api
    cluster: main
    task_definition: "{{ registered.task_definition_arn }}"
  register: deployed

- name: Set a service up
  steadystate.ecs.ecs_service:
    name: api
    cluster: main
    task_definition: api:1
    desired_count: 2
    capacity_provider_strategy:
      - capacity_provider: main
        weight: 1
    network_configuration:
      subnets: "{{ private_subnets }}"
      security_groups: ["{{ app_group }}"]
    load_balancers:
      - target_group_arn: "{{ target_group }}"
        container_name: api
        container_port: 8080
    deployment_configuration:
      minimum_healthy_percent: 100
      maximum_percent: 200
      deployment_circuit_breaker:
        enable: true
    health_check_grace_period_seconds: 30

- name: Delete it
  steadystate.ecs.ecs_service:
    name: api
    cluster: main
    state: absent
"""

RETURN = r"""
service:
  description: The service as ECS describes it, in snake case and without its events.
  returned: success
  type: dict
  sample: {"service_name": "api", "status": "ACTIVE", "desired_count": 2, "running_count": 2}
deployment_id:
  description: ID of the PRIMARY deployment after the call.
  returned: success
  type: str
  sample: ecs-svc/1234567890123456789
deployment_started:
  description: Whether this call started a deployment, or in check mode whether it would.
  returned: success
  type: bool
  sample: true
service_deployment_arn:
  description: ARN of the deployment's record, when ECS named it.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/api/AbCdEfGhIjKlMnOpQrStU
task_definition_arn:
  description: The task definition of the PRIMARY deployment.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:13
previous_task_definition_arn:
  description: The task definition that was deployed before, when this call started a deployment on an existing service.
  returned: success
  type: str
  sample: arn:aws:ecs:eu-west-1:123456789012:task-definition/api:12
"""

from ..module_utils._run_module import run_module
from ..module_utils._verbs.ecs_service import VERB


def main() -> None:
    run_module(VERB)


if __name__ == "__main__":
    main()
