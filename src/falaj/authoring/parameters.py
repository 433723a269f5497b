"""Parameters of a flow: values and files that a run is given when it starts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Callable, Optional, Tuple, Union, cast

from falaj.authoring.conversion import ParameterContext, computed_default, read_included, settle
from falaj.authoring.declarations import (
    JSONType,
    function_fault,
    include_fault,
    name_fault,
    option_fault,
    type_fault,
    type_name,
)
from falaj.authoring.wording import caller_place, failing_line, told
from falaj.errors import ParameterError
from falaj.model.graph import ParameterSpec

__all__ = ["IncludeFile", "JSONType", "Parameter", "ParameterContext", "evaluate_default"]


class Parameter:
    """A value that a run of the flow is given: `--name value` on the command line.

    Steps read it as `self.<attribute>`. A `default` may be a function of a ParameterContext; it
    is called once, when the run starts. `separator` splits a text into a list. What is declared
    wrongly is told when the flow is described.
    """

    is_text = True
    encoding = "utf-8"
    arguments: Tuple[str, ...] = (
        "default",
        "type",
        "help",
        "required",
        "show_default",
        "separator",
    )

    def __init__(
        self,
        name: str,
        default: Any = None,
        type: Any = None,
        help: Optional[str] = None,
        required: Optional[bool] = None,
        show_default: Optional[bool] = None,
        separator: Optional[str] = None,
        **options: Any,
    ) -> None:
        """Keep the declaration and the line it stands on."""
        self.name = name
        self.default = default
        self.type = type
        self.help = help
        self.required = required
        self.show_default = show_default
        self.separator = separator
        self.options = options
        self.file, self.line = caller_place()

    def __repr__(self) -> str:
        return "{}({!r})".format(type(self).__name__, self.name)

    if TYPE_CHECKING:
        # In a step the attribute is the parameter's value, whose type is the user's business.
        def __get__(self, instance: Any, owner: Any = None) -> Any: ...

    def spec(self, attribute: str) -> ParameterSpec:
        """Return the parameter as data, under the attribute that holds it.

        `default` is the value that steps see. Raises ParameterError for a wrong declaration.
        """
        try:
            return self.declared(attribute)
        except ParameterError as error:
            raise ParameterError(told(self.file, self.line, error.message), self.line) from None

    def declared(self, attribute: str) -> ParameterSpec:
        """Return what `spec` does; the message of an error leaves out the declaration's place."""
        fault = (
            name_fault(self.name, attribute)
            or option_fault(self.name, self.options, self.arguments)
            or function_fault(self.name, self.required, self.show_default, self.separator)
            or self._fault()
        )
        if fault:
            raise ParameterError(fault)
        computed = callable(self.default)
        spec = ParameterSpec(
            name=self.name,
            attribute=attribute,
            type=self._kind(),
            default=None,
            computed_default=computed,
            required=bool(self.required) and self.default is None,
            help=str(self.help or ""),
            separator=self.separator or None,
            show_default=self.show_default is None or bool(self.show_default),
            is_text=self.is_text,
            encoding=self.encoding,
            line=self.line,
        )
        if spec.separator and spec.type != "str":
            raise ParameterError(
                "`separator` is for text, and parameter `{}` is of type {}; take `separator` away "
                "or use type=str.".format(self.name, spec.type)
            )
        if computed or self.default is None:
            return spec
        try:
            return spec._replace(default=settle(spec, self.default))
        except ParameterError as error:
            raise ParameterError("In the default: {}".format(error)) from None

    def _fault(self) -> str:
        return type_fault(self.name, self.type, self.default)

    def _kind(self) -> str:
        return type_name(self.type, self.default)


class IncludeFile(Parameter):
    """A local file whose content the run keeps: `--name path` on the command line.

    Steps see a text in `encoding`, bytes for `is_text=False`, or what `parser` makes of it; a
    parser is a function or its dotted name.
    """

    arguments = ("default", "required", "is_text", "encoding", "help", "show_default", "parser")

    def __init__(
        self,
        name: str,
        default: Any = None,
        required: Optional[bool] = None,
        is_text: Optional[bool] = None,
        encoding: Optional[str] = None,
        help: Optional[str] = None,
        show_default: Optional[bool] = True,
        parser: Union[str, Callable[[Any], Any], None] = None,
        **options: Any,
    ) -> None:
        """Keep the declaration and the line it stands on."""
        super().__init__(name, default, None, help, required, show_default)
        self.options = options
        self.is_text = is_text is None or bool(is_text)
        self.encoding = encoding or "utf-8"
        self.parser = parser

    def read(self, path: str) -> Any:
        """Return the file's content as text or bytes, unparsed; raise ParameterError."""
        return read_included(self.name, path, self.encoding if self.is_text else None)

    def parse(self, content: Any) -> Any:
        """Return what the parser makes of the content; raise ParameterError where it fails."""
        if self.parser is None:
            return content
        parser = _imported(self, self.parser) if isinstance(self.parser, str) else self.parser
        try:
            return parser(content)
        except (Exception, SystemExit) as error:
            code = getattr(parser, "__code__", None)
            own = code.co_filename if code else ""
            file, line = failing_line(error, own, (self.file, self.line))
            message = "The parser of `{}` failed with {}: {}".format(
                self.name, type(error).__name__, error
            )
            raise ParameterError(told(file, line, message), line) from error

    def _fault(self) -> str:
        return include_fault(self.name, self.default, self.encoding, self.parser)

    def _kind(self) -> str:
        return "file"


def evaluate_default(parameter: Parameter, context: ParameterContext) -> Any:
    """Return the JSON value that the parameter's default function gives in `context`.

    Raises ParameterError, with the user's line, where the function fails or gives a wrong type.
    """
    spec = parameter.spec("default")
    place = (parameter.file, parameter.line)
    return computed_default(spec, parameter.default, context, place)


def imported_parser(name: str) -> Callable[[Any], Any]:
    """Return the function of a dotted name; raise ImportError for whatever is in the way."""
    # A name that starts with a dot is one of Falaj's own.
    module, _, function = ("falaj" + name if name.startswith(".") else name).rpartition(".")
    try:
        __import__(module)
        return cast("Callable[[Any], Any]", getattr(sys.modules[module], function))
    except (ImportError, AttributeError) as error:
        raise ImportError(str(error)) from error
    except Exception as error:
        raise ImportError("{}: {}".format(type(error).__name__, error)) from error


def _imported(parameter: Parameter, name: str) -> Callable[[Any], Any]:
    try:
        return imported_parser(name)
    except ImportError as error:
        message = "The parser {!r} can't be imported: {}.".format(name, error)
        raise ParameterError(told(parameter.file, parameter.line, message)) from error
