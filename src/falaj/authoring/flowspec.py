"""FlowSpec: the class that a user's flow derives from."""

from __future__ import annotations

import sys
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterator,
    List,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
)

from falaj.authoring.entry import graph_of, launch
from falaj.authoring.ways import NextCall, check_switch, chosen_case, gang_width
from falaj.authoring.ways import refuse as _refuse
from falaj.errors import FalajException, MergeArtifactsException
from falaj.model.graph import FOREACH, LINEAR, PARALLEL, SPLIT, SWITCH

if TYPE_CHECKING:
    # What a task needs of the store is loaded by whoever runs tasks, not by `import falaj`.
    from falaj.authoring.taskstate import TaskState

KEY = "__falaj__"
_OWN_NAMES = frozenset(("name", "script_name", "index", "input", "foreach_stack", "next"))


class FlowSpec:
    """A data-science workflow: its methods marked with `@step` form a graph.

    What a step assigns to `self` is an artifact: stored, versioned, and there in the steps that
    follow. Calling the class, under `if __name__ == "__main__":`, runs its command line.
    `Flow(use_cli=False)` gives an inert object that can be looked at: its steps by iteration, its
    graph as `_graph`.
    """

    def __init__(self, use_cli: bool = True) -> None:
        """Run the command line of this flow, and leave the process, unless `use_cli` is False."""
        if use_cli:
            launch(type(self))

    @property
    def name(self) -> str:
        """The flow's name, which is its class's."""
        return type(self).__name__

    @property
    def script_name(self) -> str:
        """The file name of the script that defines the flow."""
        module = sys.modules.get(type(self).__module__)
        path = str(getattr(module, "__file__", "") or "")
        return path.replace("\\", "/").rpartition("/")[2]

    @property
    def index(self) -> Optional[int]:
        """The index of this task in the innermost foreach, or None outside of one."""
        frames = self._task_state().frames
        return frames[-1].index if frames else None

    @property
    def input(self) -> Any:
        """The value of this task in the innermost foreach, or None outside of one."""
        state = self._task_state()
        return state.frame_value(-1) if state.frames else None

    def foreach_stack(self) -> List[Tuple[int, int, Any]]:
        """Return (index, number of values, value) of each foreach around this task, outer first."""
        state = self._task_state()
        return [
            (frame.index, frame.width, state.frame_value(level))
            for level, frame in enumerate(state.frames)
        ]

    def next(self, *targets: Any, **options: Any) -> None:
        """Say which step comes next; the last statement of every step but the end.

        `self.next(self.a)`, `self.next(self.a, self.b)` for branches that run side by side,
        `self.next(self.a, foreach="items")` for one task per value of `self.items`,
        `self.next({"x": self.a, "y": self.b}, condition="kind")` for the one step that the value
        of `self.kind` chooses, or `self.next(self.a, num_parallel=4)` for a gang of four tasks
        that run at once.
        """
        state = self._task_state()
        here = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        line = here.f_lineno
        if "__next__" in self.__dict__:
            _refuse("self.next() is called a second time in this step.", line)
        if "condition" in options or any(isinstance(target, dict) for target in targets):
            self.__dict__["__next__"] = self._switch(targets, options, here)
            return
        names = tuple(self._target_name(target, line) for target in targets)
        foreach = options.pop("foreach", None)
        sized = "num_parallel" in options
        size = options.pop("num_parallel", None)
        if options:
            _refuse(
                "self.next() does not know the argument {}; it takes steps and "
                "foreach='artifact', num_parallel=4, or cases and condition='artifact'.".format(
                    ", ".join(sorted(options))
                ),
                line,
            )
        if not names:
            _refuse("self.next() needs at least one step, as in self.next(self.end).", line)
        kind = LINEAR if len(names) == 1 else SPLIT
        width = 0
        if sized:
            kind, width = PARALLEL, gang_width(size, line)
            if len(names) != 1 or foreach is not None:
                _refuse("self.next() with num_parallel= takes exactly one step.", line)
        if foreach is not None:
            kind = FOREACH
            if not isinstance(foreach, str):
                _refuse("foreach= takes the name of an artifact as a string.", line)
            if len(names) != 1:
                _refuse("self.next() with foreach= takes exactly one step.", line)
            state.foreach_values = self._foreach_values(foreach, names[0], line)
        self.__dict__["__next__"] = NextCall(kind, names, foreach, width=width)

    def merge_artifacts(
        self,
        inputs: Any,
        exclude: Optional[Sequence[str]] = None,
        include: Optional[Sequence[str]] = None,
    ) -> None:
        """Take over the artifacts of a join's inputs that are equal in all inputs that have them.

        Nothing is loaded. Artifacts already set in this step stay. Raises
        UnhandledInMergeArtifactsException for values that differ, MissingInMergeArtifactsException
        for names in `include` that no input has; in both cases nothing is set.
        """
        merge = getattr(inputs, "merged_entries", None)
        if merge is None:
            raise MergeArtifactsException(
                "merge_artifacts() is for join steps: pass it the `inputs` argument of the step."
            )
        state = self._task_state()
        assigned = {*self.__dict__, *state.constants, *dir(type(self))}
        state.kept.update(merge(assigned, list(exclude or ()), list(include or ())))

    def _switch(self, targets: Tuple[Any, ...], options: Dict[str, Any], here: Any) -> NextCall:
        check_switch(targets, options, here.f_lineno)
        cases, condition = targets[0], options["condition"]
        names = {key: self._target_name(target, here.f_lineno) for key, target in cases.items()}
        chosen = chosen_case(self, names, condition, here)
        ways = tuple(dict.fromkeys(names.values()))
        return NextCall(SWITCH, ways, None, condition, chosen)

    def _foreach_values(self, variable: str, target: str, line: int) -> List[Any]:
        try:
            source = getattr(self, variable)
        except AttributeError:
            _refuse(
                "foreach={0!r}: there is no artifact self.{0} in this step. Assign it before "
                "self.next().".format(variable),
                line,
            )
        try:
            iterator = iter(source)
        except TypeError:
            _refuse(
                "foreach={0!r}: self.{0} is a {1}, which can't be iterated over.".format(
                    variable, type(source).__name__
                ),
                line,
            )
        values = list(iterator)
        if not values:
            _refuse(
                "foreach={0!r}: self.{0} is empty, so step {1} would have no tasks. Check how "
                "self.{0} is made.".format(variable, target),
                line,
            )
        if iterator is source:
            # What has been iterated away is kept as the list of its values.
            self.__dict__[variable] = values
        return values

    def _target_name(self, target: Any, line: int) -> str:
        function = getattr(target, "__func__", None)
        if function is None or getattr(target, "__self__", None) is not self:
            _refuse(
                "self.next() takes steps of this flow, as in self.next(self.train), not "
                "{!r}.".format(target),
                line,
            )
        name = str(function.__name__)
        if not getattr(function, "is_step", False):
            _refuse("self.next(self.{0}): {0} lacks the @step decorator.".format(name), line)
        return name

    def _task_state(self) -> "TaskState":
        state = self.__dict__.get(KEY)
        if state is None:
            raise FalajException(
                "{} is not running here: self.next, self.input and artifacts exist inside steps. "
                "Read results with falaj.Run.".format(type(self).__name__)
            )
        return state

    def __getattr__(self, name: str) -> Any:
        # Reached only for names that are neither set in this step nor on the class.
        state = self.__dict__.get(KEY)
        if state is not None:
            try:
                value = state.load(name)
            except KeyError:
                pass
            else:
                if name not in state.constants:
                    self.__dict__[name] = value
                return value
        if name == "_graph":
            return graph_of(type(self))
        raise AttributeError("Flow {} has no attribute {!r}".format(type(self).__name__, name))

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__.get(KEY)
        if name in _OWN_NAMES:
            raise AttributeError(
                "self.{} belongs to every flow and can't be assigned; use another name.".format(
                    name
                )
            )
        if state is not None:
            if name in state.constants:
                raise AttributeError(
                    "Flow level attributes and Parameters are not modifiable: self.{} is set by "
                    "the class or by a Parameter. Use another name.".format(name)
                )
            frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
            state.lines[name] = (frame.f_code.co_filename, frame.f_lineno)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        state = self.__dict__.get(KEY)
        inherited = state is not None and state.drop(name)
        if self.__dict__.pop(name, self) is self and not inherited:
            raise AttributeError("Flow {} has no attribute {!r}".format(self.name, name))

    def __iter__(self) -> Iterator[Any]:
        for name in dir(type(self)):
            function = getattr(type(self), name, None)
            # A config answers any attribute, with what is known only later.
            if getattr(function, "is_step", False) is True:
                yield function

    def __getstate__(self) -> NoReturn:
        raise FalajException(
            "Flows can't be serialized. Maybe you tried to assign self or one of the inputs to an "
            "attribute; assign the values that you need instead."
        )


def bind(flow: FlowSpec, state: TaskState, step: str) -> None:
    """Make a bare flow object stand for a task."""
    flow.__dict__[KEY] = state
    flow.__dict__["__step__"] = step


def assigned_in(flow: FlowSpec) -> Dict[str, Any]:
    """Return what a step left on its flow object, by name."""
    return {name: value for name, value in flow.__dict__.items() if not name.startswith("__")}


def next_call(flow: FlowSpec) -> Optional[NextCall]:
    """Return what the step asked for by self.next, or None."""
    return flow.__dict__.get("__next__")


def forget_next(flow: FlowSpec) -> None:
    """Let self.next be called anew."""
    flow.__dict__.pop("__next__", None)
