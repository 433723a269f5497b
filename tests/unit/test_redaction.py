"""Values of secrets are found in every spelling, and a text may come in pieces."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falaj import redaction
from falaj.redaction import PLACEHOLDER, Redactor

VALUE = 'p@ss "wörd"/+\\1'


def redactor(*values: str) -> Redactor:
    made = Redactor()
    made.add(values)
    return made


@pytest.mark.parametrize(
    "spelt",
    [
        VALUE,
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        repr(VALUE)[1:-1],
        repr(VALUE.encode())[2:-1],
        quote(VALUE),
        quote(VALUE, safe=""),
        quote(VALUE, safe="").lower().replace("p%40", "p%40"),
        quote_plus(VALUE),
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(VALUE.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)
def test_every_spelling_is_replaced(spelt):
    assert redactor(VALUE).redact(f"<{spelt}>") == f"<{PLACEHOLDER}>"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
def test_base64_of_more_than_the_value_tells_nothing_of_it(before, after):
    value = "correct-horse-battery"
    token = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    shown = redactor(value).redact(token)
    assert PLACEHOLDER in shown
    assert all(len(part) <= len(before) * 2 + 4 for part in shown.split(PLACEHOLDER))


def test_short_values_stay():
    assert not redactor("abc", "", " 12 ").is_active
    assert redactor("abcd").redact("abcd abc") == f"{PLACEHOLDER} abc"


def test_lines_of_a_value_are_replaced_each():
    key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n}\n-----END KEY-----\n"
    shown = redactor(key).redact("1 MIIEpAIBAAKCAQEA }")
    assert shown == f"1 {PLACEHOLDER} }}"
    assert redactor("hunter2\n").redact("it is hunter2.") == f"it is {PLACEHOLDER}."


def test_overlapping_values_leave_nothing():
    assert redactor("123456", "456789").redact("x123456789x") == f"x{PLACEHOLDER}x"
    assert redactor("abcd", "abcdefgh").redact("abcdefgh abcd") == f"{PLACEHOLDER} {PLACEHOLDER}"


@pytest.mark.parametrize(
    ("value", "twice"), [("a" * 300_000, 1), ("ab" * 150_000, 1), ("a" * 300_000 + "b", 2)]
)
def test_a_very_long_value_that_repeats_itself_is_found_wherever_it_stands(value, twice):
    # Looking at every place of it would take minutes.
    secret, data = redactor(value), value.encode()
    assert secret.redact_bytes(b"x" + data * 2 + b"x") == b"x" + b"<redacted>" * twice + b"x"
    assert secret.redact_end(b"x" + data[:-1]) == b"x<redacted>"
    assert secret.safe_length(b"x" + data[:200_000]) == 1
    assert secret.safe_length(data[:200_000] + b"x") == 200_001


def test_a_text_may_be_redacted_twice():
    secret = redactor("redacted")
    once = secret.redact("a redacted b")
    assert once == f"a {PLACEHOLDER} b"
    assert secret.redact(once) == once


def test_a_cut_text_does_not_end_in_the_beginning_of_a_value():
    secret = redactor("correct-horse")
    assert secret.redact_cut("key=correct-h…") == f"key={PLACEHOLDER}…"
    assert secret.redact_cut("key=correct-h") == "key=correct-h"
    assert secret.redact_cut("key=cor…") == "key=cor…"


def test_bytes_and_text_that_are_no_unicode():
    secret = redactor("caf\udce9-latin")
    assert secret.redact_bytes(b"x caf\xe9-latin") == b"x <redacted>"
    assert secret.redact("x caf\udce9-latin \ud800") == "x <redacted> \ud800"
    data = b"nothing"
    assert secret.redact_bytes(data) is data


@given(
    st.lists(st.text("ab", min_size=4, max_size=7), min_size=1, max_size=3),
    st.text("abc", max_size=40),
    st.integers(0, 40),
)
def test_what_is_safe_to_show_never_parts_a_value(values, text, cut):
    secret = redactor(*values)
    beginning = text[:cut].encode()
    safe = secret.safe_length(beginning)
    whole = secret.redact(text)
    parts = secret.redact(text[:safe]) + secret.redact(text[safe:])
    assert parts == whole


@pytest.mark.parametrize("cut", range(1, 40))
def test_the_beginning_of_a_text_shows_nothing_of_a_value(monkeypatch, cut):
    monkeypatch.setattr(redaction, "_of_task", None)
    text = "ä: correct-horse"
    assert redaction.redact_beginning(text, cut) == text[:cut]
    redaction.hide(["correct-horse"])
    shown = f"ä: {PLACEHOLDER}"
    assert redaction.redact_beginning(text, cut) == shown[:cut]
    assert redaction.redact_beginning(text + " is all", cut).startswith(shown[:cut])
    assert redaction.redact_first_bytes(text.encode(), cut) == shown.encode()[:cut]
    assert redaction.redact_beginning("no value", cut) == "no value"[:cut]


def test_without_secrets_nothing_happens():
    assert redaction.redact("anything") == "anything"
    assert redaction.redact_json({"a": [1, "b"]}) == {"a": [1, "b"]}
