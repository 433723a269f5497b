"""The engine's renderer of cards, on a fake clock."""

import signal

import pytest
from engine_fakes import Act, died, error, foreach_flow, retry, step

from falaj.model.orders import CARD, Order, Report
from falaj.store.blobs import BlobStore
from falaj_control.ports.executing import LauncherGone, Noted, Signalled

DIGEST = "sha256:" + "0" * 64


def card(type: str = "default", **more):
    return {
        "type": type,
        "id": None,
        "options": {},
        "timeout": 45,
        "save_errors": True,
        **more,
    }


def flow(**decorators):
    return step("start", "end", **decorators), step("end")


def rendered(seconds: float = 0.0, **more) -> Act:
    return Act(Report("succeeded", DIGEST, None, None, "", {}), seconds, **more)


def cards_do(system, name: str, act) -> None:
    """Say what the orders for the cards of a step do."""
    system.on(name, lambda order: act(order) if order.kind == CARD else None)


def card_orders(system) -> list[Order]:
    return [order for order in system.executor.orders if order.kind == CARD]


def rows(system):
    return system.rows(
        "SELECT task, attempt, state, reason, data, html FROM cards ORDER BY task, attempt"
    )


def test_a_card_is_rendered_after_its_task_has_been_recorded(make):
    system = make(*flow(card=card(id="x")))

    def act(order: Order) -> Act:
        assert system.rows("SELECT state FROM tasks WHERE id = 1") == [("succeeded",)]
        return rendered()

    cards_do(system, "start", act)
    assert system.run().state == "succeeded"
    (order,) = card_orders(system)
    assert (order.step, order.task, order.attempt) == ("start", 1, 0)
    assert (order.context["type"], order.context["mode"]) == ("default", "render")
    assert rows(system) == [(1, 0, "rendered", "", None, DIGEST)]
    assert system.rows("SELECT type, id, position FROM cards") == [("default", "x", 0)]


def test_a_card_waits_for_the_record_of_its_task_alone(make):
    # No step follows at once, whose own wait for the records would hide a missing one.
    system = make(*foreach_flow(card=card()), widths={"start": 3}, max_workers=1)

    def act(order: Order) -> Act:
        if order.kind != CARD:
            return system.good(order, seconds=5.0)
        states = system.rows(f"SELECT state FROM tasks WHERE id = {order.task}")
        assert states == [("succeeded",)]
        return rendered()

    system.on("body", act)
    assert system.run().state == "succeeded"
    assert len(card_orders(system)) == 3


def test_a_few_at_a_time_take_no_place_of_a_task(make):
    system = make(*foreach_flow(card=card()), widths={"start": 12}, max_workers=3)
    now, most = 0, 0

    def act(order: Order) -> Act:
        nonlocal now, most
        now += 1
        most = max(most, now)

        def over() -> None:
            nonlocal now
            now -= 1

        system.executor.at(0.999, over)
        return rendered(seconds=1.0)

    cards_do(system, "body", act)
    assert system.run().state == "succeeded"
    assert len(card_orders(system)) == 12
    assert most == 2


def test_a_card_that_takes_too_long_is_killed_and_changes_nothing(make):
    system = make(*flow(card=card(timeout=7)))
    cards_do(system, "start", lambda order: rendered(seconds=1e6, ignores=(signal.SIGTERM,)))
    assert system.run().state == "succeeded"
    (row,) = rows(system)
    assert row[2:4] == ("failed", "rendering it took longer than its timeout of 7 seconds")
    assert system.clock.now == pytest.approx(7, abs=1)


def test_a_card_that_always_takes_too_long_is_not_waited_for_by_hundreds(make):
    system = make(*foreach_flow(card=card(timeout=10)), widths={"start": 200})
    cards_do(system, "body", lambda order: rendered(seconds=1e6))
    assert system.run().state == "succeeded"
    assert system.clock.now < 60
    states = [row[2] for row in rows(system)]
    assert states == ["failed"] * 200
    assert len(system.watcher.of("note")) == 1


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (
            died(-signal.SIGSEGV),
            "The card was killed by SIGSEGV, a segmentation fault: native code crashed.",
        ),
        (died(None, starts=False, why="its host died"), "The card could not run: its host died"),
        (Act(Report("failed", DIGEST, None, error("no"), "", {})), "ValueError: no"),
    ],
    ids=["crash", "host", "raises"],
)
def test_a_card_that_fails_says_why(make, act, reason):
    system = make(*flow(card=card()))
    cards_do(system, "start", lambda order: act)
    assert system.run().state == "succeeded"
    assert rows(system)[0][2:4] == ("failed", reason)


def test_each_try_has_its_card_and_one_that_saves_no_errors_only_if_it_went_well(make):
    system = make(*flow(card=card(), retry=retry(1)))
    fails = Act(Report("failed", None, None, error(), "", {}))
    cards = {CARD: lambda order: rendered()}
    system.on(
        "start",
        lambda order: (
            cards[order.kind](order)
            if order.kind == CARD
            else (fails if order.attempt == 0 else None)
        ),
    )
    system.run()
    assert [row[:3] for row in rows(system)] == [(1, 0, "rendered"), (1, 1, "rendered")]
    other = make(*flow(card=card(save_errors=False), retry=retry(1)))
    other.on(
        "start",
        lambda order: rendered() if order.kind == CARD else (fails if order.attempt == 0 else None),
    )
    other.run()
    assert [row[:3] for row in rows(other)] == [(1, 1, "rendered")]


def note(system, number: int, *values) -> None:
    system.executor.at(0.5, Noted(number, tuple(("card", value) for value in values)))


def running_flow(make, **decorators):
    """Return a system whose first step takes a while, with the number of its order."""
    system = make(*flow(**decorators))
    numbers: list[int] = []
    start = system.executor.start

    def started(number, order, placement):
        if order.kind == "task" and order.step == "start":
            numbers.append(number)
            note(system, number, *system.notes)
        start(number, order, placement)

    system.executor.start = started
    system.on(
        "start",
        lambda order: rendered() if order.kind == CARD else system.good(order, seconds=5.0),
    )
    return system


def test_what_a_task_tells_is_what_its_card_shows(make):
    system = running_flow(make, card=card())
    digest = BlobStore(system.settings.home.store).put(b"{}")
    system.notes = [{"position": 0, "data": digest, "live": True}]
    system.run()
    (order,) = card_orders(system)
    assert order.context["data"] == digest
    assert rows(system)[0][4] == digest


def test_a_users_own_card_is_rendered_while_the_task_runs(make):
    system = running_flow(make, card=card(type="mine"))
    values = [{"position": 0, "data": "sha256:" + digit * 64, "live": True} for digit in "123"]
    system.notes = values
    system.run()
    modes = [(order.context["mode"], order.context["data"][-1]) for order in card_orders(system)]
    # Of refreshes at once, the last.
    assert modes == [("render_runtime", "3"), ("render", "3")]


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [],
        {},
        {"position": 0},
        {"position": -1, "data": DIGEST, "live": True},
        {"position": 9, "data": DIGEST, "live": True},
        {"position": 1e400, "data": DIGEST, "live": True},
        {"position": "x", "data": DIGEST, "live": True},
        {"position": 0, "data": "sha256:../../etc", "live": True},
        {"position": 0, "data": None, "live": True},
    ],
)
def test_a_note_that_is_none_is_left_out(make, value):
    system = running_flow(make, card=card())
    system.notes = [value]
    assert system.run().state == "succeeded"
    assert rows(system)[0][2:5] == ("rendered", "", None)


def test_a_run_that_is_stopped_renders_no_cards_and_one_that_failed_does(make):
    stopped = make(*flow(card=card()))
    stopped.executor.at(1.0, Signalled(signal.SIGINT))
    stopped.on(
        "start",
        lambda order: (
            rendered()
            if order.kind == CARD
            else stopped.good(order, seconds=9.0, ignores=(signal.SIGTERM, signal.SIGKILL))
        ),
    )
    assert stopped.run().state == "cancelled"
    assert card_orders(stopped) == []
    assert [row[2] for row in rows(stopped)] == ["open"]
    failing = make(*flow(card=card()))
    fails = Act(Report("failed", None, None, error(), "", {}))
    failing.on("start", lambda order: rendered() if order.kind == CARD else fails)
    assert failing.run().state == "failed"
    assert [row[2] for row in rows(failing)] == ["rendered"]


@pytest.mark.parametrize("event", [Signalled(signal.SIGINT), LauncherGone()])
def test_a_person_need_not_wait_for_cards(make, event):
    system = make(*flow(card=card()))
    cards_do(system, "start", lambda order: rendered(seconds=40.0))
    system.executor.at(1.0, event)
    assert system.run().state == "succeeded"
    assert system.clock.now < 5
    assert [row[2] for row in rows(system)] == ["open"]


def test_a_card_of_the_users_own_is_rendered_where_its_step_runs(make):
    steps = flow(card=card(type="mine"), environment={"vars": {"A": "1"}})
    system = make(*steps)
    cards_do(system, "start", lambda order: rendered())
    system.run()
    placed = dict(
        zip(
            [order.kind for order in system.executor.orders],
            system.executor.placements,
            strict=True,
        )
    )
    assert placed[CARD].variables == (("A", "1"),)
    built_in = make(*flow(card=card(), environment={"vars": {"A": "1"}}))
    cards_do(built_in, "start", lambda order: rendered())
    built_in.run()
    placed = [
        place
        for order, place in zip(built_in.executor.orders, built_in.executor.placements, strict=True)
        if order.kind == CARD
    ]
    assert placed[0].variables == ()


def test_a_card_that_is_done_while_the_code_is_still_being_stored_is_taken_in(make):
    system = make(*flow(card=card()))
    stored = Report("succeeded", "m-code", None, None, "", {})
    system.on("_code", Act(stored, seconds=4.0))
    system.on("end", lambda order: system.good(order, seconds=1.0))
    cards_do(system, "start", lambda order: rendered(seconds=2.0))
    assert system.run().state == "succeeded"
    assert [row[2] for row in rows(system)] == ["rendered"]
    assert system.clock.now < 6
