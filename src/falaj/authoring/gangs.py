"""`@parallel` and its kin: a step whose tasks run all at once, as one gang."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar, overload

from falaj.authoring.decorators import decorate

Step = TypeVar("Step", bound=Callable[..., Any])


@overload
def parallel(function: Step) -> Step: ...


@overload
def parallel() -> Callable[[Step], Step]: ...


def parallel(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Run the step's tasks all at once, as one gang that succeeds, fails and retries as one.

    The step before it says how many: `self.next(self.train, num_parallel=4)`. Each finds the others
    by `current.parallel`.
    """
    return decorate("parallel", function, arguments)


@overload
def pytorch_parallel(function: Step) -> Step: ...


@overload
def pytorch_parallel(*, master_port: Optional[int] = ...) -> Callable[[Step], Step]: ...


def pytorch_parallel(function: Optional[Any] = None, **arguments: Any) -> Any:
    """As `@parallel`, with the environment variables by which torch.distributed finds its peers.

    `MASTER_ADDR`, `MASTER_PORT`, `NODE_RANK`, `WORLD_SIZE` and `NUM_NODES` are set in each task.
    The port is `master_port`, or else one that the run and the gang decide.
    """
    return decorate("pytorch_parallel", function, arguments)
