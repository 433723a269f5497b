"""The secrets of one run: fetched by threads of control, each once, and kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from falaj.errors import SecretError
from falaj.redaction import Redactor
from falaj_control.secrets.places import Source
from falaj_control.secrets.providers import check_names, fetch
from falaj_control.secrets.sources import StepSecrets

# They wait for others nearly all of the time.
_AT_ONCE = 8

Variables = dict[str, str]


class KeptSecrets:
    """Fetches what steps ask for when they are about to start; see the port `Secrets`."""

    def __init__(
        self,
        wanted: Mapping[str, StepSecrets],
        wake: Callable[[], None],
        fetch: Callable[[Source], Variables] = fetch,
    ) -> None:
        """Fetch what is `wanted`, by step; `wake` is called when something has come."""
        self.redactor = Redactor()
        self._wanted = wanted
        self._wake = wake
        self._fetch = fetch
        self._found: dict[Source, Future[Variables]] = {}
        self._queue: SimpleQueue[tuple[Source, Future[Variables]]] = SimpleQueue()
        self._threads = 0

    def is_ready(self, step: str) -> bool:
        """Say whether the step can start, and begin to fetch what it needs; see the port."""
        wanted = self._wanted.get(step)
        if wanted is None:
            return True
        # All are begun before any is waited for.
        futures = [self._future(source) for source in wanted.sources]
        return all(future.done() for future in futures)

    def of_step(self, step: str) -> Mapping[str, Any] | None:
        """Return what the step's tasks are given; see the port."""
        wanted = self._wanted.get(step)
        if wanted is None:
            return None
        variables: Variables = {}
        error = ""
        try:
            variables = self._gathered(wanted)
        except SecretError as failure:
            error = str(failure)
        self.redactor.add(variables.values())
        return {"variables": variables, "allow_override": wanted.allow_override, "error": error}

    def forget_failure(self, step: str) -> None:
        """Let the step's next attempt fetch again what failed; see the port."""
        wanted = self._wanted.get(step)
        for source in wanted.sources if wanted is not None else ():
            found = self._found.get(source)
            if found is not None and found.done() and found.exception() is not None:
                del self._found[source]

    def _gathered(self, wanted: StepSecrets) -> Variables:
        variables: Variables = {}
        givers: dict[str, Source] = {}
        for source in wanted.sources:
            found = self._future(source).result()
            check_names(source, found)
            for name in found:
                if name in givers:
                    raise SecretError(
                        f"The secrets {givers[name]} and {source} both set the variable {name}; "
                        "leave one of them out."
                    )
                givers[name] = source
            variables.update(found)
        return variables

    def _future(self, source: Source) -> Future[Variables]:
        future = self._found.get(source)
        if future is None:
            future = self._found[source] = Future()
            self._queue.put((source, future))
            if self._threads < _AT_ONCE:
                self._threads += 1
                # One that waits for an answer must not hold up the end of the run.
                threading.Thread(target=self._work, name="secrets", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            source, future = self._queue.get()
            try:
                future.set_result(self._fetch(source))
            except Exception as error:
                future.set_exception(error)
            self._wake()
