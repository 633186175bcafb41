"""The documentation at the gateway: everything is there for everybody, and nothing of it is elsewhere."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.docs import scalar, site
from gateway.docs.guides import NAMES, make_guide, read_guide
from gateway.docs.manifest import SiteFile, read_manifest
from gateway.openapi.documents import DOCUMENTS
from gateway.render import render
from gateway.settings import ROOT, GatewaySettings
from tests.described import document
from tests.gateway.crowd import crowd, request
from tests.gateway.edge import Edge
from tests.tokens import TestTokens
from tests.waiting import eventually

OPERATOR = {"x-practice-internal": "whoever shows one may read"}
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    "": "text/html; charset=utf-8",
}
DESCRIBED = [each.name for each in DOCUMENTS if not each.operators]
# What a browser fetches by itself; a link that somebody follows is none of it.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|embed|form|object)\b[^>]*?(?:src|action|data)=["']?([^"'\s>]+)"""
    r"""|<link\b[^>]*?href=["']?([^"'\s>]+)|url\(\s*["']?([^"')\s]+)|@import\s+["']?([^"';\s]+)"""
)


@pytest.fixture(scope="module")
def folder() -> Path:
    """The documentation as `make docs` builds it, with the reference where a registry answered."""
    subprocess.run([sys.executable, "-m", "gateway.docs"], cwd=ROOT, check=True)
    return ROOT / "build" / "docs"


@pytest.fixture(scope="module")
def docs_edge(
    tmp_path_factory: pytest.TempPathFactory,
    gateway_settings: dict[str, Any],
    tokens: TestTokens,
    folder: Path,
) -> Iterator[Edge]:
    settings = {**gateway_settings, "docs_folder": folder}
    running = Edge(tmp_path_factory.mktemp("edge"), tokens.issue(42), **settings)
    running.wait_until_healthy()
    yield running
    running.stop()


def public(folder: Path) -> list[SiteFile]:
    return [file for file in read_manifest(folder) if not file.for_operators]


class Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given.get("href") or "")
        if given.get("id"):
            self.anchors.add(str(given["id"]))


def test_every_file_answers_with_its_type_and_without_a_token(docs_edge: Edge, folder: Path) -> None:
    files = public(folder)
    assert {f"/docs/guides/{name}" for name in NAMES} | {
        "/docs/",
        "/docs",
        "/docs/reference",
        "/llms.txt",
    } <= {file.path for file in files}
    for file in files:
        answer = docs_edge.http.get(file.path)
        assert answer.status_code == 200, file.path
        assert answer.headers["content-type"] == TYPES[Path(file.path.split("/")[-1]).suffix], file.path
        assert answer.headers["x-content-type-options"] == "nosniff"
        kept = (folder / file.plain).read_bytes() if file.plain else None
        packed = gzip.decompress((folder / file.compressed).read_bytes()) if file.compressed else None
        assert answer.content == (kept or packed), file.path
        if file.compressed:
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.headers["vary"] == "accept-encoding"


def test_who_takes_no_gzip_gets_the_text(docs_edge: Edge) -> None:
    answer = docs_edge.http.get("/docs/openapi/canonical.json", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.json() == document("canonical")


def test_what_has_not_changed_is_not_sent_again(docs_edge: Edge, folder: Path) -> None:
    for file in public(folder):
        first = docs_edge.http.get(file.path)
        if file.lasting:
            assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
            continue
        assert first.headers["cache-control"] == "no-cache"
        again = docs_edge.http.get(file.path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), file.path
        other = docs_edge.http.get(file.path, headers={"if-none-match": 'W/"0123456789abcdef"'})
        assert other.status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/?a=b", "/docs/guides/errors?a", "/llms.txt?x"])
def test_a_last_slash_and_a_query_change_nothing(docs_edge: Edge, path: str) -> None:
    assert docs_edge.http.get(path).status_code == 200
    head = docs_edge.http.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_other_methods_and_other_pages_are_refused_as_everywhere(docs_edge: Edge) -> None:
    posted = docs_edge.http.post("/docs/")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert docs_edge.http.get("/docs/guides/nothing").status_code == 404
    assert docs_edge.http.get("/docs/../v1/sessions").status_code == 401
    assert docs_edge.call("GET", "/docsx").status_code == 404


def test_operators_have_their_description_on_their_listener_alone(docs_edge: Edge) -> None:
    path = "/docs/openapi/operators.json"
    assert docs_edge.call("GET", path).status_code == 404
    assert docs_edge.operators.get(path).status_code == 401
    answer = docs_edge.operators.get(path, headers=OPERATOR)
    assert answer.json() == document("operators")
    assert docs_edge.operators.get("/docs/", headers=OPERATOR).status_code == 404


def test_nothing_is_fetched_from_another_host(docs_edge: Edge, folder: Path) -> None:
    for file in public(folder):
        if not file.media_type.startswith(("text/html", "text/css")):
            continue
        answer = docs_edge.http.get(file.path)
        addresses = ["".join(found) for found in FETCHED.findall(answer.text)]
        assert [each for each in addresses if not each.startswith(("/docs/", "data:"))] == [], file.path
        if file.media_type.startswith("text/html"):
            assert addresses, "the expression finds nothing any more"
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert "://" not in policy
            assert "script-src 'self'" in policy or "script-src" not in policy


def test_every_link_leads_to_a_page_and_to_a_place_in_it(docs_edge: Edge, folder: Path) -> None:
    served = {file.path: file for file in public(folder)}
    pages = {
        path: Page(docs_edge.http.get(path).text)
        for path, file in served.items()
        if file.media_type.startswith("text/html")
    }
    lost = [
        (path, link)
        for path, page in pages.items()
        for link in page.links
        if not link.startswith("https://") and not leads(httpx.URL(path).join(link), served, pages)
    ]
    assert lost == []


def leads(url: httpx.URL, served: dict[str, SiteFile], pages: dict[str, Page]) -> bool:
    if url.path not in served:
        return False
    return not url.fragment or url.fragment in pages[url.path].anchors


def test_links_of_the_markdown_lead_to_markdown(docs_edge: Edge, folder: Path) -> None:
    served = {file.path for file in public(folder)}
    for name in NAMES:
        text = docs_edge.http.get(f"/docs/guides/{name}.md").text
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
        assert [link for link in links if link not in served] == [], name


def test_the_list_for_programs_names_every_guide_and_description(docs_edge: Edge) -> None:
    text = docs_edge.http.get("/llms.txt").text
    title, _, summary, *_ = text.splitlines()
    assert title.startswith("# ")
    assert summary.startswith("> ")
    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): \S", text, re.MULTILINE)
    guides = [f"/docs/guides/{name}.md" for name in NAMES]
    assert listed == [
        *guides,
        *(f"/docs/openapi/{each.name}.json" for each in DOCUMENTS if not each.operators),
    ]
    assert {docs_edge.http.get(path).status_code for path in listed} == {200}


def test_the_page_of_reference_names_every_description(docs_edge: Edge) -> None:
    page = docs_edge.http.get("/docs/reference").text
    found = re.search(r'id="configuration" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    told = json.loads(found[1])
    assert [each["slug"] for each in told["sources"]] == [
        each.name for each in DOCUMENTS if not each.operators
    ]
    assert ("script" in told) == scalar.is_kept()


def test_without_a_folder_there_is_no_documentation(gateway_settings: dict[str, Any], tmp_path: Path) -> None:
    given = {**gateway_settings, "docs_folder": tmp_path / "nothing", "cors_origins": "*"}
    config = json.dumps(render(GatewaySettings(**given)))
    assert '"path": "/docs' not in config
    assert "llms.txt" not in config


def test_without_its_script_the_reference_leads_to_the_descriptions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scalar, "KEPT", tmp_path / "nothing")
    monkeypatch.setattr(site, "describe", lambda _contracts, described, _version: document(described.name))
    built = tmp_path / "built"
    built.mkdir()
    site.build(built, ROOT / "generated" / "practice.binpb", "1.2.3")
    files = {file.path: file for file in read_manifest(built)}
    page = (built / files["/docs/reference"].plain).read_text()
    assert "make docs" in page
    assert "<script src" not in page
    assert {f"/docs/openapi/{each.name}.json" for each in DOCUMENTS} <= files.keys()


def test_a_registry_that_does_not_answer_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scalar, "KEPT", tmp_path / "kept")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(scalar.UnavailableError, match=r"npm cannot fetch \S+: code E\w+") as refused:
        scalar.fetch()
    assert "\n" not in str(refused.value)
    assert not scalar.is_kept()


def test_an_archive_with_another_digest_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "scalar.tgz"
    archive.write_bytes(b"something else")
    monkeypatch.setattr(scalar, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(scalar, "pack", lambda _directory: archive)
    with pytest.raises(scalar.UnavailableError, match="is not what it was"):
        scalar.fetch()
    assert not scalar.is_kept()


PAGE = """# A page

<!-- for writers alone -->
It leads to [errors](errors.md#which-status), [here](#more) and [a decision](adr/0001-x.md).

| `a` | b |
| --- | --- |
| <b> | [limits](limits.md) |

## More

```python title="x.py"
print("[not](a.link)")
```

## More
"""


def test_a_page_becomes_html_with_anchors_and_links_that_lead() -> None:
    guide = make_guide("page", PAGE)
    assert (guide.title, [heading.anchor for heading in guide.headings]) == ("A page", ["more", "more-1"])
    assert "for writers" not in guide.html + guide.markdown
    assert '<a href="/docs/guides/errors#which-status">' in guide.html
    assert "a decision" in guide.html
    assert "adr/" not in guide.html + guide.markdown
    assert "&lt;b&gt;" in guide.html
    assert "[errors](/docs/guides/errors.md#which-status)" in guide.markdown
    assert 'print("[not](a.link)")' in guide.markdown


@pytest.mark.parametrize("name", NAMES)
def test_every_guide_has_a_title_and_something_to_copy_or_to_look_up(name: str) -> None:
    guide = read_guide(name)
    assert guide.title
    assert "<pre>" in guide.html or "<table" in guide.html


def test_who_reads_nothing_of_large_files_holds_up_nobody(docs_edge: Edge, folder: Path) -> None:
    largest = max(public(folder), key=lambda file: file.size)
    asked = request("GET", largest.path).replace(b"\r\n\r\n", b"\r\naccept-encoding: gzip\r\n\r\n")
    with crowd(docs_edge, 260, asked):
        for path in ("/docs/", "/health", largest.path):
            eventually(lambda path=path: docs_edge.http.get(path).status_code in (200, 429))
        assert docs_edge.call("GET", "/v1/badges").status_code == 200
