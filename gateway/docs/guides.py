"""The guides: pages of `docs/` that app developers read, made from Markdown into HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from gateway.settings import ROOT

PAGES = ROOT / "docs"
WHERE = "/docs/guides"

# Pages of `docs/` by their names, with what each answers, in the order of a reader. The others are for people
# who change or run the platform, and stay in the repository.
_ORDER = {
    "Begin": {
        "tutorial": "A drill app on the platform in 15 minutes, from nothing to a streak explained",
        "products": "Each product's API, call by call",
        "accounts": "Sign up, log in, and how long tokens live",
        "glossary": "The words, each with one meaning",
    },
    "Build a client": {
        "idempotency": "Send a change again without doing it twice",
        "freshness": "When a completion is counted, and how to read what was just written",
        "zones-and-days": "Which day practice counts for: time zones, and the hour at which a day begins",
        "offline": "Hand in what was practised without a network",
        "live": "Follow a session while it runs",
        "grpc": "Call the services by gRPC, without the gateway",
    },
    "When something is refused": {
        "errors": "What a refusal looks like in each product, and which status it has",
        "api-errors": "Every reason with an example",
        "limits": "How much a client may ask for, and what it is told beyond that",
    },
    "What is counted": {
        "streaks": "How streaks are counted, to the letter",
        "badges": "How badges are defined, and their conditions",
    },
}
GUIDES = {
    part: {name: about for name, about in pages.items() if (PAGES / f"{name}.md").exists()}
    for part, pages in _ORDER.items()
}
NAMES = [name for guides in GUIDES.values() for name in guides]

_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


class Heading(NamedTuple):
    """A part of a page: where it begins, and what it is called."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A page as it is read: by people, and by programs as Markdown."""

    name: str
    title: str
    html: str
    headings: tuple[Heading, ...]
    markdown: str


def read_guide(name: str) -> Guide:
    """Returns a page of `docs/`. Raises OSError where it is not there."""
    return make_guide(name, (PAGES / f"{name}.md").read_text(encoding="utf-8"))


def make_guide(name: str, text: str) -> Guide:
    """Returns a page of a text in Markdown, which begins with its title."""
    text = _COMMENT.sub("", text)
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _highlight}).enable("table")
    tokens = parser.parse(text)
    headings = _set_anchors(tokens)
    for token in tokens:
        if token.children:
            token.children = _links_that_lead(token.children)
        if token.type == "table_open":
            # As wide as it is, within a page that is as wide as the screen.
            token.attrSet("tabindex", "0")
    title = _plain(tokens[1])
    html = parser.renderer.render(tokens, parser.options, {})
    html = re.sub(r"<table(.*?)>", r'<div class="wide"\1><table>', html).replace("</table>", "</table></div>")
    second = tuple(heading for level, heading in headings if level == "h2")
    return Guide(name, title, html, second, _markdown(text))


def address(target: str) -> str | None:
    """Returns where the site has what a page of `docs/` links to, None for what it has not."""
    path, mark, anchor = target.partition("#")
    if target.startswith(("http://", "https://", "#", "/")):
        return target
    name = path.removesuffix(".md")
    return f"{WHERE}/{name}{mark}{anchor}" if name in NAMES and path.endswith(".md") else None


def anchor_of(text: str) -> str:
    """Returns the anchor of a heading, as hosts of repositories make it."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _set_anchors(tokens: list[Token]) -> list[tuple[str, Heading]]:
    found: list[tuple[str, Heading]] = []
    times: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = _plain(inline)
        anchor = anchor_of(text)
        times[anchor] = times.get(anchor, -1) + 1
        anchor = f"{anchor}-{times[anchor]}" if times[anchor] else anchor
        opening.attrSet("id", anchor)
        found.append((opening.tag, Heading(anchor, text)))
    return found


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _links_that_lead(children: list[Token]) -> list[Token]:
    """Returns a text with links to pages of the site; what is elsewhere in the repository is named only."""
    result: list[Token] = []
    open_links: list[bool] = []
    for token in children:
        if token.type == "link_open":
            leads = address(str(token.attrGet("href")))
            open_links.append(leads is not None)
            if leads is None:
                continue
            token.attrSet("href", leads)
        elif token.type == "link_close" and not open_links.pop():
            continue
        result.append(token)
    return result


def _markdown(text: str) -> str:
    """Returns the page as programs read it, with the same links, beside the other pages."""

    def write(link: re.Match[str]) -> str:
        leads = address(link[2])
        if leads is None:
            return link[1]
        path, mark, anchor = leads.partition("#")
        return f"[{link[1]}]({path}.md{mark}{anchor})"

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(write, part) for part in parts)


def _highlight(code: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        return escape(code)
    colored: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return colored
