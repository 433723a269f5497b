"""From `python flow.py COMMAND` to a running command: this process becomes the flow's host.

The process that imported the flow starts control, a clean interpreter of its own, describes the
flow to it, and then forks tasks as control orders. `python -m falaj.runtime.launch flow.py
COMMAND` does the same for a file that is named, and control starts further hosts through `serve`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import types
from typing import Any, Dict, List, NoReturn, Optional

from falaj.errors import FalajException, InvalidFlow
from falaj.runtime import processes, wire
from falaj.runtime.failure import describe_exception
from falaj.runtime.host import ControlDied, Host

OLDEST_CONTROL = (3, 10)
_BOOT = (
    "import sys; sys.path.insert(0, {root!r}); sys.path.extend({paths!r}); "
    "from falaj_control.process import main; main({file})"
)


class _FlowCalled(BaseException):
    """Raised out of a flow file where its flow is called and only its class is wanted."""

    def __init__(self, flow_class: type) -> None:
        super().__init__(flow_class)
        self.flow_class = flow_class


_wanted_only = False
_named_to_tool = False


def main(flow_class: type) -> NoReturn:
    """Run the command line of `flow_class` with this process's arguments, and exit."""
    if _wanted_only:
        raise _FlowCalled(flow_class)
    sys.exit(_command(flow_class, sys.argv[1:]))


def _command(flow_class: type, arguments: List[str]) -> int:
    if sys.version_info < OLDEST_CONTROL:
        sys.stderr.write(
            "Running a flow needs Python 3.10 or newer; this is {}.{}. Steps may ask for older "
            "ones.\n".format(*sys.version_info[:2])
        )
        return 1
    _open_standard_files()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    control = _start_control(theirs)
    theirs.close()
    receiver = wire.Receiver(ours)
    description, hello = _describe(flow_class)
    hello.update(arguments=arguments, program=_program())
    processes.prepare()
    run: Optional[int] = None
    try:
        ours.sendall(wire.pack(wire.HELLO, 0, hello))
        host = Host(ours, receiver, flow_class, description)
        status = host.serve()
    except (ControlDied, OSError):
        status = _control_died(control, run)
    except KeyboardInterrupt:
        status = 130
    ours.close()
    _wait_for(control)
    return status


def _open_standard_files() -> None:
    # Were one of them closed, a socket would get its number and be written to as output.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)


def _start_control(connection: socket.socket) -> int:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    script_folder = sys.path[0] if sys.path else ""
    paths = [path for path in sys.path if path and path != script_folder and path != root]
    os.set_inheritable(connection.fileno(), True)
    boot = _BOOT.format(root=root, paths=paths, file=connection.fileno())
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", boot]
    if sys.version_info >= (3, 8):
        # Ctrl-C reaches this process alone, which passes it on; control would else get it twice.
        return os.posix_spawn(sys.executable, command, os.environ, setpgroup=0)
    raise AssertionError("control needs a newer Python")


def _describe(flow_class: type) -> "tuple[Any, Dict[str, Any]]":
    # Imported here, after control has been started, so that both start side by side.
    from falaj.authoring.collect import describe
    from falaj.authoring.flowspec import FlowSpec
    from falaj.authoring.settling import bind_parameters
    from falaj.authoring.taskstate import constants_of

    module = sys.modules[flow_class.__module__]
    hello: Dict[str, Any] = {
        "flow": flow_class.__name__,
        "description": None,
        "problems": [],
        "file": os.path.abspath(getattr(module, "__file__", None) or ""),
        "package": getattr(module, "__package__", None),
        "python": sys.executable,
        "flags": _interpreter_flags(),
        "fork_unsafe": _fork_hazard(),
        "siblings": [other.__name__ for other in _flows_in(module) if other is not flow_class],
        "cwd": os.getcwd(),
    }
    description: Any = None
    try:
        description = describe(flow_class)
        hello["description"] = description.to_wire()
        hello["constants"] = sorted(
            {*constants_of(flow_class, FlowSpec), *(p.attribute for p in description.parameters)}
        )
        bind_parameters(flow_class, description)
    except InvalidFlow as error:
        hello["problems"] = error.problems
    except FalajException as error:
        hello["problems"] = [str(error)]
    return description, hello


def _flows_in(module: types.ModuleType) -> List[type]:
    """Return the flow classes that a module itself defines."""
    from falaj.authoring.flowspec import FlowSpec

    return [
        value
        for value in list(vars(module).values())
        if isinstance(value, type)
        and issubclass(value, FlowSpec)
        and value.__module__ == module.__name__
    ]


def _interpreter_flags() -> List[str]:
    flags = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    return flags + ["-W{}".format(option) for option in sys.warnoptions]


def _fork_hazard() -> str:
    """Say why forking this process would not be safe, or return nothing."""
    if sys.platform != "linux":
        return "forking is not safe on {}".format(sys.platform)
    threading = sys.modules.get("threading")
    if threading is not None:
        others = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
        if others:
            return "importing the flow started threads ({})".format(", ".join(others[:3]))
    torch = sys.modules.get("torch.cuda")
    if torch is not None and getattr(torch, "is_initialized", lambda: False)():
        return "importing the flow initialized CUDA"
    jax = sys.modules.get("jax._src.xla_bridge")
    if jax is not None and getattr(jax, "_backends", None):
        return "importing the flow started a JAX backend"
    return ""


def _program() -> str:
    if _named_to_tool:
        return "falaj"
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name:
        return "python -m {}".format(spec.name)
    return "python {}".format(sys.argv[0])


def _control_died(control: int, run: Optional[int]) -> int:
    status = _wait_for(control)
    how = "ended by signal {}".format(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else "ended"
    sys.stderr.write(
        "Falaj's control process {}. All tasks were stopped; what they had finished is kept. "
        "Continue with: {} resume\n".format(how, _program())
    )
    return 1


def _wait_for(control: int) -> int:
    try:
        return os.waitpid(control, 0)[1]
    except ChildProcessError:
        return 0


def load_flow(
    path: str, source: bytes, package: Optional[str], flow: Optional[str]
) -> "tuple[types.ModuleType, Optional[type]]":
    """Import a flow file as `__main__` without running its command line.

    Returns the module and the flow called `flow`, or the one that the file itself calls.
    """
    global _wanted_only
    import linecache

    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__package__ = package
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    text = source.decode("utf-8", "replace")
    # Tracebacks show the lines that run, also once the file has been edited.
    linecache.cache[path] = (len(source), None, text.splitlines(True), path)
    code = compile(source, path, "exec", dont_inherit=True)
    called: Optional[type] = None
    _wanted_only = True
    try:
        exec(code, module.__dict__)
    except _FlowCalled as found:
        called = found.flow_class
    finally:
        _wanted_only = False
    named = getattr(module, flow, None) if flow else None
    return module, named if isinstance(named, type) else called


def serve(file: int) -> NoReturn:
    """Be a further host: take the flow's file from the connection `file`, import it, serve."""
    connection = socket.socket(fileno=file)
    connection.set_inheritable(False)
    receiver = wire.Receiver(connection)
    try:
        load = _first_message(receiver).json()
        os.chdir(load["cwd"])
        sys.argv = [load["file"], *load["arguments"]]
        sys.path.insert(0, os.path.dirname(load["file"]))
        try:
            source = load["source"].encode("latin-1")
            _, flow_class = load_flow(load["file"], source, load["package"], load["flow"])
            if flow_class is None:
                raise FalajException("{} does not define {}.".format(load["file"], load["flow"]))
            description, hello = _describe(flow_class)
            if hello["problems"]:
                raise InvalidFlow(hello["problems"])
        except (Exception, SystemExit) as error:
            info = describe_exception(error)
            connection.sendall(wire.pack(wire.FAILED, 0, list(info)))
            os._exit(1)
        connection.sendall(wire.pack(wire.READY, 0, {"pid": os.getpid()}))
        host = Host(connection, receiver, flow_class, description)
        status = host.serve_one() if load["once"] else host.serve()
    except (ControlDied, OSError):
        status = 1
    os._exit(status)


def _first_message(receiver: wire.Receiver) -> wire.Message:
    while True:
        for message in receiver.messages():
            return message
        if receiver.closed:
            raise ControlDied
        receiver.receive()


def launch_file(arguments: List[str]) -> NoReturn:
    """Run `FILE[:FLOW] COMMAND ...` as `python FILE COMMAND ...` would, main guard or not."""
    global _named_to_tool
    _named_to_tool = True
    target, _, named = arguments[0].partition(".py:")
    path = os.path.abspath(target + ".py" if named else target)
    sys.argv = [path, *arguments[1:]]
    sys.path[0] = os.path.dirname(path)
    try:
        with open(path, "rb") as file:
            source = file.read()
        module, flow_class = load_flow(path, source, None, named or None)
    except SystemExit:
        raise
    except OSError as error:
        sys.exit("Can't read {}: {}.".format(path, error.strerror))
    except Exception as error:
        sys.stderr.write(describe_exception(error).traceback)
        sys.exit("{} can't be imported.".format(path))
    found = _flows_in(module)
    if named:
        flow_class = next((value for value in found if value.__name__ == named), None)
    elif flow_class is None and len(found) == 1:
        flow_class = found[0]
    if flow_class is None:
        names = ", ".join(value.__name__ for value in found)
        sys.exit(
            "{} holds several flows; name one, as in {}:{}. There is {}.".format(
                target, target, found[0].__name__, names
            )
            if found and not named
            else "{} has no flow {}; there is {}.".format(path, named or "class", names or "none")
        )
    main(flow_class)


if __name__ == "__main__":
    # This file is now `__main__`; the module of its own name is the one that flows import.
    from falaj.runtime import launch

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    launch.launch_file(sys.argv[1:])
