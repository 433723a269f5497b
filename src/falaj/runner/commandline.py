"""From keyword arguments to the words of a command line, without knowing the flow."""

from __future__ import annotations

import json
import numbers
import os
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple, cast

VALUE = "value"
FLAG = "flag"
SWITCH = "switch"
REPEATED = "repeated"
PAIRS = "pairs"
PLACE = "place"

# What Linux takes as a single argument, with its closing zero.
_LONGEST = 131072


class Form(NamedTuple):
    """How a keyword is written: its option, what comes behind it, and what turns it off.

    A value that is a flag is there or not, a switch has a name for off, a repeated one is a list,
    pairs are (name, value); a place is no option but stands where it stands.
    """

    kind: str
    option: str
    off: str = ""


# Those before the command; any other keyword is an option with a value, or a flag.
TOP_LEVEL = {
    "quiet": Form(SWITCH, "--quiet", "--not-quiet"),
    "pylint": Form(SWITCH, "--pylint", "--no-pylint"),
    "production": Form(FLAG, "--production"),
    "decospecs": Form(REPEATED, "--with"),
    "trigger": Form(REPEATED, "--trigger"),
    "config": Form(PAIRS, "--config"),
    "config_value": Form(PAIRS, "--config-value"),
}
_OF_A_RUN = {
    "decospecs": Form(REPEATED, "--with"),
    "tags": Form(REPEATED, "--tag"),
    "includes": Form(REPEATED, "--include"),
    "notify": Form(REPEATED, "--notify"),
    "locked": Form(FLAG, "--locked"),
    "show_values": Form(FLAG, "--show-values"),
    "quiet": Form(FLAG, "--quiet"),
    "max_workers": Form(VALUE, "--max-workers"),
    "max_log_size": Form(VALUE, "--max-log-size"),
    "max_num_splits": Form(VALUE, "--max-num-splits"),
    "run_id_file": Form(VALUE, "--run-id-file"),
}
# Those behind the command; any other keyword is a parameter of the flow.
COMMANDS = {
    "run": _OF_A_RUN,
    "resume": dict(
        _OF_A_RUN,
        origin_run_id=Form(VALUE, "--origin-run-id"),
        step=Form(PLACE, "STEP"),
        step_to_rerun=Form(PLACE, "STEP"),
    ),
    "spin": dict(
        _OF_A_RUN,
        pathspec=Form(PLACE, "PATHSPEC"),
        skip_decorators=Form(SWITCH, "--skip-decorators", "--no-skip-decorators"),
        persist=Form(SWITCH, "--persist", "--no-persist"),
        artifacts_module=Form(VALUE, "--artifacts-module"),
    ),
}


class Call(NamedTuple):
    """One call of a method that becomes a command: what to type, and what was given.

    `keywords` gives the keyword behind each option, `values` what it was called with, `kinds` the
    types of those values that only some parameters take although any could be written down.
    """

    method: str
    words: List[str]
    keywords: Dict[str, str]
    values: Dict[str, Any]
    kinds: Dict[str, str]


def call_of(method: str, forms: Mapping[str, Form], values: Mapping[str, Any]) -> Call:
    """Return what to type for the keyword arguments of `method`; None stands for not given.

    Raises TypeError for a value that its option can't take, ValueError for one that is too long.
    """
    call = Call(method, [], {}, {}, {})
    for name, value in values.items():
        if value is None:
            continue
        form = forms.get(name)
        if form is None:
            is_flag = forms is TOP_LEVEL and isinstance(value, bool)
            # A parameter is called as it is written; options of ours have no underscore.
            shown = name.replace("_", "-") if forms is TOP_LEVEL else name
            form = Form(FLAG if is_flag else VALUE, "--" + shown)
            if isinstance(value, (bool, dict, list, tuple)) and not is_flag:
                call.kinds[name] = type(cast(object, value)).__name__
        words = _words(_Named(method, name), form, value)
        for word in words:
            if len(os.fsencode(word)) >= _LONGEST:
                raise ValueError(
                    "{}: `{}` is {:,} bytes long as text, and a command line takes less than "
                    "{:,}. Pass it as a file, with IncludeFile in the flow.".format(
                        method, name, len(os.fsencode(word)), _LONGEST
                    )
                )
        call.words.extend(words)
        call.keywords[form.option] = name
        call.values[name] = value
    return call


class _Named(NamedTuple):
    method: str
    name: str

    def refuse(self, wanted: str, value: object) -> TypeError:
        return TypeError(
            "{}: `{}` takes {}, not {!r} ({}).".format(
                self.method, self.name, wanted, value, type(value).__name__
            )
        )


def _words(named: _Named, form: Form, value: Any) -> List[str]:
    if form.kind == PLACE:
        if not isinstance(value, str):
            raise named.refuse("a text", value)
        return [value]
    if form.kind in (FLAG, SWITCH):
        if not isinstance(value, bool):
            raise named.refuse("True or False", value)
        if value:
            return [form.option]
        return [form.off] if form.off else []
    if form.kind == REPEATED:
        return [word for one in _listed(named, value) for word in (form.option, one)]
    if form.kind == PAIRS:
        return [word for pair in _pairs(named, value) for word in (form.option, *pair)]
    return [form.option, _text(named, value)]


def _listed(named: _Named, value: Any) -> List[str]:
    if not isinstance(value, (list, tuple)):
        raise named.refuse("a list of texts, such as ['a', 'b']", value)
    items = cast(Sequence[Any], value)
    for one in items:
        if not isinstance(one, str):
            raise named.refuse("a list of texts", one)
    return [str(one) for one in items]


def _pairs(named: _Named, value: Any) -> List[Tuple[str, str]]:
    given: Any = list(cast(Dict[Any, Any], value).items()) if isinstance(value, dict) else value
    wanted = "a list of pairs, such as [('name', value)]"
    if not isinstance(given, (list, tuple)):
        raise named.refuse(wanted, cast(object, value))
    found: List[Tuple[str, str]] = []
    for pair in cast(Sequence[Any], given):
        if not isinstance(pair, (list, tuple)) or len(cast(Sequence[Any], pair)) != 2:
            raise named.refuse(wanted, cast(object, pair))
        name, one = cast(Sequence[Any], pair)
        if not isinstance(name, str):
            raise named.refuse(wanted, cast(object, pair))
        # A mapping may be of any kind, such as the value of another flow's Config.
        plain = dict(cast(Mapping[Any, Any], one)) if isinstance(one, Mapping) else one
        found.append((name, _text(named, plain)))
    return found


def _text(named: _Named, value: Any) -> str:
    if isinstance(value, (str, bool)):
        return str(value)
    # The kinds of number that numpy and others bring are registered with these.
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if isinstance(value, os.PathLike):
        return os.fsdecode(cast("os.PathLike[Any]", value))
    if isinstance(value, (dict, list, tuple)):
        try:
            return json.dumps(value, ensure_ascii=False, default=_number)
        except (TypeError, ValueError, RecursionError) as error:
            kind = type(cast(object, value)).__name__
            raise TypeError(
                "{}: `{}` can't be written as JSON: {}. It is a {}.".format(
                    named.method, named.name, error, kind
                )
            ) from None
    raise named.refuse("a text, number, truth value, path, list or dict", value)


def _number(value: Any) -> Any:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError("{!r} is no JSON value".format(value))
