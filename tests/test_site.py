"""The site of the docs: whoever builds it with `make docs` is told of dead links there.

Building takes some seconds, so only what the code decides is tried here; docs/check_site.py tries
the rest on the built site, in a browser as well.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from support.alone import in_company

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_site", ROOT / "docs" / "check_site.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_a_reader_may_look_for_has_a_heading_of_its_own(check: ModuleType) -> None:
    headings: dict[str, set[str]] = {}
    reference = ROOT / "docs" / "reference"
    for page in reference.rglob("*.md"):
        found = re.findall(r"^##+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        headings[page.relative_to(reference).with_suffix("").as_posix()] = {
            re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in found
        }
    with in_company():
        wanted = set(check.wanted())
    assert {
        ("cli", "bakeio-approve"),
        ("cli", "bakeio-help"),
        ("api/imports-and-exports", "bakeio"),
        ("entities", "products"),
        ("entities", "recipes"),
        ("entities", "view-events"),
    } <= wanted
    assert {(page, place) for page, place in wanted if place not in headings[page]} == set()


def test_dead_links_lost_places_and_networks_are_told(check: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here"></a><a href="#gone"></a><a href="b.html"></a>'
        '<script src="https://example.com/x.js"></script><a href="https://example.com"></a>'
    )
    assert list(check.dead_links(tmp_path)) == [
        "a.html: loads https://example.com/x.js from a network",
        "a.html: #gone has no such place",
        "a.html: b.html leads nowhere",
    ]


def test_every_page_is_in_the_menu_of_the_site() -> None:
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [
        page.relative_to(ROOT / "docs").as_posix()
        for page in (ROOT / "docs").rglob("*.md")
        if "exports" not in page.parts
    ]
    assert [page for page in pages if page not in menu] == []
