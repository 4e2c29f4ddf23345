"""Modelling decisions: numbers that AWS does not publish ([I] or [O] in ecs-facts.md). Durations are AWS seconds."""

from __future__ import annotations

TICK = 10.0
"""Between two looks of the service scheduler at a service [O 2.2]."""
LIFE_STEP = 1.0
"""Between two looks at what tasks need next."""
HEALTHY_AFTER_RUNNING = 40.0
"""A task without load balancer or health check counts as healthy this long after RUNNING [D 2.3]."""
COMPLETION_LAG = 20.0
"""From the last old task told to stop to `deployment completed`; the stock waiter passed 25 s before it in one log [O 1.5]."""
ENI_ATTACH = 6.0
"""Time in PROVISIONING of a placed awsvpc task [I; 28 s from RunTask to RUNNING in one log, section 5]."""
ACTIVATION = 3.0
"""From the last container's start to the registration in target groups and RUNNING [I]. A container that crashes at its very start
ends within it: such a task goes from PENDING to STOPPED and is throttled, as is usually seen."""
ENI_DETACH = 10.0
"""Time in DEPROVISIONING of an awsvpc task; 16 s in one log [O 2.4]."""
ENI_HELD_UNTIL_DETACHED = True
"""The ENI slot is free after DEPROVISIONING, not when the task begins to stop [I, open point 8]. False reproduces tasks that are
placed too early and stop with `Unable to attach network interface to unused device index`."""
STOPPED_VISIBLE = 3600.0
"""How long a stopped task is listed [D 1.5]."""
REPEAT_EVENT = 6 * 3600.0
"""Steady state is said again, and a suppressed duplicate is allowed again, after this [D 3]."""
EVENTS_KEPT = 100
RETRY_DELAYS = (0.0, 240.0, 480.0, 960.0, 1620.0)
"""Restart delay after the first, second, … failed start in a row; the last is AWS's maximum of 27 minutes [D 2.7]. The second
fits the log of O-cord: failures at 2 m 34, 4 m 46 and 11 m 00."""
EXIT_BEFORE_HEALTHY_COUNTS = True
"""A task that reaches RUNNING and exits before it was ever healthy counts as a failed start [I, open point 3]."""
STOP_UNHEALTHY_BELOW_MINIMUM = True
"""With no room to start a replacement first, one unhealthy task is stopped at a time even when fewer than the minimum are
healthy: it serves nobody, and the service could never recover otherwise [I 2.2]."""
ALARM_BAKE = 180.0
"""Bake time of deployment alarms without bakeTimeInMinutes; AWS says below 5 minutes [D 2.8]."""
PROVISIONING_TASKS_PER_CLUSTER = 500
"""Tasks that may wait in PROVISIONING for a capacity provider [D 5]."""
RESERVED_TCP_PORTS = frozenset({22, 2375, 2376, 51678, 51679})
"""Ports that every container instance keeps for itself [D 5]."""
FIRST_DYNAMIC_PORT = 32768
LAST_DYNAMIC_PORT = 60999
"""Host ports given to hostPort 0: the default ephemeral range of Linux."""
AGENT_VERSION = "1.89.2"
DOCKER_VERSION = "DockerVersion: 25.0.6"
METRICS_PERIOD = 60.0
