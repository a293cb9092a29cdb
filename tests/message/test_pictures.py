from __future__ import annotations

import pytest

from feedbot.core.html import clean
from feedbot.message.pictures import with_images

IMAGE = '<p>a <img src="https://a.example/i.png?x=1&amp;y" alt="A &lt;cat&gt;"> b</p>'


def test_images_are_kept_as_they_are() -> None:
    assert with_images(IMAGE, "keep") == IMAGE


def test_images_become_links_with_what_they_show() -> None:
    assert with_images(IMAGE, "link") == (
        '<p>a <a href="https://a.example/i.png?x=1&amp;y">[image: A &lt;cat&gt;]</a> b</p>'
    )


def test_an_image_in_a_link_is_told_without_a_second_link() -> None:
    content = '<a href="https://b.example/"><img src="https://a.example/i.png"></a> &amp; &#8212;'
    assert with_images(content, "link") == '<a href="https://b.example/">[image]</a> &amp; &#8212;'


def test_without_images_nothing_is_left_that_a_mail_program_would_load() -> None:
    content = (
        '<picture><source srcset="https://a.example/1.webp"><img src="https://a.example/1.png"></picture>'
        '<video src="https://a.example/v.mp4" poster="https://a.example/p.png"></video><p>text</p>'
    )
    assert with_images(clean(content), "drop") == "<p>text</p>"


@pytest.mark.parametrize("images", ["keep", "link", "drop"])
def test_everything_else_stays_to_the_letter(images: str) -> None:
    content = clean("<h2>A &amp; B</h2><pre><code>x &lt; y</code></pre><ul><li>1<br>2</li></ul><q>&nbsp;</q>")
    assert with_images(content, images) == content  # type: ignore[arg-type]
