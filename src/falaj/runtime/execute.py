"""One task, in its own process: an order in, blobs and a report out."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any, Callable, Dict, Optional, Sequence, Union, cast

from falaj.authoring.flowspec import FlowSpec, assigned_in, bind, next_call
from falaj.authoring.inputs import CAUGHT, Inputs
from falaj.authoring.settling import settle_parameters
from falaj.authoring.shape import kept_shape
from falaj.authoring.taskstate import TaskState
from falaj.authoring.ways import NextCall
from falaj.errors import (
    CorruptBlob,
    FailureHandledByCatch,
    FalajException,
    InvalidNextException,
    StepExit,
)
from falaj.model.graph import END, FOREACH, PARALLEL, SWITCH, FlowDescription, StepSpec
from falaj.model.orders import FALLBACK, INIT, ErrorInfo, Order, Report, Transition
from falaj.redaction import redact_beginning
from falaj.runtime.beginning import announce, seed, usage
from falaj.runtime.deadline import Deadline
from falaj.runtime.failure import describe_exception, wrap
from falaj.store.blobs import BlobStore, FetchingStore
from falaj.store.codec import PROTOCOL
from falaj.store.manifests import Entry, load_manifest

LABEL_LENGTH = 30


def execute(flow_class: type, description: FlowDescription, order: Order) -> Report:
    """Run `order` and return how it went; the user's exceptions are part of the report."""
    store = FetchingStore(str(order.context["store"]))
    started = time.monotonic()
    seed()
    announce(description, order)
    spin = order.context.get("spin")
    if order.kind == INIT:
        report = _settle(flow_class, description, order, store)
    else:
        try:
            if spin is not None and spin["artifacts"] is not None:
                # Imported here: only a spin that was asked for it replaces inputs.
                from falaj.runtime.replacing import with_replaced_inputs

                order = with_replaced_inputs(order, store, spin["artifacts"])
            attempt = _Attempt(flow_class, description, order, store)
        except FalajException as error:
            # What the task starts from can't be read.
            report = Report("failed", None, None, describe_exception(error), "", {})
        else:
            report = attempt.run()
        if "card" in order.options:
            # Imported here: most tasks have no cards.
            from falaj.runtime.cards import leave_cards

            leave_cards(order, report.outcome != "failed")
    return report._replace(usage=usage(time.monotonic() - started))


class _Attempt:
    """One attempt of a step: the flow object, its body, and what is kept of it."""

    def __init__(
        self, flow_class: type, description: FlowDescription, order: Order, store: BlobStore
    ) -> None:
        self.order = order
        self.spec = description.step(order.step)
        self.flow_class = flow_class
        source = order.parameters if self.spec.is_join else None
        if source is None:
            source = order.inputs[0].manifest if order.inputs else order.parameters
        inherited = load_manifest(store, source) if source is not None else None
        constants = frozenset(order.context["constants"])
        self.state = TaskState(
            store, inherited, order.frames, constants, order.step, _protocol(order)
        )
        self.settled: Dict[str, Entry] = {}
        if order.context["origin"] is not None and order.parameters is not None:
            # A reused task left the constants of its own run; those of this one hold.
            settled = load_manifest(store, order.parameters).entries
            self.settled = {name: entry for name, entry in settled.items() if name in constants}
        self.flow = self._make(order.step, self.state)

    def _make(self, step: str, state: TaskState) -> FlowSpec:
        state.kept.update(self.settled)
        state.unverified = self.state.unverified
        flow: FlowSpec = cast(Any, object.__new__)(self.flow_class)
        bind(flow, state, step)
        return flow

    def run(self) -> Report:
        """Run the body and commit; on an exception that is to be caught, commit that."""
        catch = self.order.options.get("catch")
        try:
            if self.order.kind == FALLBACK:
                raise FailureHandledByCatch(str(self.order.context["died"]))
            granted = self.order.context.get("secrets")
            if granted is not None:
                # Imported here: few steps have secrets.
                from falaj.runtime.secrets import set_secrets

                set_secrets(granted)
            with Deadline(self.order.options.get("timeout"), self.order.step):
                self._call_body(catch)
                transition = self._transition()
            self.state.verify()
            return self._report("succeeded", self._commit(transition))
        except BaseException as error:
            if isinstance(error, SystemExit):
                error = StepExit(
                    "Step {} called sys.exit({}). Let a step end by itself, or raise an exception "
                    "to fail it.".format(self.order.step, "" if error.code is None else error.code)
                ).with_traceback(error.__traceback__)
            tolerable = isinstance(error, Exception)
            show_values = bool(self.order.context.get("show_values"))
            info = describe_exception(self._damage() or error, show_values)
        if catch is not None and tolerable and self.order.options.get("last_attempt"):
            try:
                return self._caught(catch, info)
            except Exception as second:
                info = describe_exception(second)
        return self._failed(info)

    def _damage(self) -> Optional[CorruptBlob]:
        # A damaged artifact explains what failed better than the failure itself.
        try:
            self.state.verify()
        except CorruptBlob as damage:
            return damage
        return None

    def _call_body(self, catch: Optional[Dict[str, Any]]) -> None:
        body = getattr(self.flow, self.order.step)
        shape = kept_shape(self.flow_class)
        wrappers = () if shape is None else shape.steps[self.order.step].wrappers
        if wrappers:
            # The outermost, which comes first, was added last.
            self._call_wrapped(wrappers[::-1], body)
        elif self.spec.is_join:
            body(Inputs(self.state.store, self.order.inputs, self._make))
        else:
            body()
        if catch is not None and catch.get("var"):
            setattr(self.flow, str(catch["var"]), None)

    def _call_wrapped(self, wrappers: Sequence[Any], body: Callable[..., Any]) -> None:
        # Imported here: most steps have no decorators of the user's own.
        from falaj.runtime.wrapping import run_wrapped

        inputs: Optional[Inputs] = None
        if self.spec.is_join:
            inputs = Inputs(self.state.store, self.order.inputs, self._make)
            body = partial(body, inputs)
        if run_wrapped(wrappers, self.flow, self.spec, body, inputs):
            asked = next_call(self.flow)
            if asked is not None and asked.foreach is not None:
                # Decorators may let a foreach go over other values.
                self.spec = self.spec._replace(foreach=asked.foreach)

    def _transition(self) -> Optional[Transition]:
        asked = next_call(self.flow)
        spec = self.spec
        if spec.kind == END:
            if asked is not None:
                raise InvalidNextException(
                    "Step {} is the end of the flow and can't call self.next().".format(spec.name)
                )
            return None
        if asked is None:
            member = self.order.context.get("parallel")
            if member is not None and member[2] > 0:
                # What comes after a gang is for its first member to say; others may return early.
                return Transition(spec.targets)
            raise InvalidNextException(
                "Step {} ended without self.next(), which has to be its last statement.".format(
                    spec.name
                )
            )
        if _form(asked) != _form(spec):
            raise InvalidNextException(
                "Step {} called {}, but its source at line {} says {}. A step has one self.next(), "
                "written out.".format(spec.name, _spell(asked), spec.line, _spell(spec))
            )
        if asked.chosen is not None:
            return Transition((asked.chosen,), condition=asked.condition)
        return Transition(asked.targets, asked.foreach, asked.width, gang=asked.width > 0)

    def _commit(self, transition: Optional[Transition]) -> "tuple[str, Optional[Transition]]":
        spin = self.order.context.get("spin")
        if spin is not None and not spin["persist"]:
            # Nothing follows from it and nobody asked to keep it: what it started from stands.
            return self.state.commit({}), None
        assigned = assigned_in(self.flow)
        if transition is not None and transition.foreach is not None:
            saved = self.state.commit_values(transition.foreach)
            transition = transition._replace(width=saved.width, values=saved.digest)
        return self.state.commit(assigned), transition

    def _caught(self, catch: Dict[str, Any], info: ErrorInfo) -> Report:
        if catch.get("print_exception", True):
            sys.stderr.write(info.traceback)
        kept = wrap(info)
        setattr(self.flow, CAUGHT, kept)
        if catch.get("var"):
            setattr(self.flow, str(catch["var"]), kept)
        transition: Optional[Transition] = None
        if self.spec.kind in (FOREACH, SWITCH, PARALLEL):
            raise InvalidNextException(
                "A step that ends in a {} can't have @catch.".format(
                    "gang" if self.spec.kind == PARALLEL else self.spec.kind
                )
            )
        if self.spec.kind != END:
            transition = Transition(self.spec.targets)
        manifest = self.state.commit(assigned_in(self.flow), partial=True)
        return self._report("caught", (manifest, transition), info)

    def _failed(self, info: ErrorInfo) -> Report:
        manifest: Optional[str] = None
        try:
            manifest = self.state.commit(assigned_in(self.flow), partial=True)
        except Exception:
            # The failure itself matters more than what was left of the attempt.
            manifest = None
        return self._report("failed", (manifest, None), info)

    def _report(
        self,
        outcome: str,
        left: "tuple[Optional[str], Optional[Transition]]",
        error: Optional[ErrorInfo] = None,
    ) -> Report:
        return Report(outcome, left[0], left[1], error, self._label(), {})

    def _label(self) -> str:
        frames = self.state.frames
        if frames and not frames[-1].values:
            return "node {}".format(frames[-1].index)
        position = len(frames) - 1
        if not frames or position not in self.state.inputs:
            return ""
        try:
            value = self.state.inputs[position]
            text = value if isinstance(value, str) else repr(value)
            text = redact_beginning(text, LABEL_LENGTH * 20)
        except Exception:
            return ""
        text = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
        if len(text) > LABEL_LENGTH:
            text = text[: LABEL_LENGTH - 1] + "…"
        return "{}={}".format(frames[-1].variable, text)


def _settle(
    flow_class: type, description: FlowDescription, order: Order, store: BlobStore
) -> Report:
    try:
        origin = load_manifest(store, order.parameters) if order.parameters else None
        state = TaskState(store, origin, (), frozenset(), protocol=_protocol(order))
        values = settle_parameters(flow_class, FlowSpec, description, order.context, origin)
        return Report("succeeded", state.commit(values, partial=True), None, None, "", {})
    except Exception as error:
        return Report("failed", None, None, describe_exception(error), "", {})


def _protocol(order: Order) -> int:
    return int(order.context.get("protocol", PROTOCOL))


def _form(call: "Union[NextCall, StepSpec]") -> "tuple[object, ...]":
    return call.kind, call.targets, call.foreach, call.condition


def _spell(call: "Union[NextCall, StepSpec]") -> str:
    targets = ", ".join("self.{}".format(target) for target in call.targets)
    if call.kind == SWITCH:
        return "self.next({{… {}}}, condition={!r})".format(targets, call.condition)
    if call.kind == PARALLEL:
        targets += ", num_parallel=…"
    if call.foreach is not None:
        targets += ", foreach={!r}".format(call.foreach)
    return "self.next({})".format(targets)
