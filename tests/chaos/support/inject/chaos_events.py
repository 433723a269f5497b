"""The counter behind sitecustomize: which events there are, whose they are, when to kill."""

import fcntl
import os
import signal
import sys

_TRACE = os.environ.get("CHAOS_TRACE", "")
_ROLE, _AT, _HOW = (os.environ.get("CHAOS_KILL", "") + "::").split(":")[:3]
_write, _rename, _fork, _exit = os.write, os.rename, os.fork, os._exit
_spawn, _wait = os.posix_spawn, os.waitpid
_launcher = 0
_control = False


def watch_interpreter():
    """Count what this interpreter does, and what it forks does."""
    global _launcher
    arguments = " ".join(sys.orig_argv[1:])
    if "falaj_control.process" in arguments:
        return
    if "falaj.runtime.launch import serve" not in arguments:
        _launcher = os.getpid()
    _wrap_calls()
    change_control_boot("import chaos_events; chaos_events.watch_control()")


def watch_control():
    """Count what the control process does."""
    global _control
    _control = True
    _wrap_calls()
    import sqlite3

    class CountedConnection(sqlite3.Connection):
        def execute(self, statement, *rest):
            word = statement.split(None, 1)[0]
            if word not in ("BEGIN", "COMMIT"):
                return super().execute(statement, *rest)
            count("sql " + word)
            cursor = super().execute(statement, *rest)
            if word == "COMMIT":
                count("committed")
            return cursor

    connect = sqlite3.connect
    sqlite3.connect = lambda *a, **k: connect(*a, **{"factory": CountedConnection, **k})
    from falaj_control.executors import hosts

    send = hosts.HostLink.send

    def counted_send(self, data, files):
        count("send")
        return send(self, data, files)

    hosts.HostLink.send = counted_send


def change_control_boot(code):
    """Have control run `code` before it starts; it is started without site, hence this way."""
    inject = os.path.dirname(os.path.abspath(__file__))
    before = f"sys.path.append({inject!r}); {code}; "
    mark = "from falaj_control.process import main"

    def spawn(path, arguments, *rest, **more):
        arguments = list(arguments)
        if len(arguments) > 1 and mark in arguments[-1]:
            arguments[-1] = arguments[-1].replace(mark, before + mark)
        return _spawn(path, arguments, *rest, **more)

    os.posix_spawn = spawn


def count(kind, torn=None):
    """Note that this process is about to do something; die where it is the chosen one."""
    role = "control" if _control else "launcher" if os.getpid() == _launcher else "task"
    file = os.open(_TRACE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX)
        before = os.pread(file, 1 << 20, 0).decode().splitlines()
        number = 1 + sum(line.split(" ")[0] == role for line in before)
        killing = role == _ROLE and number == int(_AT or 0)
        line = "{} {}{}\n".format(role, kind, " KILLED" if killing else "")
        _write(file, line.encode())
    finally:
        os.close(file)
    if killing:
        if _HOW == "torn" and torn is not None:
            torn()
        os.kill(os.getpid(), signal.SIGKILL)


def _wrap_calls():
    def write(file, data):
        if file > 2:
            view = memoryview(data)
            count("write", lambda: _write(file, view[: len(view) // 2]))
        return _write(file, data)

    def rename(source, target, **more):
        count("rename")
        return _rename(source, target, **more)

    def fork():
        if _launcher != os.getpid():
            return _fork()
        count("fork")
        pid = _fork()
        if pid:
            count("forked")
        return pid

    def wait(which, options):
        found = _wait(which, options)
        if found[0] and _launcher == os.getpid():
            count("reaped")
        return found

    def exit_now(status):
        count("exit")
        _exit(status)

    os.write, os.rename, os.fork, os._exit, os.waitpid = write, rename, fork, exit_now, wait
