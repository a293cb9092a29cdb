"""Puts the HTML of components in their place, once all of a post is read and it is known which of them close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from markdown_it.token import Token

from feedbot.sources.posts.syntax.components import Components, Shown
from feedbot.sources.posts.syntax.tags import Post, Tag

_NOTHING = Shown("")


def placed(tokens: Sequence[Token], components: Components, post: Post) -> list[Token]:
    """The tokens with raw HTML in place of components. Counts and warns of what is left out."""
    if not post.tagged:
        return list(tokens)
    return list(_Placing(tokens, components, post).tokens())


class _Placing:
    def __init__(self, tokens: Sequence[Token], components: Components, post: Post) -> None:
        self._source = list(_lifted(tokens, components))
        self._components = components
        self._post = post
        self._partners = _partners(self._source)
        self._shown: dict[Tag, Shown] = {}
        self._hidden_until: Tag | None = None

    def tokens(self) -> Iterator[Token]:
        for token in self._source:
            if token.type == "inline" and token.children:
                self._children(token)
                if self._hidden_until is None or token.children:
                    yield token
            elif "pieces" in token.meta:
                content = self._content(token, block=True)
                if content:
                    yield _html("html_block", content, token)
            elif self._hidden_until is None:
                yield token

    def _children(self, token: Token) -> None:
        kept = []
        for child in token.children or ():
            if "pieces" in child.meta:
                content = self._content(child, block=False)
                if content:
                    kept.append(_html("html_inline", content, child))
            elif self._hidden_until is None:
                kept.append(child)
        token.children = kept

    def _content(self, token: Token, *, block: bool) -> str:
        parts = []
        for piece in token.meta["pieces"]:
            if not isinstance(piece, Tag):
                text = piece if self._hidden_until is None else ""
            elif self._hidden_until is None or piece is self._hidden_until:
                text = self._html(piece)
                if block and text and token.type == "tag" and not (piece in self._partners or Shown(text).is_block):
                    text = f"<p>{text}</p>\n"
            else:
                text = ""
            parts.append(text)
        return "".join(parts)

    def _html(self, tag: Tag) -> str:
        partner = self._partners.get(tag)
        if tag.kind == "close":
            self._hidden_until = None
            return self._shown.pop(partner, _NOTHING).after if partner is not None else tag.source
        if partner is None:
            return tag.source if tag.scope == ":::" else self._alone(tag)
        if tag.scope == ":::":
            shown: Shown | None = Shown(tag.attributes.get("before", ""), tag.attributes.get("after", ""))
        else:
            shown = self._components.shown(tag.name, tag.attributes)
        if shown is None and tag.name:
            sentence = f"the component {tag.name} is not known: what it holds is kept, itself left out"
            self._post.warn(sentence, tag.line)
        self._shown[tag] = shown or _NOTHING
        if shown is not None and not shown.children:
            self._hidden_until = partner
        return self._shown[tag].before

    def _alone(self, tag: Tag) -> str:
        """A component that nothing closes."""
        shown = self._components.alone(tag.name, tag.attributes)
        if shown is None:
            self._leave_out(tag)
        return shown or ""

    def _leave_out(self, tag: Tag) -> None:
        if tag.scope == "include":
            self._post.warn(f"the include of {tag.source} is known to the site alone and left out", tag.line)
        elif tag.name and not self._components.is_silent(tag.name):
            self._post.dropped += 1
            self._post.warn(f"the component {tag.name} is not known and left out", tag.line)


def _partners(tokens: Sequence[Token]) -> Mapping[Tag, Tag]:
    """For each tag that opens the one that closes it, and the other way round."""
    found: dict[Tag, Tag] = {}
    opened: list[Tag] = []
    waiting: Counter[tuple[str, str]] = Counter()
    for tag in _tags(tokens):
        key = _key(tag)
        if tag.kind == "open":
            opened.append(tag)
            waiting[key] += 1
        elif tag.kind == "close" and waiting[key]:
            while True:
                other = opened.pop()
                waiting[_key(other)] -= 1
                if _key(other) == key:
                    break
            found[other], found[tag] = tag, other
    return found


def _key(tag: Tag) -> tuple[str, str]:
    """What a tag that closes shares with the one that it closes; some close whatever is open."""
    return (tag.scope, "" if tag.scope in (":::", "zola") else tag.name)


def _tags(tokens: Sequence[Token]) -> Iterator[Tag]:
    for block in tokens:
        for token in (block, *(block.children or ())):
            yield from (piece for piece in token.meta.get("pieces", ()) if isinstance(piece, Tag))


def _lifted(tokens: Sequence[Token], components: Components) -> Iterator[Token]:
    """Take out of each paragraph the tags at its ends that make no text; leave out what is then empty."""
    at = 0
    while at < len(tokens):
        if tokens[at].type != "paragraph_open":
            yield tokens[at]
            at += 1
            continue
        end = next(index for index in range(at + 2, len(tokens)) if tokens[index].type == "paragraph_close")
        content = tokens[at + 1]
        children = content.children or []
        first, last = 0, len(children)
        while first < last and (_is_lifted(children[first], components) or _is_blank(children[first])):
            first += 1
        while last > first and (_is_lifted(children[last - 1], components) or _is_blank(children[last - 1])):
            last -= 1
        yield from (child for child in children[:first] if "pieces" in child.meta)
        if first < last:
            content.children = children[first:last]
            yield from tokens[at : end + 1]
        else:
            yield from tokens[at + 2 : end]
        yield from (child for child in children[last:] if "pieces" in child.meta)
        at = end + 1


def _is_lifted(token: Token, components: Components) -> bool:
    return token.type == "tag" and components.makes_blocks(token.meta["pieces"][0].name)


def _is_blank(child: Token) -> bool:
    return child.type in ("softbreak", "hardbreak") or (child.type in ("text", "plain") and not child.content.strip())


def _html(kind: str, content: str, token: Token) -> Token:
    return Token(kind, "", 0, content=content, map=token.map, level=token.level, block=kind == "html_block")
