"""Whose process is whose, and that ending a task's tree ends all of it."""

import os
import select
import signal
import subprocess
import sys

import pytest

from falaj.runtime.processes import (
    ProcessEntry,
    all_processes,
    began_at,
    children_of,
    kill_tree,
    tree_of,
)


def entries(*rows):
    return {
        pid: ProcessEntry(pid, parent, session, session, False) for pid, parent, session in rows
    }


@pytest.mark.parametrize(
    ("rows", "tree"),
    [
        ([], {10}),
        ([(1, 0, 1), (10, 1, 10), (11, 10, 10)], {10, 11}),
        ([(10, 1, 10), (11, 10, 11), (12, 11, 11)], {10, 11, 12}),
        # An orphan of the session, whose parent is another process by now, and its child.
        ([(10, 1, 10), (12, 1, 10), (13, 12, 13)], {10, 12, 13}),
        ([(1, 0, 1), (9, 1, 9), (10, 9, 10), (20, 9, 20), (21, 20, 20)], {10}),
        # The root itself has gone; its session remains.
        ([(1, 0, 1), (12, 1, 10)], {10, 12}),
        # Ids that were used again while /proc was read may close a circle.
        ([(10, 12, 10), (11, 10, 10), (12, 11, 10)], {10, 11, 12}),
    ],
    ids=["alone", "child", "left its session", "orphan", "sibling", "root gone", "circle"],
)
def test_a_tree_is_descendants_and_session(rows, tree):
    found = tree_of(10, entries(*rows))
    assert found[0] == 10
    assert set(found) == tree
    assert len(found) == len(tree)


def test_this_process_and_its_child_are_seen():
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    try:
        found = all_processes()
        assert found[child.pid].parent == os.getpid()
        assert found[os.getpid()].session == os.getsid(0)
        assert child.pid in tree_of(os.getpid())
        began, own = began_at(child.pid), began_at(os.getpid())
        assert began is not None
        assert own is not None
        assert began >= own
    finally:
        child.communicate()
    assert began_at(999_999_999) is None
    assert children_of(999_999_999) == frozenset()


def test_a_tree_is_killed_with_what_left_its_session():
    code = (
        "import os, sys, subprocess\n"
        "child = 'import sys; print(1, flush=True); sys.stdin.read()'\n"
        "command = [sys.executable, '-S', '-c', child]\n"
        "options = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "same = subprocess.Popen(command, **options)\n"
        "away = subprocess.Popen(command, start_new_session=True, **options)\n"
        "same.stdout.readline(); away.stdout.readline()\n"
        "print(same.pid, away.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert root.stdout is not None
    pids = [int(pid) for pid in root.stdout.readline().split()]
    handles = [os.pidfd_open(pid) for pid in pids]
    kill_tree(root.pid)
    assert root.wait(timeout=30) == -signal.SIGKILL
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    ended = set()
    while len(ended) < len(handles):
        found = poll.poll(30_000)
        assert found, "a process of the tree lives on"
        for handle, _ in found:
            ended.add(handle)
            poll.unregister(handle)
    for handle in handles:
        os.close(handle)
    root.communicate()


def test_a_handler_hears_a_signal_to_its_tree_once():
    code = (
        "import signal, time\n"
        "heard = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: heard.append(1))\n"
        "print('ready', flush=True)\n"
        "while not heard: time.sleep(0.01)\n"
        "time.sleep(0.1)\n"
        "print(len(heard), flush=True)\n"
    )
    roots = [
        subprocess.Popen(
            [sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, start_new_session=True
        )
        for _ in range(20)
    ]
    for root in roots:
        assert root.stdout is not None
        assert root.stdout.readline() == b"ready\n"
        kill_tree(root.pid, signal.SIGTERM)
    assert [root.communicate(timeout=30)[0] for root in roots] == [b"1\n"] * 20


def test_killing_what_has_gone_is_no_error():
    kill_tree(999_999_999)


@pytest.mark.parametrize("gone", ["before", "later"])
def test_a_process_dies_with_the_reader_of_its_pipe(gone):
    code = (
        "import sys, time\n"
        "from falaj.runtime.processes import die_with_reader\n"
        "sys.stdin.readline()\n"
        "die_with_reader(int(sys.argv[1]))\n"
        "print('armed', flush=True)\n"
        "time.sleep(60)\n"
    )
    reader, writer = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(writer)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        pass_fds=[writer],
    )
    os.close(writer)
    assert child.stdin is not None
    assert child.stdout is not None
    if gone == "before":
        os.close(reader)
    child.stdin.write(b"go\n")
    child.stdin.flush()
    said = child.stdout.readline()
    if gone == "later":
        assert said == b"armed\n"
        os.close(reader)
    assert child.wait(timeout=30) == -signal.SIGKILL
    child.communicate()
