"""Rules of your own, as an example: what the built-in checks cannot know about a shop.

dagwright check proposal.json --catalogue shop.json --rules examples/rules.py
"""

from __future__ import annotations

from collections.abc import Iterator

from dagwright.finding import Finding
from validation.rules import View, rule


@rule(
    "X-SHOP001",
    title="refund without a look",
    remedy="Let a step that calls shop.getOrder for the same order come before.",
)
def looked_at_before_refund(view: View) -> Iterator[Finding]:
    """An order is refunded that no earlier step has looked at."""
    looks = [step for step in view.steps if step.spec.name == "shop.getOrder"]
    for refund in view.steps:
        if refund.spec.name == "shop.refundOrder":
            order = refund.step.tool_intent.required_inputs.get("id")
            earlier = [look for look in looks if view.comes_before(look, refund)]
            if order not in [look.step.tool_intent.required_inputs.get("id") for look in earlier]:
                yield view.finding(refund, "the order is refunded, but nothing looked at it before", argument="id")


@rule(
    "X-SHOP002",
    title="many orders at once",
    remedy="Ask for 50 orders at most.",
    severity="warning",
    level="resource",
)
def few_orders(view: View) -> Iterator[Finding]:
    """More orders are asked for than the shop likes to give at once; a person may agree."""
    for step in view.steps:
        limit = step.literals.get("limit")
        if step.spec.name == "shop.listOrders" and isinstance(limit, int) and limit > 50:
            message = f"{limit} orders at once are many"
            yield view.finding(step, message, argument="limit", needs_approval=True)
