"""A deadline raises in the thread that entered it, and leaves nothing behind."""

import signal
import threading

import pytest

from falaj.errors import TimeoutException
from falaj.runtime.deadline import Deadline

# Else pytest's own timeout uses the very alarm that is tested.
pytestmark = pytest.mark.timeout(60, method="thread")


def wait_for_the_end() -> None:
    event = threading.Event()
    while True:
        # Short waits, so that an exception set from another thread is met.
        event.wait(0.005)


def test_it_raises_in_the_main_thread_and_puts_the_handler_back():
    before = signal.getsignal(signal.SIGALRM)
    told = r"Step train ran longer than its @timeout of 0.02"
    with pytest.raises(TimeoutException, match=told), Deadline(0.02, "train"):
        wait_for_the_end()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_it_raises_in_another_thread():
    found: list[BaseException] = []

    def work() -> None:
        try:
            with Deadline(0.02, "train"):
                wait_for_the_end()
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    (error,) = found
    assert isinstance(error, TimeoutException)
    assert "Step train ran longer" in str(error)


@pytest.mark.parametrize("seconds", [None, 1000.0])
def test_a_step_that_is_done_in_time_is_left_alone(seconds):
    before = signal.getsignal(signal.SIGALRM)
    threads = set(threading.enumerate())
    with Deadline(seconds, "train"):
        assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) == (seconds is not None)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
    done = threading.Event()

    def work() -> None:
        with Deadline(seconds, "train"):
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert done.is_set()
    for timer in set(threading.enumerate()) - threads:
        timer.join(30)


def test_an_error_of_the_step_ends_the_deadline_too():
    with pytest.raises(ZeroDivisionError), Deadline(1000.0, "train"):
        raise ZeroDivisionError
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
