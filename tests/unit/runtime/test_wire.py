"""Frames: the same however they are cut, with their files in order."""

import os
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falaj.runtime import wire


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


FRAMES = [(wire.HELLO, 0, {"ü": [1, None]}), (wire.READY, 0, None), (wire.ORDER, 2**63, "x" * 40)]
BYTES = b"".join(wire.pack(*frame) for frame in FRAMES)


def values(messages):
    return [(one.kind, one.number, one.json() if one.payload else None) for one in messages]


def test_frames_cut_at_every_byte_are_put_together(pair):
    for cut in range(len(BYTES) + 1):
        receiver, found = wire.Receiver(pair[1]), []
        for piece in (BYTES[:cut], BYTES[cut:]):
            if piece:
                pair[0].sendall(piece)
                receiver.receive()
                found += values(receiver.messages())
        assert found == FRAMES
        assert not receiver.closed


def test_frames_come_byte_by_byte(pair):
    receiver, found = wire.Receiver(pair[1]), []
    for number in range(len(BYTES)):
        pair[0].sendall(BYTES[number : number + 1])
        receiver.receive()
        found += values(receiver.messages())
    assert found == FRAMES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(frames=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**64 - 1), JSON), max_size=6))
def test_any_frames_come_back(frames):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.sendall(b"".join(wire.pack(*frame) for frame in frames) + b"")
    ours.close()
    receiver = wire.Receiver(theirs)
    while not receiver.closed:
        receiver.receive()
    assert values(receiver.messages()) == frames
    theirs.close()


def test_files_come_in_the_order_of_the_frames_that_announce_them(pair):
    ends = []
    for number in range(40):
        read, write = os.pipe()
        os.write(write, b"%d" % number)
        os.close(write)
        ends.append(read)
    for number in range(0, 40, 4):
        data = wire.pack(wire.ORDER, number)
        assert wire.send_with_files(pair[0], data, ends[number : number + 4]) == len(data)
    receiver, messages = wire.Receiver(pair[1]), []
    while len(messages) < 10:
        receiver.receive()
        messages += receiver.messages()
    for message in messages:
        files = receiver.take_files(4)
        assert [int(os.read(file, 9)) for file in files] == list(
            range(message.number, message.number + 4)
        )
        assert not any(os.get_inheritable(file) for file in files)
        for file in files:
            os.close(file)
    assert receiver.files == []
    for end in ends:
        os.close(end)


def test_the_end_of_the_stream_is_told_and_what_came_before_it_kept(pair):
    receiver = wire.Receiver(pair[1])
    with pytest.raises(BlockingIOError):
        receiver.receive()
    pair[0].sendall(BYTES + BYTES[:7])
    pair[0].close()
    while not receiver.closed:
        receiver.receive()
    assert values(receiver.messages()) == FRAMES
    with pytest.raises(EOFError):
        receiver.wait()


def test_a_first_frame_is_waited_for(pair):
    pair[1].setblocking(True)
    pair[0].sendall(BYTES)
    receiver = wire.Receiver(pair[1])
    assert [values([receiver.wait()])[0] for _ in FRAMES] == FRAMES
