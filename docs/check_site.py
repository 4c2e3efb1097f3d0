"""Look at the built site as its readers do: `make docs` runs it.

    python docs/check_site.py SITE [--browser FOLDER]

Without a browser: every link and anchor leads somewhere, nothing is loaded from a network, and
every command, hook, code of a problem, entity, view and public name has an anchor.
With one (chromium): no page is wider than the window, the letters of pictures can be read, axe
finds nothing serious, and the search finds a page without a network; screenshots of the pages that
are SHOWN go into FOLDER.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

HERE = Path(__file__).resolve().parent
SIZES = {1280: 900, 390: 844}
"""{width of the window: height}: a desktop and a telephone."""
SHOWN = [
    "index",
    "roles/baker",
    "roles/assistant-user",
    "roles/plugin-author",
    "roles/host-developer",
    "tutorial/first-steps",
    "guides/begin-with-your-own-data",
    "guides/desktop",
    "guides/edit-in-a-spreadsheet",
    "guides/events",
    "guides/fill-in-a-template",
    "guides/install",
    "guides/kinds-of-plugins",
    "guides/recipes",
    "guides/review-an-import",
    "guides/serve-an-assistant",
    "guides/servers",
    "reference/cli",
    "reference/entities",
    "reference/errors",
]
TOO_SMALL = """
return [...document.querySelectorAll(".picture img")]
  .filter(picture => picture.getBoundingClientRect().width < 600)
  .map(picture => picture.src.split("/").pop());
"""
"""The pictures are drawn some 900 pixels wide, with letters of 12 to 14."""
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """The links, anchors and loaded files of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        given = dict(attributes)
        self.ids.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        for of, name in LOADING:
            is_canonical = given.get("rel") in ("canonical", "next", "prev")
            if tag == of and given.get(name) and not is_canonical:
                self.loaded.append(str(given[name]))


@cache
def page(path: Path) -> Page:
    """Read a page once."""
    return Page(path.read_text("utf-8"))


def dead_links(site: Path) -> Iterator[str]:
    """Yield what leads nowhere or out of the site unasked."""
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name == "404.html":
            continue  # its links begin at the root of a server
        for target in page(path).loaded:
            if urlsplit(target).netloc:
                yield f"{name}: loads {target} from a network"
        for target in (*page(path).links, *page(path).loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists():
                yield f"{name}: {target} leads nowhere"
            elif file.suffix == ".html" and _is_missing(parts.fragment, file):
                yield f"{name}: {target} has no such place"


def _is_missing(anchor: str, file: Path) -> bool:
    return anchor not in ("", "__skip") and unquote(anchor) not in page(file).ids


def wanted() -> Iterator[tuple[str, str]]:
    """Yield the page and the anchor of everything that must have one."""
    from bakeio_core.errors import CODES

    spec = importlib.util.spec_from_file_location("docs_generate", HERE / "generate.py")
    if spec is None or spec.loader is None:
        raise SystemExit("docs/generate.py is missing")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    from bundled import bundled  # the generator has made its folder known
    from public_names import PAGE_OF

    from bakeio_core import Bakeio

    entities, views = bundled(Bakeio.discover().catalog)
    yield from (("cli", f"bakeio-{name}") for name in generate.commands())
    yield from (("hooks", name) for name in generate.hooks())
    yield from (("errors", code) for code in sorted(CODES))
    yield from ((f"api/{page}", name.lower()) for name, page in PAGE_OF.items())
    yield from (("entities", name) for name in entities)
    yield from (("entities", f"view-{name}") for name in views)


def missing_anchors(site: Path) -> Iterator[str]:
    """Yield what has no place on the site."""
    for name, anchor in wanted():
        if anchor not in page(site / "reference" / f"{name}.html").ids:
            yield f"reference/{name}.html: has no place for {anchor}"


def in_a_browser(site: Path, folder: Path) -> Iterator[str]:
    """Yield what a person would stumble over in a browser; take pictures on the way."""
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1:9"):
        options.add_argument(option)
    folder.mkdir(parents=True, exist_ok=True)
    pages = sorted(
        path.relative_to(site).with_suffix("").as_posix()
        for path in site.rglob("*.html")
        if path.name != "404.html"
    )
    driver = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=driver)
    try:
        for width, height in SIZES.items():
            for name in pages:
                browser.execute_cdp_cmd(
                    "Emulation.setDeviceMetricsOverride",
                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
                )
                browser.get((site / f"{name}.html").as_uri())
                wide = int(browser.execute_script("return document.body.scrollWidth"))
                if wide > width:
                    yield f"{name}.html: is {wide} pixels wide in a window of {width}"
                for picture in browser.execute_script(TOO_SMALL):
                    yield f"{name}.html: the letters of {picture} are too small"
                if name in SHOWN:
                    browser.save_screenshot(str(folder / f"{name.replace('/', '-')}-{width}.png"))
                yield from _barriers(browser, f"{name}.html at {width} pixels")
        browser.get((site / "index.html").as_uri() + "?q=barcode")
        try:
            WebDriverWait(browser, 20).until(
                lambda found: found.find_elements(By.CSS_SELECTOR, ".md-search-result__item a")
            )
        except Exception:
            yield "index.html: the search finds nothing without a network"
    finally:
        browser.quit()


AXE = """
const done = arguments[0];
axe.run({resultTypes: ["violations"]}).then(found => done(found.violations
  .filter(each => ["serious", "critical"].includes(each.impact))
  .map(each => [each.help, each.nodes.slice(0, 3).map(node => node.target)])));
"""
PATIENCE = 300
"""Seconds for one page: the time axe needs grows with the square of the page's length."""


def _barriers(browser: Any, place: str) -> Iterator[str]:
    """Yield what keeps people with disabilities from reading the page that is open."""
    from axe_selenium_python import Axe

    browser.set_script_timeout(PATIENCE)
    Axe(browser).inject()
    for problem, nodes in browser.execute_async_script(AXE):
        yield f"{place}: {problem} {json.dumps(nodes)}"


def main() -> int:
    """Tell what is wrong with the site; return the exit code."""
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", str(__doc__))[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--browser", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    site = given.site.resolve()
    found = [*dead_links(site), *missing_anchors(site)]
    if given.browser is not None:
        found += in_a_browser(site, given.browser)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{len(list(site.rglob('*.html')))} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
