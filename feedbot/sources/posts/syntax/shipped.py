"""The components that are known without configuration; of several patterns the first whose fields are all given counts.

``{a|b}`` is the first attribute given of several, "0" the first without a name, ``{a?}`` one that may be missing,
``{a!id}`` the id in an address, ``{a!stem}`` the last part of a path without its suffix, ``{a!path}`` without its
first slash, ``{a!kind}`` with a capital.
"""

from __future__ import annotations

from collections.abc import Mapping

_VIDEO = "{id|videoId|videoid|video|url|src|0!id}"
_YOUTUBE = tuple(
    f'<a href="https://www.youtube.com/watch?v={_VIDEO}"><img src="https://i.ytimg.com/vi/{_VIDEO}/hqdefault.jpg" '
    f'alt="{title}"></a>'
    for title in ("{title|alt}", "Video on YouTube")
)
_VIMEO = ('<a href="https://vimeo.com/{id|videoId|url|0!id}">Video on Vimeo</a>',)
_TWEET = (
    '<a href="https://twitter.com/{user}/status/{id!id}">A post of @{user}</a>',
    '<a href="https://twitter.com/i/status/{id|tweetId|url|0!id}">A post on X</a>',
)
_GIST = (
    '<a href="https://gist.github.com/{user|0}/{id|1}">A gist of {user|0}</a>',
    '<a href="https://gist.github.com/{id|url|0!id}">A gist</a>',
)
_IMAGE = ('<img src="{src|url|image_path|path|0}" alt="{alt|1?}">', "{alt?}")
_SIZED = "<figcaption>{caption|title|attr}</figcaption>"
_FIGURE = (
    '<figure><a href="{link}"><img src="{src|url|image_path|path|0}" alt="{alt|caption?}"></a>' + _SIZED + "</figure>",
    '<figure><a href="{link}"><img src="{src|url|image_path|path|0}" alt="{alt?}"></a></figure>',
    '<figure><img src="{src|url|image_path|path|0}" alt="{alt|caption?}">' + _SIZED + "{children}</figure>",
    '<figure><img src="{src|url|image_path|path|0}" alt="{alt|1?}">{children}</figure>',
    "<figure>{children}</figure>",
)
_TAB = ("<p><strong>{label|title|name|value|header|0}</strong></p>{children}", "{children}")
_DETAILS = (
    "<details><summary>{summary|title|0}</summary>{children}</details>",
    "<details><summary>Details</summary>{children}</details>",
)


def _callout(kind: str) -> tuple[str, ...]:
    start, end = "<blockquote><p><strong>", "</strong></p>{children}</blockquote>"
    return (start + "{title|heading}" + end, start + kind + end)


_CALLOUT = (
    "<blockquote><p><strong>{title|heading}</strong></p>{children}</blockquote>",
    "<blockquote><p><strong>{type|kind|variant|intent|0!kind}</strong></p>{children}</blockquote>",
    "<blockquote>{children}</blockquote>",
)
_KINDS = ("Note", "Tip", "Info", "Warning", "Danger", "Caution", "Important", "Success", "Hint", "Alert")

SHIPPED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("youtube", "liteyoutube", "youtubeembed", "youtubelite", "astroyoutube"), _YOUTUBE),
    **dict.fromkeys(("vimeo", "vimeoembed"), _VIMEO),
    **dict.fromkeys(("tweet", "twitter", "x", "xsimple", "twittersimple", "twittertweet", "statictweet"), _TWEET),
    "gist": _GIST,
    "video": (
        '<a href="{src|url|file|0}">{title|caption|aria-label}</a>',
        '<a href="{src|url|file|0}">Video</a>',
    ),
    "instagram": ('<a href="https://www.instagram.com/p/{id|0!id}/">A post on Instagram</a>',),
    **dict.fromkeys(("image", "img", "picture"), _IMAGE),
    "figure": _FIGURE,
    **dict.fromkeys(("callout", "admonition", "aside", "notice"), _CALLOUT),
    **{kind.lower(): _callout(kind) for kind in _KINDS},
    **dict.fromkeys(
        ("tabs", "tabgroup", "tabpane", "codegroup", "columns", "column", "rawhtml", "html"), ("{children}",)
    ),
    **dict.fromkeys(("tab", "tabitem", "tabpanel"), _TAB),
    **dict.fromkeys(("details", "accordion", "collapse", "collapsible", "spoiler", "expand"), _DETAILS),
    "quote": (
        "<blockquote>{children}<p>{author|by}</p></blockquote>",
        "<blockquote>{children}</blockquote>",
    ),
    "link": ('<a href="{href|to}">{children}</a>',),
    "button": ('<a href="{href|url|link|relref}">{children}</a>', "{children}"),
    # What the blog of Python writes.
    "pep": ('<a href="https://peps.python.org/pep-{number:04d}/">PEP {number}</a>',),
    "docs": (
        '<a href="https://docs.python.org/{path!path}">{label}</a>',
        '<a href="https://docs.python.org/{path!path}">{path!stem}</a>',
    ),
    "pypi": ('<a href="https://pypi.org/project/{name}/">{name}</a>',),
    "ghrepo": ('<a href="https://github.com/{repo}">{repo!stem}</a>',),
    "ghuser": ('<a href="https://github.com/{name}">@{name}</a>',),
}
"""By name in small letters, without hyphens."""

BOXES = frozenset({"callout", "admonition", "aside", "notice", *(kind.lower() for kind in _KINDS)})
"""What is nothing without something in it."""

NO_CONTENT = frozenset(
    {"toc", "tableofcontents", "clear", "br", "param", "head", "script", "style", "analytics", "more", "pagebreak"}
)
"""What is left out without a word to the reader."""
