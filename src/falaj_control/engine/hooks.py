"""Calls the flow's exit hooks once its run is recorded as ended; nothing they do changes that."""

from __future__ import annotations

import signal

from falaj.model.states import CANCELLED, FAILED, RUN_SUCCESSFUL
from falaj_control.engine.context import RunContext
from falaj_control.engine.endings import describe_death
from falaj_control.engine.logs import LogDrain
from falaj_control.engine.orders import hook_order, placement
from falaj_control.ports.executing import Ended, LauncherGone, Printed, Signalled

_KILL_AGAIN = 1.0
_PARTIAL_LINES_EVERY = 0.1


class ExitHooks:
    """Runs one hook after the other, each in a process of its own, up to the time that it has."""

    def __init__(self, context: RunContext) -> None:
        """Call the hooks of the flow whose run is `context`."""
        self._context = context
        self._parts = context.parts
        self._interrupted = False

    def run(self, state: str) -> None:
        """Call the hooks for a run that ended in `state`; return when the last one has ended."""
        for name in self._names(state):
            if self._interrupted:
                self._parts.watcher.note(f"The exit hook `{name}` was not called.")
                continue
            _HookCall(self._context, name).run(self)

    def interrupt(self) -> None:
        """Call no further hooks."""
        self._interrupted = True

    def _names(self, state: str) -> list[str]:
        if state in RUN_SUCCESSFUL:
            which = "on_success"
        elif state in (FAILED, CANCELLED):
            which = "on_error"
        else:
            # Whoever could call them is gone.
            return []
        specs = self._context.plan.description.decorators
        return [name for one in specs if one.name == "exit_hook" for name in one.attributes[which]]


class _HookCall:
    def __init__(self, context: RunContext, name: str) -> None:
        self._context = context
        self._parts = context.parts
        self._name = name
        self._number = next(context.numbers)
        path = self._parts.settings.home.hooks_log(context.plan.facts.run)
        self._redactor = self._parts.secrets.redactor
        self._log = LogDrain(path, context.plan.max_log_bytes, self._redactor)
        self._ended: Ended | None = None
        # Why it was ended from outside, where it was.
        self._cut_off = ""
        self._signal = signal.SIGTERM
        self._signal_at = 0.0

    def run(self, hooks: ExitHooks) -> None:
        clock, parts = self._parts.clock, self._parts
        self._note_in_log("o", f"[exit_hook {self._name}]")
        facts = self._context.plan.facts
        order = hook_order(facts, self._name)
        parts.executor.start(self._number, order, placement(facts, {}, None))
        self._signal_at = clock.monotonic() + parts.settings.exit_hook_timeout
        while self._ended is None:
            self._await(hooks)
        self._show(b"", "o", last=True)
        self._tell_failure(self._ended)
        self._log.close()

    def _await(self, hooks: ExitHooks) -> None:
        now = self._parts.clock.monotonic()
        patience = max(self._signal_at - now, 0.0)
        if self._log.waits:
            patience = min(patience, _PARTIAL_LINES_EVERY)
        for event in self._parts.executor.poll(patience):
            match event:
                case Printed(number=self._number):
                    self._show(event.data, event.stream)
                case Ended(number=self._number):
                    self._ended = event
                case Signalled() | LauncherGone():
                    hooks.interrupt()
                    self._cut_off = self._cut_off or "it was interrupted."
                    self._signal_at = 0.0
                case _:
                    # Something of the run that is over.
                    continue
        self._show(b"", "o")
        now = self._parts.clock.monotonic()
        if self._ended is None and now >= self._signal_at:
            seconds = self._parts.settings.exit_hook_timeout
            late = f"it did not end within {seconds:g} seconds (FALAJ_EXIT_HOOK_TIMEOUT)."
            self._cut_off = self._cut_off or late
            self._parts.executor.signal(self._number, self._signal)
            grace = self._parts.settings.stop_grace
            self._signal_at = now + (grace if self._signal == signal.SIGTERM else _KILL_AGAIN)
            self._signal = signal.SIGKILL

    def _show(self, data: bytes, stream: str, last: bool = False) -> None:
        now = self._parts.clock.wall()
        lines = self._log.take(stream, data, now) if data else []
        for line in [*lines, *self._log.flush_partial(now, everything=last)]:
            text = line.text.decode("utf-8", "backslashreplace")
            self._parts.watcher.note(f"[exit_hook {self._name}] {text}")

    def _tell_failure(self, ended: Ended) -> None:
        report = ended.report
        if report is not None and report.outcome == "succeeded":
            return
        if self._cut_off:
            why = self._cut_off
        elif report is not None and report.error is not None:
            why = f"{report.error.type}: {report.error.message}"
        else:
            why = describe_death("Its process", ended, timed_out=False).message
        why = self._redactor.redact(why)
        text = f"[exit_hook {self._name}] failed, which changes nothing about the run: {why}"
        self._note_in_log("e", text)
        self._parts.watcher.note(text)

    def _note_in_log(self, stream: str, text: str) -> None:
        data = f"{text}\n".encode("utf-8", "backslashreplace")
        self._log.take(stream, data, self._parts.clock.wall())
