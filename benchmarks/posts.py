"""What a large blog costs: 10 000 posts of 3 KB, whole processes, beside Hugo where it is installed.

    python benchmarks/posts.py [--posts 10000] [--git]

Prints CPU and wall seconds (CPU with that of the worker processes) and the peak memory of the first run, of one after
nothing changed, and of one after one post changed. Hugo makes one RSS feed with the full text of all posts and no
other page; once as it comes, and once without colouring code, which feedbot does not do either. With ``--git`` the
posts lie in a repository that is asked over https on loopback, for which trustme is needed, and Hugo stays out; the
CPU is that of feedbot and of the git commands that it runs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from measuring import RUN, Spent, timed

CONFIG = """
[feedbot]
state = "feedbot.db"
output = "public"
base_url = "https://feeds.example/"

[sources.blog]
type = "posts"
path = "blog"
preset = "hugo"
site = "https://blog.example"

[feeds.all]
"""
HUGO = """
baseURL = "https://blog.example/"
title = "Blog"
disableKinds = ["taxonomy", "term", "section", "sitemap", "robotsTXT", "404"]
[outputs]
home = ["RSS"]
[[cascade]]
[cascade._build]
render = "link"
[cascade._target]
path = "/posts/**"
"""
LAYOUT = """<rss version="2.0"><channel><title>{{ .Site.Title }}</title><link>{{ .Site.BaseURL }}</link>
<description>Posts</description>
{{ range .Site.RegularPages.ByDate.Reverse }}<item><title>{{ .Title }}</title><link>{{ .Permalink }}</link>
<pubDate>{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" | safeHTML }}</pubDate>
<description>{{ .Content | html }}</description></item>
{{ end }}</channel></rss>
"""
CHANGED, MORE = "content/posts/post-00042.md", "One more line.\n"
WORDS = (
    "the of a to and in that release parser module change with new on for is it was function value object type"
).split()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--posts", type=int, default=10_000)
    arguments.add_argument("--git", action="store_true")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_blog(folder / "blog", options.posts)
        (in_a_repository if options.git else in_a_folder)(folder, folder / "blog")


def in_a_folder(folder: Path, blog: Path) -> None:
    (folder / "feedbot.toml").write_text(CONFIG)
    tell("feedbot, first run", timed(RUN, folder))
    tell("feedbot, first run after it was written", timed(RUN, folder))
    tell("feedbot, nothing changed", timed(RUN, folder))
    with (blog / CHANGED).open("a") as post:
        post.write(MORE)
    tell("feedbot, one post changed", timed(RUN, folder))
    if hugo := shutil.which("hugo"):
        tell("hugo, one feed", timed((hugo, "--quiet"), blog))
        with (blog / "hugo.toml").open("a") as configuration:
            configuration.write("[markup.highlight]\ncodeFences = false\n")
        tell("hugo, one feed, code left plain", timed((hugo, "--quiet"), blog))


def in_a_repository(folder: Path, blog: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import trustme

    from tests.support.git import Blog, git_server

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    repository = Blog(folder / "served" / "blog")
    files = {path.relative_to(blog).as_posix(): path.read_text() for path in blog.rglob("*") if path.is_file()}
    repository.commit(files)
    with git_server(folder / "served", authority) as server:
        access = f'git = "{server.url("blog")}"\nca_file = "ca.pem"\nallow_private = ["localhost"]'
        (folder / "feedbot.toml").write_text(CONFIG.replace('path = "blog"', access))
        tell("feedbot, first run", timed(RUN, folder))
        tell("feedbot, nothing changed", timed(RUN, folder))
        repository.commit({CHANGED: files[CHANGED] + MORE})
        tell("feedbot, one post changed", timed(RUN, folder))


def tell(what: str, spent: Spent) -> None:
    print(f"{what:42} {spent.cpu:7.2f} s CPU  {spent.wall:7.2f} s wall  {spent.memory:5.0f} MB")


def write_blog(folder: Path, number: int) -> None:
    """A blog as Hugo reads it; the same each time."""
    chance = random.Random(1)
    posts = folder / "content" / "posts"
    posts.mkdir(parents=True)
    (folder / "hugo.toml").write_text(HUGO)
    (folder / "layouts").mkdir()
    (folder / "layouts" / "index.rss.xml").write_text(LAYOUT)
    for index in range(number):
        date = f"{2000 + index // 400}-{index % 12 + 1:02}-{index % 28 + 1:02}T10:00:00Z"
        matter = f'title: "Post {index}"\ndate: {date}\nauthor: Jo\ntags: [python, t{index % 20}]\nsummary: On {index}'
        (posts / f"post-{index:05}.md").write_text(f"---\n{matter}\n---\n{body(chance)}\n")


def body(chance: random.Random) -> str:
    """About 3 KB of paragraphs, lists, headings and code."""
    blocks: list[str] = []
    while sum(map(len, blocks)) < 2850:
        kind = chance.random()
        if kind < 0.12:
            blocks.append("## " + " ".join(chance.choices(WORDS, k=4)))
        elif kind < 0.22:
            blocks.append("\n".join(f"- {sentence(chance)}" for _ in range(4)))
        elif kind < 0.3:
            blocks.append("```python\n" + "\n".join(f"x_{line} = call({line}, 'a')" for line in range(6)) + "\n```")
        else:
            link, stress = chance.choice(WORDS), chance.choice(WORDS)
            text = " ".join(sentence(chance) for _ in range(3))
            blocks.append(f"*{stress}* [{link}](https://example.com/{link}) `{link}` {text}")
    return "\n\n".join(blocks)


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(8, 18))).capitalize() + "."


if __name__ == "__main__":
    main()
