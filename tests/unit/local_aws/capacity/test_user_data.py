"""The ECS agent's settings as people really write them into user data."""

from __future__ import annotations

import base64
import gzip

import pytest

from local_aws.capacity.user_data import AgentSettings, agent_settings, decode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!/bin/bash\necho ECS_CLUSTER=web >> /etc/ecs/ecs.config", AgentSettings("web")),
        ('#!/bin/bash\necho "ECS_CLUSTER=web" >> /etc/ecs/ecs.config', AgentSettings("web")),
        ("cat <<'EOF' >> /etc/ecs/ecs.config\nECS_CLUSTER='web-1'\nECS_RESERVED_MEMORY=256\nEOF", AgentSettings("web-1", 256)),
        ("ECS_CLUSTER=first\nECS_CLUSTER=second", AgentSettings("second")),
        ('ECS_CLUSTER=a\nECS_INSTANCE_ATTRIBUTES={"tier": "web", "n": 1}', AgentSettings("a", 0, {"tier": "web", "n": "1"})),
        ('echo "ECS_CLUSTER=a" ; echo "ECS_INSTANCE_ATTRIBUTES={\\"tier\\":\\"web\\"}" >> f', AgentSettings("a", 0, {"tier": "web"})),
        ('echo \'ECS_INSTANCE_ATTRIBUTES={"tier":"web"}\' >> f; echo ECS_CLUSTER=a', AgentSettings("a", 0, {"tier": "web"})),
        ("ECS_CLUSTER=a\nECS_INSTANCE_ATTRIBUTES={broken", AgentSettings("a")),
        ('[settings.ecs]\ncluster = "rocket"\n', AgentSettings("rocket")),
        ('[settings.host]\ncluster = "no"\n', None),
        ("#!/bin/bash\nyum update -y", None),
        ("", None),
    ],
)
def test_settings(text: str, expected: AgentSettings | None) -> None:
    assert agent_settings(text) == expected


def test_decoding_takes_plain_and_compressed_text_and_leaves_what_is_none() -> None:
    assert decode(base64.b64encode(b"ECS_CLUSTER=a").decode()) == "ECS_CLUSTER=a"
    assert decode(base64.b64encode(gzip.compress(b"ECS_CLUSTER=a")).decode()) == "ECS_CLUSTER=a"
    assert decode(base64.b64encode(b"\xff\xfe\x00").decode()) == ""
    assert decode("not base64!") == ""
    assert decode(None) == ""
