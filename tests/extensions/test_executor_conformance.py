"""The public checks of executors, on this machine's and on one of an installed package."""

import pytest

from falaj_control.testing.executors import CHECKS, main, run_check


@pytest.mark.parametrize("name", CHECKS)
def test_the_local_executor(name) -> None:
    run_check(name, "local")


@pytest.mark.parametrize("name", CHECKS)
def test_the_executor_of_a_package(name, installed) -> None:
    run_check(name, "falaj_sample.executors:CountingExecutor", str(installed))


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("Deaf", "a_task_starts_prints_and_ends"),
        ("Doubling", "many_orders_end_once_each"),
        ("Leaving", "nothing_outlives_the_close"),
    ],
)
def test_an_executor_with_a_fault_is_found_out(fault, name, installed) -> None:
    with pytest.raises(AssertionError, match=name):
        run_check(name, f"falaj_sample.faulty:{fault}", str(installed))


@pytest.mark.parametrize("arguments", [[], ["local", "a_check_that_is_not_there"]])
def test_a_call_that_says_too_little_is_told_what_there_is(arguments, capsys) -> None:
    assert main(arguments) == 2
    assert "notes_come_in_order" in capsys.readouterr().out
