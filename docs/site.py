"""Put the pages of the repository that lie outside `docs/` into the site, and adapt links to them.

MkDocs calls these functions while it builds: `make docs`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "plugins/README.md": "plugins.md",
    "benchmarks/README.md": "benchmarks.md",
    **{
        path.relative_to(ROOT).as_posix(): f"plugins/{path.parent.name}.md"
        for path in sorted(ROOT.glob("plugins/bakeio-*/README.md"))
    },
}
"""{page of the repository: page of the site}."""
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
_WHOLE_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie outside; links to what is not on the site become plain text."""
    from mkdocs.structure.files import File

    for name, page in OUTSIDE.items():
        folder = posixpath.dirname(name)

        def inside(link: re.Match[str], folder: str = folder, page: str = page) -> str:
            path = posixpath.normpath(posixpath.join(folder, link[2]))
            found = OUTSIDE.get(path) or OUTSIDE.get(f"{path}/README.md")
            if found is None and path.startswith("docs/") and (ROOT / path).is_file():
                found = path.removeprefix("docs/")
            if found is None:
                return link[1]
            target = posixpath.relpath(found, posixpath.dirname(page) or ".")
            return f"[{link[1]}]({target}{link[3] or ''})"

        text = _WHOLE_LINK.sub(inside, (ROOT / name).read_text("utf-8"))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead links out of `docs/` to the pages that were added; wrap the long lines of messages."""
    here = posixpath.dirname(page.file.src_uri)
    if page.file.src_uri == "reference/errors.md":
        markdown = markdown.replace("```text\n", "```{ .text .wrap }\n")

    def inside(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", here, link[1]))
        found = OUTSIDE.get(path)
        return posixpath.relpath(found, here or ".") if found else link[1]

    return _LINK.sub(inside, markdown)


PICTURE = re.compile(r'<img [^>]*?src="([^"]+)"[^>]*>')


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Let a picture open by itself; in a narrow window it scrolls and stays readable."""
    return PICTURE.sub(r'<a class="picture" href="\1">\g<0></a>', html)


SHIM = re.compile(r"https://unpkg\.com/iframe-worker/shim")
"""Lets the search work where the site is opened as files; the theme loads it from a network."""


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Load everything from the site itself."""
    depth = page.url.count("/")
    return SHIM.sub("../" * depth + "images/worker-in-a-frame.js", output)
