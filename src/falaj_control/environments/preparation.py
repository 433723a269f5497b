"""The environments of one run, prepared beside it by threads of control."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from falaj.errors import FalajException
from falaj_control.environments.cache import HeldEnvironment
from falaj_control.environments.values import Request
from falaj_control.environments.work import Cancelled, Work
from falaj_control.ports.executing import HostPlace
from falaj_control.ports.preparing import Failed, PreparationEvent, Preparing, Ready

# Tools do the work and use all processors by themselves; more threads would only wait for them.
_AT_ONCE = 4
# Seconds in which what is cut off may clean up. Another package's code may not listen at all.
_LAST_WORK = 1.0


@dataclass(frozen=True)
class Prepared:
    """What one request came to: its environment, and the zip of Falaj for it.

    `description` is what the records tell of it, `note` is for a person, or empty.
    """

    held: HeldEnvironment
    falaj: str
    description: Mapping[str, Any]
    note: str = ""


# Turns a request, asked for by a step, into an environment; raises FalajException.
Prepare = Callable[[str, Request, Work], Prepared]

# Turns a listing of travelling code into folders for the path, with warnings about it.
Unpack = Callable[[str], tuple[tuple[str, ...], list[str]]]


@dataclass
class _Job:
    """The preparation of one request, which all of its steps share."""

    request: Request
    steps: tuple[str, ...]
    work: Work = field(default_factory=Work)
    started: float = 0.0
    worked: bool = False
    future: Future[None] | None = None
    prepared: Prepared | None = None


class Preparation:
    """Prepares what is asked for, each request once; see the port `Environments`."""

    def __init__(
        self,
        requests: Mapping[str, Request | None],
        prepare: Prepare,
        unpack: Unpack,
        wake: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare `requests`, by step, with `prepare`; `wake` is called when there are events."""
        self._prepare = prepare
        self._unpack = unpack
        self._wake = wake
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._events: list[PreparationEvent] = []
        self._paths: tuple[str, ...] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._jobs = _jobs_of(requests)
        for job in self._jobs.values():
            job.work.tell = self._teller(job)

    @property
    def is_needed(self) -> bool:
        """Say whether any step has an environment of its own."""
        return bool(self._jobs)

    def begin(self, steps: Iterable[str]) -> None:
        """Start to prepare what these steps need; see the port."""
        for step in steps:
            job = self._jobs.get(step)
            if job is not None and job.future is None:
                job.started = self._monotonic()
                self._pool = self._pool or ThreadPoolExecutor(_AT_ONCE, "environments")
                job.future = self._pool.submit(self._carry_out, job)

    def is_ready(self, step: str) -> bool:
        """Say whether the step's tasks can start; see the port."""
        job = self._jobs.get(step)
        return job is None or (job.prepared is not None and self._paths is not None)

    def place(self, step: str) -> HostPlace | None:
        """Return where the step's hosts live; see the port."""
        job = self._jobs.get(step)
        if job is None or job.prepared is None:
            return None
        environment = job.prepared.held.environment
        return HostPlace(
            environment.key,
            environment.python,
            str(environment.description["python"]["version"]),
            environment.prefix,
            job.prepared.falaj,
            self._paths or (),
            job.steps,
        )

    def travel_along(self, listing: str) -> list[str]:
        """Put the user's travelling code on the path of every host; see the port."""
        self._paths, warnings = self._unpack(listing)
        return warnings

    def take_events(self) -> list[PreparationEvent]:
        """Return what has happened since; see the port."""
        with self._guard:
            events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Stop what is under way and let the environments go; see the port."""
        if self._pool is None:
            return
        for job in self._jobs.values():
            job.work.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait([job.future for job in self._jobs.values() if job.future], _LAST_WORK)
        for job in {id(job): job for job in self._jobs.values()}.values():
            if job.prepared is not None:
                job.prepared.held.release()

    def _carry_out(self, job: _Job) -> None:
        try:
            prepared = self._prepare(job.steps[0], job.request, job.work)
        except Cancelled:
            return
        except (FalajException, OSError) as error:
            self._add(Failed(job.steps, str(error)))
            return
        except Exception as error:
            # A defect of ours ends the run with a reason rather than leave its steps waiting.
            self._add(Failed(job.steps, f"{type(error).__name__}: {error}"))
            raise
        job.prepared = prepared
        seconds = self._monotonic() - job.started
        ready = Ready(job.steps, prepared.description, seconds, job.worked, prepared.note)
        self._add(ready)

    def _teller(self, job: _Job) -> Callable[[str], None]:
        def tell(text: str) -> None:
            job.worked = True
            self._add(Preparing(job.steps, text))

        return tell

    def _add(self, event: PreparationEvent) -> None:
        with self._guard:
            self._events.append(event)
        self._wake()


def _jobs_of(requests: Mapping[str, Request | None]) -> dict[str, _Job]:
    steps: dict[str, list[str]] = {}
    for step, request in requests.items():
        if request is not None:
            steps.setdefault(request.digest, []).append(step)
    jobs: dict[str, _Job] = {}
    for step, request in requests.items():
        if request is not None:
            sharing = tuple(steps[request.digest])
            jobs[step] = jobs[sharing[0]] if sharing[0] in jobs else _Job(request, sharing)
    return jobs
