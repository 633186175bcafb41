"""Builds the documentation: guides and the reference as pages, descriptions and `/llms.txt` for programs."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from gateway.docs import scalar
from gateway.docs.guides import GUIDES, WHERE, Guide, make_guide, read_guide
from gateway.docs.manifest import SiteFile, write_manifest
from gateway.openapi.documents import DOCUMENTS, Document, describe

ASSETS = Path(__file__).parent / "assets"
SUMMARY = (
    "Practice sessions, streaks, badges and progress behind one REST gateway: an API for each product, and "
    "`/v1` for all of them."
)
HTML, TEXT, MARKDOWN = "text/html; charset=utf-8", "text/plain; charset=utf-8", "text/markdown; charset=utf-8"
SCRIPT, STYLE, JSON = "text/javascript; charset=utf-8", "text/css; charset=utf-8", "application/json"

# What a page may load: of this host alone, and of that what it needs.
_CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
GUIDE_POLICY = f"{_CLOSED}; img-src 'self' data:; style-src 'self'"
# Scalar sets styles of single elements. It calls the API where the page is from.
REFERENCE_POLICY = (
    f"{_CLOSED}; img-src 'self' data: blob:; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; font-src 'self' data:"
)
# From so many bytes on, what is read often is kept compressed as well.
_WORTH_COMPRESSING = 16 * 1024


class _Folder:
    """The files as they are made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[SiteFile] = []

    def add(
        self,
        path: str,
        content: str | bytes,
        media_type: str,
        *,
        policy: str = "",
        only_compressed: bool = False,
        for_operators: bool = False,
    ) -> str:
        """Adds a file and returns its path, in which `@` becomes a digest of what is in it."""
        data = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(data).hexdigest()[:16]
        name = path.replace("@", digest).strip("/").replace("/", "_") or "index"
        packed = gzip.compress(data, mtime=0) if only_compressed or len(data) > _WORTH_COMPRESSING else b""
        if packed:
            (self._folder / f"{name}.gz").write_bytes(packed)
        if not only_compressed:
            (self._folder / name).write_bytes(data)
        file = SiteFile(
            path=path.replace("@", digest),
            media_type=media_type,
            plain="" if only_compressed else name,
            compressed=f"{name}.gz" if packed else "",
            digest=digest,
            size=len(packed if only_compressed else data),
            policy=policy,
            lasting="@" in path,
            for_operators=for_operators,
        )
        self.files.append(file)
        return file.path


def build(folder: Path, contracts: Path, version: str) -> None:
    """Builds everything in an empty folder. Raises OSError without the descriptor set.

    Where the script of the reference was not fetched, its page only leads to the descriptions.
    """
    site = _Folder(folder)
    documents = {described.name: describe(contracts, described, version) for described in DOCUMENTS}
    guides = {part: [read_guide(name) for name in names] for part, names in GUIDES.items()}
    style = site.add("/docs/assets/style-@.css", _asset("style.css"), STYLE)
    for described in DOCUMENTS:
        text = json.dumps(documents[described.name], ensure_ascii=False, separators=(",", ":"))
        path = f"/docs/openapi/{described.name}.json"
        site.add(path, text, JSON, for_operators=described.operators)
    public = {each.name: documents[each.name] for each in DOCUMENTS if not each.operators}
    _add_reference(site, public, style)
    for guide in (each for part in guides.values() for each in part):
        site.add(f"{WHERE}/{guide.name}.md", guide.markdown, MARKDOWN)
        page = _guide_page(
            guides, guide, style, f'This page <a href="{WHERE}/{guide.name}.md">as Markdown</a>.'
        )
        site.add(f"{WHERE}/{guide.name}", page, HTML, policy=GUIDE_POLICY)
    # With and without its last slash, which the gateway takes away.
    index = _index_page(guides, public, style)
    for path in ("/docs", "/docs/"):
        site.add(path, index, HTML, policy=GUIDE_POLICY)
    site.add("/llms.txt", _llms(guides, public), TEXT)
    write_manifest(folder, site.files)


def _add_reference(site: _Folder, documents: dict[str, Document], style: str) -> None:
    script = ""
    configuration: dict[str, Any] = {}
    words = "<p>Every call of every API, with its fields and examples.</p>"
    if scalar.is_kept():
        bundle = (scalar.KEPT / scalar.SCRIPT).read_bytes()
        configuration["script"] = site.add("/docs/assets/scalar-@.js", bundle, SCRIPT, only_compressed=True)
        path = site.add("/docs/assets/reference-@.js", _asset("reference.js"), SCRIPT)
        script = f'<script src="{path}" defer></script>'
        words += "<noscript><p>Shown by a script; without it, there are these:</p></noscript>"
    else:
        words += (
            "<p>The part that shows them here could not be fetched when this was built; "
            "<code>make docs</code> tries again. Any program that reads OpenAPI shows them as well:</p>"
        )
    configuration["sources"] = [
        {"title": document["info"]["title"], "slug": name, "url": f"/docs/openapi/{name}.json"}
        for name, document in documents.items()
    ]
    body = Template(_asset("reference.html")).substitute(
        content=words + _document_list(documents),
        configuration=json.dumps(configuration).replace("<", "\\u003c"),
        script=script,
    )
    page = _page("Reference", "Every call of every API", body, style, kind="reference")
    site.add("/docs/reference", page, HTML, policy=REFERENCE_POLICY)


def _guide_page(guides: dict[str, list[Guide]], guide: Guide, style: str, foot: str) -> str:
    body = Template(_asset("guide.html")).substitute(menu=_menu(guides, guide), content=guide.html, foot=foot)
    return _page(guide.title, _about(guide.name), body, style, kind="guide")


def _index_page(guides: dict[str, list[Guide]], documents: dict[str, Document], style: str) -> str:
    opening = make_guide("", _asset("index.md"))
    lists = [
        f"<h2>{escape(part)}</h2>\n<ul class=cards>{''.join(_card(each) for each in pages)}</ul>"
        for part, pages in guides.items()
    ]
    descriptions = f"<h2>Descriptions of the APIs</h2>\n{_document_list(documents)}"
    foot = 'For programs that read: <a href="/llms.txt">/llms.txt</a> lists all of this.'
    whole = replace(opening, html="\n".join((opening.html, *lists, descriptions)))
    return _guide_page(guides, whole, style, foot)


def _card(guide: Guide) -> str:
    link = f'<a href="{WHERE}/{guide.name}"><strong>{escape(guide.title)}</strong>'
    return f"<li>{link}<span>{escape(_about(guide.name))}</span></a></li>"


def _document_list(documents: dict[str, Document]) -> str:
    rows = [
        f'<li><a href="/docs/openapi/{name}.json"><strong>{escape(document["info"]["title"])}</strong>'
        f"<span>{_count_calls(document)} calls, OpenAPI {document['openapi']}</span></a></li>"
        for name, document in documents.items()
    ]
    return f"<ul class=cards>{''.join(rows)}</ul>"


def _count_calls(document: Document) -> int:
    return sum(len(operations) for operations in document["paths"].values())


def _menu(guides: dict[str, list[Guide]], current: Guide) -> str:
    parts = []
    for part, pages in guides.items():
        items = []
        for page in pages:
            here = page.name == current.name
            within = "".join(
                f'<li><a href="#{heading.anchor}">{escape(heading.text)}</a></li>'
                for heading in page.headings
            )
            items.append(
                f'<li><a href="{WHERE}/{page.name}"{_current(here)}>{escape(page.title)}</a>'
                f"{f'<ul>{within}</ul>' if here and within else ''}</li>"
            )
        parts.append(f"<h2>{escape(part)}</h2>\n<ul>{''.join(items)}</ul>")
    return "\n".join(parts)


def _page(title: str, about: str, body: str, style: str, *, kind: str) -> str:
    return Template(_asset("page.html")).substitute(
        title=escape(f"{title} - Practice platform"),
        about=escape(about),
        style=style,
        kind=kind,
        body=body,
        at_guides=_current(kind == "guide"),
        at_reference=_current(kind == "reference"),
    )


def _current(here: bool) -> str:
    return ' aria-current="page"' if here else ""


def _about(name: str) -> str:
    return next((pages[name] for pages in GUIDES.values() if name in pages), SUMMARY)


def _llms(guides: dict[str, list[Guide]], documents: dict[str, Document]) -> str:
    """Returns what there is, in the form of llmstxt.org."""
    lines = ["# Practice platform", "", f"> {SUMMARY}", ""]
    for part, pages in guides.items():
        lines += [f"## {part}", ""]
        lines += [f"- [{page.title}]({WHERE}/{page.name}.md): {_about(page.name)}" for page in pages]
        lines.append("")
    lines += ["## Descriptions of the APIs", ""]
    lines += [
        f"- [{document['info']['title']}](/docs/openapi/{name}.json): OpenAPI {document['openapi']}, "
        f"{_count_calls(document)} calls with examples"
        for name, document in documents.items()
    ]
    return "\n".join(lines) + "\n"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
