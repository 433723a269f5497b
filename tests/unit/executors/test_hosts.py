"""Control's end of a connection: partial sends, files with the frames that announce them."""

import os
import socket

import pytest

from falaj.runtime import wire
from falaj_control.executors.hosts import HostLink, exit_code


def is_open(file: int) -> bool:
    try:
        os.fstat(file)
    except OSError:
        return False
    return True


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def link(pair):
    found = HostLink(pair[0], wire.Receiver(pair[0]), None)
    yield found
    found.drop_outgoing()


def three_files(number: int) -> "list[int]":
    """Return three write ends whose read ends hold their frame's number already."""
    files = []
    for _ in range(3):
        read, write = os.pipe()
        os.write(write, b"%d" % number)
        os.close(write)
        files.append(read)
    return files


def drain(link: HostLink, receiver: wire.Receiver) -> "list[tuple[int, list[int]]]":
    """Receive until nothing is left on either side; return frames with their files."""
    found = []
    while True:
        try:
            receiver.receive()
        except BlockingIOError:
            if not link.has_outgoing:
                return found
        link.push()
        for message in receiver.messages():
            files = receiver.take_files(3)
            found.append((message.number, [int(os.read(file, 9)) for file in files]))
            for file in files:
                os.close(file)


@pytest.mark.parametrize("size", [10, 10_000, 300_000])
def test_frames_and_their_files_arrive_in_order_however_little_the_socket_takes(pair, link, size):
    sent = []
    for number in range(20):
        files = three_files(number)
        sent.extend(files)
        link.send(wire.pack(wire.ORDER, number, "x" * size), files)
    if size > 10:
        assert link.has_outgoing
    found = drain(link, wire.Receiver(pair[1]))
    assert found == [(number, [number] * 3) for number in range(20)]
    assert not any(is_open(file) for file in sent), "what was sent is closed here"


def test_frames_wait_for_a_host_that_is_still_importing(pair):
    link = HostLink(pair[0], wire.Receiver(pair[0]), 12345)
    receiver = wire.Receiver(pair[1])
    for number in range(3):
        link.send(wire.pack(wire.ORDER, number), three_files(number))
    with pytest.raises(BlockingIOError):
        receiver.receive()
    link.now_ready()
    assert [number for number, _ in drain(link, receiver)] == [0, 1, 2]


@pytest.mark.parametrize("ready", [True, False])
def test_what_a_dead_host_never_got_is_closed(pair, ready):
    link = HostLink(pair[0], wire.Receiver(pair[0]), None if ready else 12345)
    files = [file for number in range(5) for file in three_files(number)]
    for number in range(5):
        data = wire.pack(wire.ORDER, number, "x" * 300_000)
        link.send(data, files[3 * number : 3 * number + 3])
    pair[1].close()
    link.push()
    link.close()
    assert not any(is_open(file) for file in files)
    assert not link.has_outgoing


def test_sending_to_a_host_that_has_gone_is_no_error(pair, link):
    pair[1].close()
    files = three_files(1)
    link.send(wire.pack(wire.ORDER, 1), files)
    assert not any(is_open(file) for file in files)


@pytest.mark.parametrize(("status", "code"), [(0, 0), (3 << 8, 3), (9, -9), (15 | 128, -15)])
def test_a_wait_status_as_an_exit_code(status, code):
    assert exit_code(status) == code


def test_the_launcher_is_nobodys_child(link):
    assert link.exit_status() is None
