"""Admonitions, the notes of Obsidian, and mathematics."""

from __future__ import annotations

import pytest

from tests.sources.rendering import SITE, published, rendered, shown, warnings

NOTE = "<blockquote> <p><strong>Note</strong></p> <p>Some <em>text</em></p> </blockquote>"


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        (":::note\nSome *text*\n:::", "admonitions"),
        ("::: note\n\nSome *text*\n\n:::", "admonitions"),
        ("::: {.callout-note}\nSome *text*\n:::", "callouts"),
        ("!!! note\n    Some *text*", "admonitions"),
        ("> [!NOTE]\n> Some *text*", "gfm"),
        ("> [!note]-\n> Some *text*", "wikilinks"),
    ],
)
def test_notes_are_quotes_with_a_title(text: str, syntax: str) -> None:
    assert published(f"Before\n\n{text}\n\nAfter", syntax) == f"<p>Before</p> {NOTE} <p>After</p>"


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        (":::tip[Mind *this*]\nx\n:::", "admonitions"),
        (":::tip Mind *this*\nx\n:::", "admonitions"),
        ('::: {.callout-tip title="Mind *this*"}\nx\n:::', "callouts"),
        ("::: {.callout-tip}\n## Mind *this*\nx\n:::", "callouts"),
        ('!!! tip "Mind *this*"\n    x', "admonitions"),
        ("> [!tip] Mind *this*\n> x", "gfm"),
    ],
)
def test_titles_of_notes_are_markdown(text: str, syntax: str) -> None:
    page = published(text, syntax)

    assert page == "<blockquote> <p><strong>Mind <em>this</em></strong></p> <p>x</p> </blockquote>"


@pytest.mark.parametrize("text", ['??? note "More"\n    x', '???+ note "More"\n    x', ":::details More\nx\n:::"])
def test_notes_that_fold_are_details(text: str) -> None:
    assert published(text, "admonitions") == "<details><summary>More</summary> <p>x</p> </details>"


def test_notes_within_notes_and_lists() -> None:
    text = "::::tip\na\n:::note\nb\n:::\nc\n::::\n\n- d\n\n    !!! note\n        e\n\n            code\n"

    assert shown(text, "admonitions") == "Tip a Note b c d Note e code"
    assert published(text, "admonitions").count("<blockquote>") == 3


def test_boxes_of_no_known_kind_are_unwrapped_and_what_never_closes_stays() -> None:
    assert shown("::: {.column width=50%}\na\n:::", "callouts") == "a"
    assert shown(":::note\nnever closed", "admonitions") == ":::note Note never closed"
    assert shown("a\n\n:::\n\nb", "admonitions") == "a ::: b"


def test_tabs_of_mkdocs_are_titles() -> None:
    assert published('=== "Linux"\n    apt', "admonitions") == "<p><strong>Linux</strong></p> <p>apt</p>"


def test_code_within_notes_is_left_alone() -> None:
    assert "<pre><code>:::\n</code></pre>" in rendered(":::note\n```\n:::\n```\n:::", "admonitions").html


def test_wiki_links_lead_to_posts_or_are_words() -> None:
    text = "[[Other]], [[Other#A Head|there]], [[None|words]], [[None]], `[[Other]]`"

    assert published(text, "wikilinks") == (
        f'<p><a href="{SITE}/other/">Other</a>, <a href="{SITE}/other/#a-head">there</a>, words, None, '
        "<code>[[Other]]</code></p>"
    )
    assert warnings(text, "wikilinks") == [(0, 'there is no post "None" to link to')]


def test_embeds_are_images_or_links() -> None:
    assert published("![[a b.png|300]] ![[c.png|A cat]] ![[Other]]", "wikilinks") == (
        f'<p><img src="{SITE}/a/a%20b.png" alt=""> <img src="{SITE}/a/c.png" alt="A cat"> '
        f'<a href="{SITE}/other/">Other</a></p>'
    )


def test_marks_comments_and_ids_of_blocks() -> None:
    text = "A ==*marked* word== and %%no%% a == b. ^block-1\n\n%%\nno\n\nno\n%%\n\n| [[Other\\|x]] |\n|---|\n"

    assert published(text, "wikilinks").startswith("<p>A <mark><em>marked</em> word</mark> and a == b.</p> <table>")
    assert shown(text, "wikilinks") == "A marked word and a == b. x"


def test_mathematics_is_kept_as_it_is_written() -> None:
    text = "So $a_1 * b_2 < c*$ costs $5 or $6.\n\n$$\nx_1 \\\\\ny_1\n$$\n"

    assert rendered(text, "math").html == (
        '<p>So <code class="math">a_1 * b_2 &lt; c*</code> costs $5 or $6.</p>\n'
        '<pre><code class="math">x_1 \\\\\ny_1</code></pre>\n'
    )
    assert published("$x$", "math") == '<p><code class="math">x</code></p>'


@pytest.mark.parametrize(
    "text", ["$5 and 10$ more", "from $PATH to $HOME", "$HOME/$USER", "a$b$5", "US$ 5 or 6$", "$1 is $"]
)
def test_what_has_a_price_is_no_formula(text: str) -> None:
    assert shown(text, "math") == text


def test_attributes_of_what_stands_before_are_no_text() -> None:
    text = "[a](/b){ .button } ![c](d.png){width=50% #e} `f`{.py} [*g* h]{.aside} f(x){y} and {.z}\n\n## I { #j .k }"
    page = published(text, "callouts")

    assert page == (
        f'<p><a href="https://example.org/b">a</a> <img src="{SITE}/a/d.png" alt="c"> <code>f</code> <em>g</em> h '
        "f(x){y} and {.z}</p> <h2>I</h2>"
    )
    assert "{y}" in shown("(x){y}", "admonitions")


def test_footnotes_within_the_text_are_read_where_a_tool_knows_them() -> None:
    assert "^[" not in shown("Text^[A *note*.] and more.", "callouts")
    assert "[a-z]" in shown("A pattern ^[a-z] of words.", "admonitions")
