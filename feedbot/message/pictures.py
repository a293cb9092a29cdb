"""Images in the HTML of a mail: kept, as links, or left out."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Literal

Images = Literal["keep", "link", "drop"]


def with_images(content: str, images: Images) -> str:
    """Clean HTML with its images as they are, each as a link to it, or without any.

    Posters of videos, which mail programs would load too, go as images do.
    """
    if images == "keep" or "<" not in content:
        return content
    writer = _Writer(images == "link")
    writer.feed(content)
    writer.close()
    return "".join(writer.parts)


class _Writer(HTMLParser):
    def __init__(self, linked: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._linked = linked
        self._anchors = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.parts.append(self._image(values) if self._linked else "")
        elif tag in ("picture", "source", "audio", "video"):
            self.parts.append(self._medium(tag, values) if self._linked else "")
        else:
            self._anchors += tag == "a"
            self.parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("picture", "source", "audio", "video"):
            self._anchors -= tag == "a"
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def _image(self, values: dict[str, str]) -> str:
        alt = " ".join(values.get("alt", "").split())
        return self._link(values.get("src", ""), f"[image: {alt}]" if alt else "[image]")

    def _medium(self, tag: str, values: dict[str, str]) -> str:
        """A video or sound; a source of a picture is told by the image in it."""
        source = values.get("src", "")
        return self._link(source, f"[{'file' if tag == 'source' else tag}]") if source else ""

    def _link(self, address: str, label: str) -> str:
        text = html.escape(label)
        if self._anchors or not address.lower().startswith(("http://", "https://")):
            return text
        return f'<a href="{html.escape(address)}">{text}</a>'
