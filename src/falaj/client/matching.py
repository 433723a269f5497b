"""Runs that match what was asked for, the newest first, read page by page."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Iterator, Optional, Sequence, Tuple

from falaj.model import states
from falaj.model.records import RunRecord

if TYPE_CHECKING:
    from falaj.client.reader import Reader

_PAGE = 100


def matching_runs(
    reader: Reader,
    flow: Optional[str] = None,
    tags: Sequence[str] = (),
    state: Optional[str] = None,
    limit: Optional[int] = None,
) -> Iterator[RunRecord]:
    """Yield the newest runs, at most `limit`: of `flow`, with all of `tags`, in `state`."""
    found = _matching(reader, flow, tags, state, min(limit or _PAGE, _PAGE))
    for _, run in zip(count() if limit is None else range(limit), found):
        yield run


def _matching(
    reader: Reader, flow: Optional[str], tags: Sequence[str], state: Optional[str], size: int
) -> Iterator[RunRecord]:
    stored = _stored(state)
    page = reader.runs(flow, tags, stored, None, size)
    while page:
        for run in page:
            if state in (None, run.state):
                yield run
        page = reader.runs(flow, tags, stored, page[-1].id, size)


def _stored(state: Optional[str]) -> Tuple[str, ...]:
    if state is None:
        return ()
    # What is recorded as running may be lost by now.
    return (states.LOST, states.RUNNING) if state == states.LOST else (state,)
