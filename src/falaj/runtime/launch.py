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
from typing import Any, Dict, List, NoReturn

from falaj.compat import advice_on, switch_on_if_asked
from falaj.errors import FalajException, InvalidFlow
from falaj.runtime.control import control_command
from falaj.runtime.flowfile import flows_in, load_flow, stop_if_only_wanted

OLDEST_CONTROL = (3, 10)


_named_to_tool = False


def main(flow_class: type) -> NoReturn:
    """Run the command line of `flow_class` with this process's arguments, and exit."""
    stop_if_only_wanted(flow_class)
    # The flow's file may have set variables of Metaflow's itself.
    switch_on_if_asked()
    try:
        status = _command(flow_class, sys.argv[1:])
    except KeyboardInterrupt:
        # While the flow was being described; control notices that nobody is left.
        status = 130
    sys.exit(status)


def _command(flow_class: type, arguments: List[str]) -> int:
    if sys.version_info < OLDEST_CONTROL:
        sys.stderr.write(
            "Running a flow needs Python 3.10 or newer; this is {}.{}. Steps may ask for older "
            "ones.\n".format(*sys.version_info[:2])
        )
        return 1
    _open_standard_files()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        control = _start_control(theirs)
    except OSError as error:
        sys.stderr.write("Can't start a process for the run: {}.\n".format(error.strerror))
        return 1
    theirs.close()
    # Imported here, after control has been started, so that both start side by side.
    from falaj.runtime import processes, wire
    from falaj.runtime.host import ControlDied, Host
    from falaj.runtime.introduction import introduce
    from falaj.runtime.shapes import must_ask
    from falaj.runtime.taskprocess import HOST_SIGNALS

    receiver = wire.Receiver(ours)
    told = {}
    if must_ask(flow_class, arguments):
        told = _ask(ours, receiver, {"flow": flow_class.__name__, "arguments": arguments})
    description, hello = introduce(flow_class, told)
    hello.update(arguments=arguments, program=_program())
    processes.prepare()
    host = Host(ours, receiver, flow_class, description)
    try:
        ours.sendall(wire.pack(wire.HELLO, 0, hello))
        status = host.serve()
    except (ControlDied, BrokenPipeError, ConnectionResetError):
        _tell_that_control_died(host.status_of(control) or _wait_for(control))
        status = 1
    except KeyboardInterrupt:
        status = 130
    ours.close()
    # Control may still be writing to a reader who pauses; Ctrl-C need not wait for that.
    for number in HOST_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    _wait_for(control)
    return status


def _ask(connection: socket.socket, receiver: Any, question: Dict[str, Any]) -> Dict[str, Any]:
    """Return what control reads in the command line about the flow's shape."""
    from falaj.runtime import wire

    try:
        connection.sendall(wire.pack(wire.ASK, 0, question))
        answer: Dict[str, Any] = receiver.wait().json()
    except (EOFError, OSError):
        # Control has died, which is told when the flow is introduced to it.
        return {}
    return answer


def _open_standard_files() -> None:
    # Were one of them closed, a socket would get its number and be written to as output.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)


def _start_control(connection: socket.socket) -> int:
    os.set_inheritable(connection.fileno(), True)
    call = "from falaj_control.process import main; main({})".format(connection.fileno())
    command = control_command(call)
    if sys.version_info >= (3, 8):
        # Ctrl-C reaches this process alone, which passes it on; control would else get it twice.
        return os.posix_spawn(sys.executable, command, os.environ, setpgroup=0)
    raise AssertionError("control needs a newer Python")


def _program() -> str:
    if _named_to_tool:
        return "falaj"
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name:
        return "python -m {}".format(spec.name)
    return "python {}".format(sys.argv[0])


def _tell_that_control_died(status: int) -> None:
    how = "ended by signal {}".format(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else "ended"
    sys.stderr.write(
        "Falaj's control process {}. All tasks were stopped; what they had finished is kept. "
        "Continue with: {} resume\n".format(how, _program())
    )


def _wait_for(control: int) -> int:
    try:
        return os.waitpid(control, 0)[1]
    except ChildProcessError:
        return 0


def serve(file: int) -> NoReturn:
    """Be a further host: take the flow's file from the connection `file`, import it, serve."""
    from falaj.runtime import wire
    from falaj.runtime.failure import describe_exception
    from falaj.runtime.host import ControlDied, Host
    from falaj.runtime.introduction import fork_hazard, introduce

    connection = socket.socket(fileno=file)
    connection.set_inheritable(False)
    receiver = wire.Receiver(connection)
    try:
        load = receiver.wait().json()
        os.chdir(load["cwd"])
        sys.argv = [load["file"], *load["arguments"]]
        sys.path.insert(0, os.path.dirname(load["file"]))
        sys.path.extend(load["paths"])
        try:
            source = load["source"].encode("latin-1")
            _, flow_class = load_flow(load["file"], source, load["package"], load["flow"])
            if flow_class is None:
                raise FalajException("{} does not define {}.".format(load["file"], load["flow"]))
            description, hello = introduce(flow_class, load["shape"])
            if hello["problems"]:
                raise InvalidFlow(hello["problems"])
        except (Exception, SystemExit) as error:
            info = describe_exception(error)
            connection.sendall(wire.pack(wire.FAILED, 0, list(info)))
            os._exit(1)
        host = Host(connection, receiver, flow_class, description)
        host.preload(load["preload"])
        connection.sendall(wire.pack(wire.READY, 0, {"fork_unsafe": fork_hazard()}))
        status = host.serve_one() if load["once"] else host.serve()
    except (ControlDied, EOFError, OSError):
        status = 1
    os._exit(status)


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
        from falaj.runtime.failure import describe_exception

        sys.stderr.write(describe_exception(error).traceback)
        sys.exit("{} can't be imported.{}".format(path, advice_on(error)))
    found = flows_in(module)
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
