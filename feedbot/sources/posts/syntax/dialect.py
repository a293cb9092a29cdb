"""Names what a blog writes beside Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

SYNTAXES = frozenset(
    {
        "gfm",  # nothing beside what is always read
        "mdx",  # imports, components and expressions in files named .mdx
        "mdx-in-md",  # the same in every file, as Docusaurus has it
        "markdoc",  # {% tag a=1 %} ... {% /tag %}
        "liquid",  # {% tag %}, {{ output }}, {: .class}; Jinja and Nunjucks too
        "shortcodes",  # Hugo's {{< figure src="x.png" >}}, Zola's {{ youtube(id="x") }}
        "admonitions",  # :::note, !!! note, ??? note, === "Tab", ![](a.png){ width=300 }
        "callouts",  # ::: {.callout-note}, [words]{.class}, ^[a footnote]
        "math",  # $x$, $$x$$
        "wikilinks",  # [[Note]], ![[image.png]], ==mark==, %%comment%%, ^id, ^[a footnote]
    }
)
"""What ``syntax`` may name. Tables, strikes, footnotes, tasks, definitions, ``> [!NOTE]`` and links written out are
always read."""


class Dialect(Struct, frozen=True):
    """The syntaxes that are on, the components of the blog (name to pattern) and its address."""

    syntaxes: frozenset[str] = frozenset()
    components: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
