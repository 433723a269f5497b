import re

import pytest

from falaj import profile


def test_a_block_is_told_with_its_milliseconds(capsys):
    with profile("fit"):
        print("within")
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["PROFILE: fit starting", "within"]
    assert re.fullmatch(r"PROFILE: fit completed in \d+ms", told[2])


def test_a_dict_sums_them_up_also_where_the_block_fails(capsys):
    stats = {}
    with profile("fit", stats):
        pass
    first = stats["fit"]
    with pytest.raises(KeyError), profile("fit", stats):
        raise KeyError
    assert stats["fit"] > first >= 0
    assert capsys.readouterr().out == ""
