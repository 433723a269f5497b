"""Decorators that users write to run code around the body of a step, in the task's process."""

from __future__ import annotations

import inspect
from types import FunctionType, GeneratorType
from typing import Any, Callable, ClassVar, Dict, Optional, Union, cast

from falaj.authoring.custom import CustomDecorator
from falaj.authoring.wording import told
from falaj.errors import CustomDecoratorError, DecoratorError

# What a generator yields to skip the step.
USER_SKIP_STEP: Dict[str, Any] = {}


class UserStepDecorator(CustomDecorator):
    """Runs `pre_step` before, and `post_step` after what it stands above.

    Of several above one step, the uppermost comes first and last. Arguments, by name alone, go to
    `init`.
    """

    takes_places = False
    list_name = "wrappers"
    # False; True to skip what is below; or a dict to skip it with these arguments of self.next.
    skip_step: Union[bool, Dict[str, Any]] = False

    def pre_step(self, step_name: str, flow: Any, inputs: Any = None) -> Any:
        """Do what comes before the step; `inputs` are those of a join, else None.

        A function that is returned, of the flow (and of a join's inputs), runs instead of what is
        below; it may return True to go on as the step does, or a dict of arguments of self.next.
        """
        return None

    def post_step(self, step_name: str, flow: Any, exception: Optional[Exception] = None) -> Any:
        """Do what comes after the step, and return the exception that is to fail it, or None.

        A pair adds the arguments with which self.next is called; {} stands for the step's own,
        and None leaves what the step has called.
        """
        return exception, None


class GeneratorDecorator(UserStepDecorator):
    """A step decorator made of a generator function, which yields once in place of the step."""

    generator: Any = None
    defaults: ClassVar[Dict[str, Any]] = {}
    takes_attributes = False

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Keep the arguments for the generator."""
        if kwargs and not self.takes_attributes:
            raise DecoratorError(
                "@{0} is given arguments and takes none; let the generator be def "
                "{0}(step_name, flow, inputs, attributes).".format(type(self).__name__)
            )
        self._attributes = dict(self.defaults, **kwargs)

    def pre_step(self, step_name: str, flow: Any, inputs: Any = None) -> Any:
        """Run the generator up to its yield."""
        function = type(self).generator
        more = (self._attributes,) if self.takes_attributes else ()
        self._running: GeneratorType[Any, Any, Any] = function(step_name, flow, inputs, *more)
        try:
            said: Any = next(self._running)
        except StopIteration:
            raise self._fault("ended without a yield, which stands for the step") from None
        if isinstance(said, dict):
            self.skip_step = cast("Dict[str, Any]", said) or True
            return None
        if said is not None and not callable(said):
            raise self._fault("yielded {!r}; it yields nothing, a function or a dict".format(said))
        return cast(Any, said)

    def post_step(self, step_name: str, flow: Any, exception: Optional[Exception] = None) -> Any:
        """Go on behind the yield, where the step's exception is raised, if there is one."""
        try:
            if exception is not None:
                self._running.throw(exception)
            else:
                next(self._running)
        except StopIteration as end:
            return end.value
        self._running.close()
        raise self._fault("yielded a second time; the step runs once")

    def _fault(self, what: str) -> CustomDecoratorError:
        code = type(self).generator.__code__
        message = "@{} {}.".format(type(self).__name__, what)
        return CustomDecoratorError(told(code.co_filename, code.co_firstlineno, message))


def user_step_decorator(*args: Any, **kwargs: Any) -> Any:
    """Make a step decorator of a generator function (step_name, flow, inputs[, attributes]).

    It yields once. What comes before runs before the step, and what comes after runs after it; an
    exception of the step is raised at the yield, and passes unless it is raised on. It yields
    nothing to run the step, a function to run that instead, or a dict to skip the step: empty
    (USER_SKIP_STEP), or with arguments of self.next. `kwargs` are defaults of its attributes.
    """
    if len(args) > 1:
        raise DecoratorError("@user_step_decorator takes its arguments by name.")

    def mark(function: Any) -> Any:
        return _made(function, kwargs)

    return mark(args[0]) if args else mark


def _made(function: Any, defaults: Dict[str, Any]) -> Any:
    if not isinstance(function, FunctionType) or not inspect.isgeneratorfunction(function):
        code = getattr(function, "__code__", None)
        message = (
            "@user_step_decorator stands on a generator function, and `{}` has no `yield`; let it "
            "yield where the step is to run.".format(getattr(function, "__name__", function))
        )
        if code is not None:
            message = told(code.co_filename, code.co_firstlineno, message)
        raise DecoratorError(message)
    count = function.__code__.co_argcount
    if count not in (3, 4) or (defaults and count != 4):
        code = function.__code__
        message = (
            "`{0}` takes {1} arguments; write def {0}(step_name, flow, inputs), or def "
            "{0}(step_name, flow, inputs, attributes) where it has arguments.".format(
                function.__name__, count
            )
        )
        raise DecoratorError(told(code.co_filename, code.co_firstlineno, message))
    members: Dict[str, Any] = {
        "__module__": function.__module__,
        "__doc__": function.__doc__,
        "generator": staticmethod(cast("Callable[..., Any]", function)),
        "defaults": dict(defaults),
        "takes_attributes": count == 4,
    }
    return type(function.__name__, (GeneratorDecorator,), members)
