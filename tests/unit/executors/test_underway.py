from falaj.runtime.notes import LONGEST
from falaj_control.executors.underway import parse_report, take_notes


def test_whole_lines_are_taken_and_the_rest_waits():
    data = bytearray(b'["metric",{"a":1}]\n["card",[2]]\n["met')
    assert take_notes(data) == (("metric", {"a": 1}), ("card", [2]))
    assert data == b'["met'
    data += b'ric",3]\n'
    assert take_notes(data) == (("metric", 3),)
    assert data == b""


def test_lines_that_are_no_notes_are_left_out():
    data = bytearray(b'nonsense\n{"a":1}\n17\n[1,2,3]\n\xff\n["card",1]\n\n')
    assert take_notes(data) == (("card", 1),)


def test_what_is_nested_without_end_is_left_out():
    deep = b"[" * 50_000
    assert take_notes(bytearray(deep + b'\n["card",1]\n')) == (("card", 1),)
    assert parse_report(bytearray(deep)) is None


def test_what_never_ends_a_line_does_not_pile_up():
    data = bytearray()
    for _ in range(100):
        data += b"x" * 65536
        assert take_notes(data) == ()
        assert len(data) <= LONGEST
    data += b'\n["card", 1]\n'
    assert take_notes(data) == (("card", 1),)
