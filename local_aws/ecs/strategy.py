"""Which capacity provider of a strategy gets the next task: bases first, then by weight. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.interfaces import JsonObject


def next_provider(strategy: Sequence[JsonObject], used: Sequence[str | None]) -> str:
    """`used` names the providers of the tasks that exist already. At most one item of a strategy has a base."""
    counts = {item["capacityProvider"]: sum(name == item["capacityProvider"] for name in used) for item in strategy}
    for item in strategy:
        if counts[item["capacityProvider"]] < int(item.get("base") or 0):
            return str(item["capacityProvider"])
    weighted = [item for item in strategy if int(item.get("weight") or 0) > 0] or list(strategy)
    behind = min(
        weighted,
        key=lambda item: (counts[item["capacityProvider"]] - int(item.get("base") or 0)) / max(1, int(item.get("weight") or 0)),
    )
    return str(behind["capacityProvider"])
