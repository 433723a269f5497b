"""ConfigValue, and values that stand for what configs will hold."""

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from falaj import ConfigValue, config_expr
from falaj.authoring.delayed import holds_delayed, resolved, value_at
from falaj.errors import ConfigError

DATA: dict[str, Any] = {"a": {"b": [1, {"c": 2}], "t": ({"d": 3},)}, "items": 4}
CONFIGS = {"cfg": ConfigValue(DATA), "key": "a", "none": None}


def test_a_config_value_is_read_by_key_and_attribute():
    value = ConfigValue(DATA)
    assert value.a.b[1].c == value["a"]["b"][1]["c"] == 2
    assert value.a.t[0].d == 3
    assert value["items"] == 4
    assert isinstance(value, dict)
    assert isinstance(value, Mapping)
    assert "a" in dir(value)


def test_it_equals_its_dict_and_gives_it_back():
    value = ConfigValue(DATA)
    assert value == DATA
    assert json.loads(json.dumps(value))["a"]["b"] == [1, {"c": 2}]
    plain = value.to_dict()
    assert plain == DATA
    assert type(plain["a"]) is dict
    assert type(plain["a"]["b"][1]) is dict


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, ConfigValue.copy, ConfigValue])
def test_copies_are_values_as_well(copied):
    value = copied(ConfigValue(DATA))
    assert value == DATA
    assert value.a.b[1].c == 2


def test_it_can_be_pickled():
    value = pickle.loads(pickle.dumps(ConfigValue(DATA)))
    assert type(value) is ConfigValue
    assert value.a.b[1].c == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(a=1),
        lambda v: v.pop("a"),
        lambda v: v.popitem(),
        lambda v: v.clear(),
        lambda v: v.setdefault("x", 1),
        lambda v: v.__setitem__("a", 1),
        lambda v: v.__delitem__("a"),
        lambda v: setattr(v, "a", 1),
        lambda v: delattr(v, "a"),
        lambda v: v.__ior__({"a": 1}),
    ],
)
def test_it_can_not_be_changed(change):
    value = ConfigValue(DATA)
    with pytest.raises(TypeError, match="can't be changed"):
        change(value)
    assert value == DATA


def test_a_key_that_is_not_there():
    with pytest.raises(AttributeError, match="has no `x` here; there is `a`, `items`"):
        _ = ConfigValue(DATA).x


def test_fromkeys():
    assert ConfigValue.fromkeys(["a", "b"], 1) == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("delayed", "wanted"),
    [
        (config_expr("cfg").a.b[1].c, 2),
        (config_expr("cfg")["a"].b, [1, {"c": 2}]),
        (config_expr("cfg")[config_expr("key")].t[0].d, 3),
        (config_expr("cfg.a.b[0] + len(DATA)"), 3),
        (config_expr("sum(cfg.a.b[0] + len(DATA) for _ in cfg.a.b)"), 6),
        (config_expr("cfg").items, 4),
        ([config_expr("key"), {"x": (config_expr("key"),)}], ["a", {"x": ("a",)}]),
        ({config_expr("key"): {config_expr("key")}}, {"a": {"a"}}),
        ({"z": 1, **config_expr("cfg").a.b[1], "y": 2}, {"z": 1, "c": 2, "y": 2}),
    ],
)
def test_delayed_values_are_resolved(delayed, wanted):
    assert holds_delayed(delayed)
    assert resolved(delayed, CONFIGS) == wanted


@pytest.mark.parametrize("value", [1, "cfg", [1, {"a": (2,)}], None, ConfigValue(DATA)])
def test_other_values_stay(value):
    assert not holds_delayed(value)
    assert resolved(value, CONFIGS) == value


@pytest.mark.parametrize(
    ("delayed", "message"),
    [
        (config_expr("cfg").a.x, "`cfg.a` has no `x`; there is `b` and `t`"),
        (config_expr("none").a, "`none` has no value"),
        (config_expr("cfg").a.b[7], "which has no `7`"),
        (config_expr("1 +"), "can't be evaluated: SyntaxError"),
    ],
)
def test_what_can_not_be_resolved_is_told(delayed, message):
    with pytest.raises(ConfigError, match=".*") as caught:
        resolved(delayed, CONFIGS)
    assert message in str(caught.value)
    assert "test_configvalues.py" in str(caught.value)


def test_value_at_follows_names():
    assert value_at(CONFIGS, ["cfg", "a", "b"]) == [1, {"c": 2}]
    with pytest.raises(ConfigError, match=r"`self.cfg` has no `z`"):
        value_at(CONFIGS, ["cfg", "z"])
