"""Reads of a blog tool's own configuration what that says about the blog: its address, its title, where its posts are.

Configuration that is a program (Astro, Docusaurus, Eleventy, Pelican) is never run: values are taken that are
written out in it, and what is computed counts as not said.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core.text import one_line
from feedbot.sources.posts.permalink import check_pattern, check_site
from feedbot.sources.posts.presets import PRESETS

Files = Mapping[str, bytes]
"""Configuration files with their content, by their path from the top of the blog."""

MAX_FILE = 1_000_000


class EngineConfig(Struct, frozen=True, kw_only=True):
    """What a configuration says; "" and empty where it does not.

    ``site`` is the address up to where the blog starts, without a slash at its end, ``permalink`` a pattern as
    ``permalink`` takes it. ``sections`` has the patterns of single sections (Hugo), ``languages`` what the names of
    files may end in (``index.de.md``), of which ``language`` is the one of the others: it is no part of their
    addresses unless ``prefixed``. ``tags`` has what tags are called, by what posts call them (Docusaurus). ``unclear``
    are the keys whose values could not be understood. ``deep``: what data files say is put together, and not only
    where a post says nothing (Eleventy).
    """

    file: str = ""
    site: str = ""
    title: str = ""
    permalink: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    languages: frozenset[str] = frozenset()
    prefixed: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    deep: bool = True


def gather(preset: str, content: Callable[[str], bytes]) -> Files:
    """The configuration files of a tool that are there; ``content`` raises OSError for those that are not."""
    files = {}
    for name in _FILES.get(preset, ()):
        try:
            data = content(name)
        except OSError:
            continue
        if len(data) <= MAX_FILE:
            files[name] = data
    return files


def gather_in(folder: Path, preset: str) -> Files:
    """The configuration files of a tool at the top of a folder."""

    def content(name: str) -> bytes:
        path = folder / name
        if not path.is_file():  # a pipe would be waited for
            raise OSError(0, "it is no regular file")
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)

    return gather(preset, content)


def digest(files: Files) -> str:
    """Another text whenever the files say anything else."""
    state = hashlib.blake2b(digest_size=12)
    for name, data in sorted(files.items()):
        state.update(f"{name}\0{len(data)}\0".encode())
        state.update(data)
    return state.hexdigest() if files else ""


def read(preset: str, files: Files) -> EngineConfig:
    """What the files that ``gather`` found say. Nothing is raised for what is wrong in them: it counts as not said."""
    if not files:
        return EngineConfig()
    said = _Said(files)
    _READERS[preset](said, preset)
    return replace(said.config, file=said.file or next(iter(files)), unclear=tuple(dict.fromkeys(said.unclear)))


class _Said:
    """What the files of a configuration hold, and what was taken from them so far."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.config = EngineConfig()
        self.file = ""
        self.unclear: list[str] = []

    def table(self, *names: str) -> Mapping[str, Any]:
        """The keys and values of the first of some files that is there, keys as they are written."""
        for name in names:
            if name in self.files:
                self.file = self.file or name
                return self._parsed(name)
        return {}

    def script(self, *names: str) -> str:
        """The first of some programs that is there, without its comments."""
        for name in names:
            if name in self.files:
                self.file = self.file or name
                return _COMMENT.sub(lambda found: found[1] or " ", self.files[name].decode("utf-8", "replace"))
        return ""

    def take(self, *, site: Any = "", base: Any = "", title: Any = "", permalink: Any = "", language: Any = "") -> None:
        """Keep what is a value of its kind; the path ``base`` goes behind the address."""
        address = _text(site).rstrip("/") + (f"/{path}" if (path := _text(base).strip("/")) else "")
        try:
            site = "" if not _text(site) or _LOCAL.match(address) else check_site(address)
        except ValueError:
            self.unclear.append("site")
            site = ""
        changes = {"site": site, "title": one_line(_text(title)), "permalink": self.pattern(permalink)}
        changes["language"] = _text(language).partition("-")[0].lower()
        self.config = replace(self.config, **{key: value for key, value in changes.items() if value})

    def pattern(self, written: Any) -> str:
        """A pattern of an address as feedbot has it; "" where it is none that can be filled."""
        try:
            return _INDEX.sub("", check_pattern(_text(written)))
        except ValueError:
            self.unclear.append("permalink")
            return ""

    def _parsed(self, name: str) -> Mapping[str, Any]:
        from feedbot.sources.posts.values import FrontMatterError, any_yaml

        text = self.files[name].decode("utf-8", "replace").removeprefix("\ufeff")
        try:
            if name.endswith(".toml"):
                found: Any = tomllib.loads(text)
            elif name.endswith(".json"):
                found = json.loads(text)
            else:
                found = any_yaml(text, "it")
        except (ValueError, RecursionError, FrontMatterError):
            self.unclear.append(name)
            return {}
        return found if isinstance(found, dict) else {}


def _hugo(said: _Said, _preset: str) -> None:
    table = {key.lower(): value for key, value in said.table(*_HUGO).items()}
    permalinks = table.get("permalinks") or said.table(*_named("config/_default/permalinks"))
    languages = table.get("languages") or said.table(*_named("config/_default/languages"))
    language = _text(table.get("defaultcontentlanguage")) or "en"
    said.take(
        site=table.get("baseurl"),
        title=table.get("title") or _table(_table(languages).get(language)).get("title"),
        language=table.get("defaultcontentlanguage") or table.get("languagecode") or table.get("locale"),
    )
    pages = _table(permalinks).get("page", permalinks)  # by kind of page since Hugo 0.115, else of pages alone
    sections = {name.strip("/"): said.pattern(each) for name, each in _table(pages).items() if isinstance(each, str)}
    said.config = replace(
        said.config,
        sections={name: pattern for name, pattern in sections.items() if pattern},
        languages=_languages(languages),
        prefixed=table.get("defaultcontentlanguageinsubdir") in (True, "true"),
    )


def _zola(said: _Said, _preset: str) -> None:
    table = said.table("config.toml", "zola.toml")
    said.take(site=table.get("base_url"), title=table.get("title"), language=table.get("default_language"))
    said.config = replace(said.config, languages=_languages(table.get("languages")))


def _jekyll(said: _Said, _preset: str) -> None:
    table = said.table("_config.yml", "_config.yaml", "_config.toml")
    domain = said.files.get("CNAME", b"").decode("utf-8", "replace").strip()
    site = table.get("url") or (f"https://{domain}" if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", domain) else "")
    permalink = table.get("permalink")
    permalink = _table(_table(table.get("collections")).get("posts")).get("permalink", permalink)
    defaults = table.get("defaults")
    for rule in defaults if isinstance(defaults, list) else ():
        scope, values = _table(_table(rule).get("scope")), _table(_table(rule).get("values"))
        if scope.get("type", "posts") == "posts" and _text(scope.get("path")).strip("/") in ("", "_posts"):
            permalink = values.get("permalink", permalink)
    said.take(site=site, base=table.get("baseurl"), title=table.get("title"), permalink=permalink,
              language=table.get("lang") or table.get("locale"))  # fmt: skip


def _pelican(said: _Said, _preset: str) -> None:
    names = _assigned(said.files.get("pelicanconf.py", b"")) | _assigned(said.files.get("publishconf.py", b""))
    pattern = names.get("ARTICLE_URL") or names.get("ARTICLE_SAVE_AS") or ""
    if "{author" in pattern or "{lang" in pattern:  # of which Pelican makes slugs by rules of its own
        said.unclear.append("permalink")
        pattern = ""
    pattern = pattern.replace("{category}", "{categories}")
    said.take(site=names.get("SITEURL"), title=names.get("SITENAME"), permalink=pattern,
              language=names.get("DEFAULT_LANG"))  # fmt: skip


def _mkdocs(said: _Said, _preset: str) -> None:
    table = said.table("mkdocs.yml", "mkdocs.yaml")
    blog = _plugin(table.get("plugins"), "blog")
    date = _text(blog.get("post_url_date_format")) or "yyyy/MM/dd"
    folder = (_text(blog.get("blog_dir")) or "blog").strip("./")
    pattern = (_text(blog.get("post_url_format")) or "{date}/{slug}").replace("{categories}", "{categories?}")
    date = re.sub(r"[A-Za-z]+", lambda token: _DATE_TOKENS.get(token[0], "{?}"), date)
    pattern = "/".join(step for step in (folder, pattern.replace("{date}", date).strip("/")) if step)
    end = ".html" if table.get("use_directory_urls") in (False, "false") else "/"
    if "{?}" in pattern or "{file}" in pattern:
        said.unclear.append("permalink")
        pattern = ""
    theme = _table(table.get("theme"))
    said.take(site=table.get("site_url"), title=table.get("site_name"), permalink=pattern and f"/{pattern}{end}",
              language=theme.get("language"))  # fmt: skip


def _quarto(said: _Said, _preset: str) -> None:
    table = said.table("_quarto.yml", "_quarto.yaml")
    website = _table(table.get("website"))
    said.take(site=website.get("site-url"), title=website.get("title"), language=table.get("lang"))


def _docusaurus(said: _Said, preset: str) -> None:
    script = said.script(*_scripts("docusaurus.config"))
    blog = _block(script, "blog")
    route = _literal(blog, "routeBasePath").strip("/") if "routeBasePath" in blog else "blog"
    pattern = f"/{route}/{{slug}}" if route else "/{slug}"
    ends = re.search(r"\btrailingSlash\s*:\s*true\b", script)
    pattern = f"{pattern}/" if ends else pattern
    said.take(site=_literal(script, "url"), base=_literal(script, "baseUrl"), title=_literal(script, "title"),
              permalink="" if pattern == PRESETS[preset].permalink else pattern,
              language=_literal(script, "defaultLocale"))  # fmt: skip
    labels = {key: one_line(_text(_table(tag).get("label"))) for key, tag in said.table(_DOCUSAURUS_TAGS).items()}
    said.config = replace(said.config, tags={key: label for key, label in labels.items() if label})


def _astro(said: _Said, preset: str) -> None:
    script = said.script(*_scripts("astro.config"))
    bare = _literal(script, "trailingSlash") == "never" or _literal(script, "format") == "file"
    said.take(
        site=_literal(script, "site"),
        base=_literal(script, "base"),
        permalink=PRESETS[preset].permalink.rstrip("/") if bare else "",
        language=_literal(script, "defaultLocale"),
    )


def _eleventy(said: _Said, _preset: str) -> None:
    config = said.script(".eleventy.js", ".eleventy.cjs", *_scripts("eleventy.config"))
    said.config = replace(said.config, deep=not re.search(r"\bsetDataDeepMerge\(\s*false\s*\)", config))
    table = said.table(*(name for name in _ELEVENTY_DATA if name.endswith(".json")))
    script = said.script(*(name for name in _ELEVENTY_DATA if not name.endswith(".json")))

    def value(key: str) -> Any:
        return table.get(key) or _literal(script, key)

    said.take(site=value("url"), base=_literal(config, "pathPrefix"), title=value("title"),
              language=value("language") or value("lang"))  # fmt: skip


def _assigned(program: bytes) -> dict[str, str]:
    """The texts that names of a Python program are given at its top."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {
        target.id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def _literal(script: str, key: str) -> str:
    """The first text that a key of an object is given in a script; "" where it is computed."""
    found = re.search(rf"""(?<![\w$.])["']?{key}["']?\s*:\s*(["'`])([^"'`$\\\n]*)\1""", script)
    return found[2] if found else ""


def _block(script: str, key: str) -> str:
    """What stands between the braces of an object's key in a script."""
    found = re.search(rf"(?<![\w$.]){key}\s*:\s*\{{", script)
    depth, start = 1, found.end() if found else len(script)
    for brace in re.finditer(r"[{}]", script[start:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return script[start : start + brace.start()]
    return ""


def _plugin(plugins: Any, name: str) -> Mapping[str, Any]:
    """The options of a plugin of MkDocs, which are listed or keyed by name."""
    if isinstance(plugins, list):
        plugins = {key: value for each in plugins if isinstance(each, dict) for key, value in each.items()}
    options = _table(plugins)
    return _table(options.get(name, options.get(f"material/{name}")))


def _languages(table: Any) -> frozenset[str]:
    return frozenset(name.lower() for name in _table(table))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _named(stem: str) -> tuple[str, ...]:
    return tuple(f"{stem}.{suffix}" for suffix in ("toml", "yaml", "yml", "json"))


def _scripts(stem: str) -> tuple[str, ...]:
    return tuple(f"{stem}.{suffix}" for suffix in ("js", "mjs", "cjs", "ts", "mts"))


_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?(?:\*/|\Z)""", re.DOTALL
)
_INDEX = re.compile(r"(?<=/)index\.html?\Z")
_LOCAL = re.compile(r"https?://(?:localhost|127\.|\[::1\]|0\.0\.0\.0)", re.IGNORECASE)
_DATE_TOKENS = {"yyyy": "{year}", "MM": "{month}", "dd": "{day}", "MMM": "{date:%b}", "MMMM": "{date:%B}"}
_DOCUSAURUS_TAGS = "blog/tags.yml"
_HUGO = (*_named("hugo"), *_named("config"), *_named("config/_default/hugo"), *_named("config/_default/config"))
_ELEVENTY_DATA = tuple(
    f"{folder}_data/{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("metadata", "site")
    for suffix in ("json", "js", "mjs", "cjs")
)
_FILES: Mapping[str, tuple[str, ...]] = {
    "hugo": (*_HUGO, *_named("config/_default/permalinks"), *_named("config/_default/languages")),
    "zola": ("config.toml", "zola.toml"),
    "jekyll": ("_config.yml", "_config.yaml", "_config.toml", "CNAME"),
    "pelican": ("pelicanconf.py", "publishconf.py"),
    "mkdocs": ("mkdocs.yml", "mkdocs.yaml"),
    "quarto": ("_quarto.yml", "_quarto.yaml"),
    "docusaurus": (*_scripts("docusaurus.config"), _DOCUSAURUS_TAGS),
    "astro": _scripts("astro.config"),
    "keystatic": _scripts("astro.config"),
    "eleventy": (".eleventy.js", ".eleventy.cjs", *_scripts("eleventy.config"), *_ELEVENTY_DATA),
}
_READERS: Mapping[str, Callable[[_Said, str], None]] = {
    "hugo": _hugo,
    "zola": _zola,
    "jekyll": _jekyll,
    "pelican": _pelican,
    "mkdocs": _mkdocs,
    "quarto": _quarto,
    "docusaurus": _docusaurus,
    "astro": _astro,
    "keystatic": _astro,
    "eleventy": _eleventy,
}
