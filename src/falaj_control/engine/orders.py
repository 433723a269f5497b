"""Making orders: what a task's process is told, from the plan, the run and the step's options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from falaj.model.cards import cards_among
from falaj.model.graph import FlowDescription, StepSpec
from falaj.model.orders import CARD, FALLBACK, HOOK, INIT, SNAPSHOT, TASK, TRAVEL, Order
from falaj_control.engine.active import ActiveTask
from falaj_control.ports.executing import HostPlace, Placement

_HERE = "127.0.0.1"


class RunFacts(NamedTuple):
    """What every order of a run has in common.

    `fresh` says whether forking the launcher is out of the question, `spawn` whether the person
    wants no forks at all; `protocol` is the newest of pickle's that all of its Pythons read.
    `spin` is what the process of a spun task needs to know besides, None for a run.
    """

    flow: str
    run: int
    store: str
    user: str
    namespace: str | None
    origin: int | None
    tags: tuple[str, ...]
    constants: tuple[str, ...]
    fresh: bool
    spawn: bool = False
    protocol: int = 5
    show_values: bool = False
    project: Mapping[str, Any] | None = None
    trigger: Sequence[Mapping[str, Any]] = ()
    spin: Mapping[str, Any] | None = None


def init_order(facts: RunFacts, given: Mapping[str, Any], origin_parameters: str | None) -> Order:
    """Return the order that settles the run's parameters."""
    context = {**_context(facts), "parameters": dict(given)}
    return Order(
        INIT, facts.flow, facts.run, "_parameters", 0, 0, (), (), origin_parameters, {}, context
    )


def snapshot_order(facts: RunFacts, travelled: str | None) -> Order:
    """Return the order that stores the run's code; `travelled` lists what travels with it."""
    context = {**_context(facts), "travelled": travelled}
    return Order(SNAPSHOT, facts.flow, facts.run, "_code", 0, 0, (), (), None, {}, context)


def travel_order(facts: RunFacts, includes: tuple[str, ...]) -> Order:
    """Return the order that collects the user's packages that travel with the run."""
    context = {**_context(facts), "includes": includes}
    return Order(TRAVEL, facts.flow, facts.run, "_travel", 0, 0, (), (), None, {}, context)


def travel_alone(order: Order) -> Order:
    """Return the order that collects the user's packages for another order that has no run."""
    context = {"store": order.context["store"], "includes": ()}
    return Order(TRAVEL, order.flow, order.run, "_travel", 0, 0, (), (), None, {}, context)


def hook_order(facts: RunFacts, function: str) -> Order:
    """Return the order that calls an exit hook."""
    context = {**_context(facts), "function": function}
    return Order(HOOK, facts.flow, facts.run, "_exit_hook", 0, 0, (), (), None, {}, context)


def task_order(
    facts: RunFacts,
    task: ActiveTask,
    parameters: str,
    secrets: Mapping[str, Any] | None = None,
) -> Order:
    """Return the order for a task's current attempt; `secrets` are what its step is to get."""
    options = dict(task.options)
    options.pop("secrets", None)
    options["last_attempt"] = task.fallback is not None or task.attempt >= task.policy.retries
    context = _context(facts)
    if task.fallback is not None:
        context["died"] = task.fallback
    if secrets is not None and task.fallback is None:
        context["secrets"] = secrets
    planned = task.planned
    gang, place = planned.gang, planned.place
    if gang is not None and place is not None:
        # Task ids count up through a gang; its members all run on this machine.
        first = str(planned.id - place.position)
        context["parallel"] = (_HERE, gang.width, place.position, first)
    return Order(
        TASK if task.fallback is None else FALLBACK,
        facts.flow,
        facts.run,
        planned.step,
        planned.id,
        task.attempt,
        planned.inputs,
        planned.frames,
        parameters,
        options,
        context,
    )


def card_order(
    facts: RunFacts,
    attempt: tuple[str, int, int],
    attributes: Mapping[str, Any],
    data: str | None,
    mode: str,
    previous: str | None,
) -> Order:
    """Return the order that renders a card of an attempt, given as step, task and number.

    `attributes` are those of the decorator, `data` the digest of the card's components, `previous`
    that of its page so far.
    """
    asked = {name: attributes[name] for name in ("type", "options", "save_errors")}
    context = {**_context(facts), **asked, "data": data, "mode": mode, "previous": previous}
    return Order(CARD, facts.flow, facts.run, *attempt, (), (), None, {}, context)


def step_options(step: StepSpec) -> dict[str, Any]:
    """Return a step's decorators as data by name; a timeout as its seconds, cards as a list.

    Those of users, which have dotted names, are objects of the host.
    """
    options: dict[str, Any] = {
        d.name: dict(d.attributes) for d in step.decorators if "." not in d.name
    }
    if "card" in options:
        options["card"] = cards_among(step.decorators)
    timeout = options.get("timeout")
    if timeout is not None:
        options["timeout"] = (
            timeout["seconds"] + 60.0 * timeout["minutes"] + 3600.0 * timeout["hours"]
        )
    return options


def placement(facts: RunFacts, options: Mapping[str, Any], place: HostPlace | None) -> Placement:
    """Return where a step's tasks run; a `place` of None is the launching environment."""
    variables = options.get("environment", {}).get("vars", {})
    # What makes forking the launcher unsafe says nothing about another interpreter's host, which
    # speaks for itself.
    fresh = facts.fresh if place is None else facts.spawn
    return Placement(tuple(sorted(variables.items())), place, fresh)


def graph_record(description: FlowDescription) -> Mapping[str, Any]:
    """Return the form in which a run keeps its flow's description."""
    if any(step.decorator("secrets") is not None for step in description.steps):
        # Imported here: most flows have no secrets.
        from falaj.authoring.secret_sources import without_values

        description = without_values(description)
    return json.loads(json.dumps(description.to_wire()))


def _context(facts: RunFacts) -> dict[str, Any]:
    context: dict[str, Any] = {
        **({} if facts.spin is None else {"spin": facts.spin}),
        "store": facts.store,
        "user": facts.user,
        "namespace": facts.namespace,
        "default_namespace": f"user:{facts.user}",
        "origin": None if facts.origin is None else str(facts.origin),
        "tags": facts.tags,
        "constants": facts.constants,
        "show_values": facts.show_values,
        "protocol": facts.protocol,
    }
    if facts.project is not None:
        context["project"] = facts.project
    if facts.trigger:
        context["trigger"] = list(facts.trigger)
    return context
