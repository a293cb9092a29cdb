"""Front matter that is read quickly is read as YAML's own parser reads it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedbot.sources.posts.plainyaml import plain_pairs
from feedbot.sources.posts.values import of_yaml

KEY = st.sampled_from(["title", "date", "tags", "a-b", "A_1", "true", "Null", "y", "no"])
TEXT = st.lists(
    st.sampled_from(
        "a Word 3.10 010 no ~ true null 2026-01-02 T10:00:00Z https://x.org/a it's x@y & * ! % = - -- , ; : ' \" # é ß "
        "日本 ( ) [ ] { } | > ? \\ ... + $ ` \u00a0 \u2028 \u0301 \ufeff 𝒳 \x85 \t".split(" ")
    ),
    max_size=6,
).flatmap(lambda words: st.sampled_from([" ", ""]).map(lambda between: between.join(words)))
VALUE = st.one_of(
    TEXT,
    TEXT.map(lambda text: f'"{text}"'),
    st.lists(TEXT, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    st.text(max_size=8),
)
LINES = st.lists(st.tuples(KEY, VALUE, st.sampled_from(["", " ", "  "])), min_size=1, max_size=4)


@given(LINES, st.sampled_from(["", "\n"]))
def test_plain_front_matter_gives_what_yaml_gives(lines: list[tuple[str, str, str]], end: str) -> None:
    text = "\n".join(f"{key}: {value}{blanks}" for key, value, blanks in lines) + end

    quick = plain_pairs(text)

    if quick is not None:
        # A comment that is a line of its own is nothing to YAML, and too much for the quick way.
        slow = of_yaml(f"# none\n{text}", 1)
        assert quick == [(pair.key, pair.value) for pair in slow]
        assert [pair.line for pair in of_yaml(text, 2)] == [pair.line for pair in slow]


def test_usual_front_matter_is_plain() -> None:
    text = 'title: "Post: one"\ndate: 2026-01-02T10:00:00Z\nauthor: Jo\ntags: [python, t1]\nsummary: On 1\n'

    assert plain_pairs(text) == [
        ("title", "Post: one"),
        ("date", "2026-01-02T10:00:00Z"),
        ("author", "Jo"),
        ("tags", ["python", "t1"]),
        ("summary", "On 1"),
    ]
