"""Which cron texts can be followed, and what their fields are taken to be."""

import re

import pytest

from falaj.authoring.cron import cron_of, parse_cron
from falaj.authoring.options import option_attributes


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "*/15 0-6 1,15 JAN-MAR mon-fri",
        "0 6 * * 7",
        "0 0 * * ? *",
        "0 0 ? * SUN *",
        "0 * * * ? *",
        "0 0 L * ? 2027",
        "0 0 LW * ?  2027-2030",
        "0 0 15W * ? *",
        "0 0 L-3 * ? *",
        "0 0 ? * FRI#2 *",
        "0 0 ? * 6L *",
        "0 0 ? NOV-FEB FRI-MON *",
        "0 0/5 14,18 * * ?",
        "0 15 10 ? * MON-FRI",
        "0 0 12 1/5 * ? 2026/2",
    ],
)
def test_a_cron_text_that_can_be_followed(text: str) -> None:
    assert parse_cron(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has 0 fields"),
        ("* * * *", "it has 4 fields"),
        ("0 0 0 0 0 0 0 0", "it has 8 fields"),
        ("60 * * * *", "the minute is '60', not from 0 to 59"),
        ("* 24 * * *", "the hour is '24'"),
        ("* * 0 * *", "the day of the month is '0', not from 1 to 31"),
        ("* * * FOO *", "the month is 'FOO', not from 1 to 12 or JAN to DEC"),
        ("* * * * 8", "the day of the week is '8', not from 0 to 7"),
        ("0 0 ? * 0 *", "the day of the week is '0', not from 1 to 7"),
        ("*/0 * * * *", "goes on in steps of 0"),
        ("9-3 * * * *", "the minute 9-3 runs backwards"),
        ("0 0 ? * ? *", "only one of the two days"),
        ("0 0 32W * ? *", "the day of the month is '32W'"),
        ("0 0 ? * FRI#6 *", "the day of the week"),
        ("0 0 * * ? 1900", "the year is '1900'"),
        ("1,,2 * * * *", "the minute is ''"),
        ("-1 * * * *", "the minute is '-1'"),
        ("² * * * *", "the minute is '²'"),
        ("1/2/3 * * * *", "the minute"),
    ],
)
def test_a_cron_text_that_can_not(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_cron(text)


def test_the_sixth_field_is_the_year_unless_only_a_second_makes_sense() -> None:
    year = parse_cron("0 15 10 * ? *")
    assert (year.second, year.minute, year.hour, year.day, year.year) == ("0", "0", "15", "10", "*")
    second = parse_cron("0 15 10 * * ?")
    assert (second.second, second.minute, second.hour) == ("0", "15", "10")
    assert (second.month, second.weekday) == ("*", "?")
    assert (parse_cron("0 6 * * 1").is_quartz, second.is_quartz) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "cron"),
    [
        ({}, "0 0 * * ? *"),
        ({"hourly": True}, "0 * * * ? *"),
        ({"weekly": True, "hourly": True}, "0 0 ? * SUN *"),
        ({"cron": "5 4 * * *", "weekly": True}, "5 4 * * *"),
        ({"daily": False}, None),
    ],
)
def test_what_a_schedule_stands_for(arguments: "dict[str, object]", cron: "str | None") -> None:
    assert cron_of(option_attributes("schedule", arguments)) == cron
    assert cron is None or parse_cron(cron)
