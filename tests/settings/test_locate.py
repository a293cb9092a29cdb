from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.settings.locate import Key, Lines
from tests.support.examples import examples

WILD = '''\
# a comment with [brackets] and key = "value"
title = "one"   # 2

[feedbot] # 4
state.file = "x"
"quoted key" = 1
'literal' . "dotted" = 2

[sources.a]
text = """
[not.a.table]
key = 1
ends with quotes\\""""" # 13
raw = \'\'\'
[neither] \'\'\' # 15
list = [ # 16
  "a, b]", # 17
  # a comment ]
  { x = 1, y = [1, 2] }, # 19
  """multi
line""", # 21
  [3, # 22
   4], # 23
]
date = 2026-01-01T00:00:00Z # 25
table = { inner = "}", deep = { z = 1 } } # 26

[[routes]]
to = ["x"]
[[routes]]
to = ["y"]
[routes.sub]
k = 1
[[routes.many]]
k = 2
'''


def keys(value: Any, key: Key = ()) -> set[Key]:
    found = {key} if key else set()
    if isinstance(value, dict):
        for name, item in value.items():
            found |= keys(item, (*key, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found |= keys(item, (*key, index))
    return found


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("title",), 2),
        (("feedbot",), 4),
        (("feedbot", "state", "file"), 5),
        (("feedbot", "quoted key"), 6),
        (("feedbot", "literal", "dotted"), 7),
        (("sources", "a"), 9),
        (("sources", "a", "text"), 10),
        (("sources", "a", "raw"), 14),
        (("sources", "a", "list", 0), 17),
        (("sources", "a", "list", 1, "y", 1), 19),
        (("sources", "a", "list", 2), 20),
        (("sources", "a", "list", 3, 1), 23),
        (("sources", "a", "date"), 25),
        (("sources", "a", "table", "deep", "z"), 26),
        (("routes", 0), 28),
        (("routes", 1, "to", 0), 31),
        (("routes", 1, "sub", "k"), 33),
        (("routes", 1, "many", 0, "k"), 35),
    ],
)
def test_each_key_is_found_on_its_line(key: Key, line: int) -> None:
    assert Lines(WILD).of(key) == line


def test_all_keys_of_a_document_are_found_and_no_others() -> None:
    assert Lines(WILD).keys == keys(tomllib.loads(WILD))


def test_a_key_that_is_not_there_is_looked_for_in_its_table() -> None:
    assert Lines(WILD).of(("sources", "a", "missing")) == 9


def test_a_table_that_is_not_there_has_no_line() -> None:
    assert Lines(WILD).of(("sinks",)) is None


NAMES = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text("aé.\"'\\ #=[]\t", max_size=4))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**60), 2**60), st.booleans(), st.dates(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
GAPS = st.sampled_from(["", " ", "\n", ' # ] comment " }\n', "\t"])


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value as TOML, in one of the ways there are."""
    if isinstance(value, str):
        if draw(st.booleans()) and "'" not in value and value.isprintable():
            return draw(st.sampled_from([f"'{value}'", f"'''{value}'''"]))
        if draw(st.booleans()):
            return '"""' + quoted(value)[1:-1].replace("\\n", "\n") + '"""'
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(name)} = {draw(written(item))}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        items = [draw(GAPS) + draw(written(item)) + draw(GAPS) for item in value]
        return "[" + ",".join(items) + draw(GAPS) + "]"
    return str(value).lower() if isinstance(value, (bool, int, float)) else value.isoformat()


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines: list[str] = []
    for name, value in draw(st.dictionaries(NAMES, VALUES, max_size=3)).items():
        lines.append(f"{quoted(name)} = {draw(written(value))}")
    for at, table in enumerate(draw(st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3))):
        lines.append(draw(st.sampled_from([f"[tables-.{at}]", "[[many-tables]]", f"[ others- . 't{at}' ] # [y]"])))
        lines += [f"  {quoted(name)}\t= {draw(written(value))} # end" for name, value in table.items()]
        lines.append(draw(GAPS))
    return "\n".join(lines)


@examples(20)
@given(documents())
def test_the_keys_of_any_document_are_those_that_tomllib_reads(text: str) -> None:
    data = tomllib.loads(text)
    assert Lines(text).keys == keys(data)


@given(st.lists(st.sampled_from([*"[]{}=,.\"'#\\\n a1", '"""', "'''", "[[a]]\n", "k = 1\n", "k.j='x'"]), max_size=25))
def test_no_text_whatever_makes_it_fail(parts: list[str]) -> None:
    Lines("".join(parts)).of(("a", "b"))
