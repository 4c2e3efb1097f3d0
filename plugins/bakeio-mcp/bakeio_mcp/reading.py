"""The tools that read: on a connection that cannot write."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bakeio_core import RowEvent, View
from bakeio_mcp.access import NOTICE, Access
from bakeio_mcp.paging import Pages
from bakeio_mcp.refusals import Refused

if TYPE_CHECKING:
    from bakeio_core import LeanFile

LEAST_TOKENS, USUAL_TOKENS, MOST_TOKENS = 500, 4_000, 20_000
MOST_FOUND = 20
MOST_RUNS = 50
_OF_CURSOR = 60
"""So many tokens a page keeps free for what stands around its rows."""
ViewName = Annotated[str, Field(description="The name of a view, as list_views has it")]
Names = list[str] | None


class ReadingTools:
    """Look at what is served.

    Args:
        access: The database, and what of it is served.
    """

    def __init__(self, access: Access) -> None:
        self.access, self.bakeio = access, access.bakeio
        self.pages = Pages()

    def all(self) -> list[Callable[..., Any]]:
        """Return the tools."""
        return [self.list_views, self.read_view, self.find, self.explain, self.runs]

    def list_views(self) -> dict[str, Any]:
        """List the views: what each is for, its fields, and which of them can be changed."""
        hiding = self.access.hiding
        return {
            "views": [
                {
                    "name": name,
                    "purpose": view.purpose,
                    "fields": hiding.visible(view),
                    "editable": hiding.visible(view, "editable"),
                    "keys": hiding.visible(view, "key"),
                    "lists": hiding.lists(view),
                }
                for name, view in self.access.views.items()
            ],
            "can_write": self.access.writes,
        }

    def read_view(
        self,
        view: ViewName,
        fill: Annotated[
            Names, Field(description="The fields you may want to change; left out: all editable")
        ] = None,
        show: Annotated[
            Names, Field(description="The fields to show; left out: what people call a row")
        ] = None,
        missing: Annotated[
            Names, Field(description="Only rows that lack a value in one of these fields")
        ] = None,
        max_tokens: Annotated[
            int, Field(ge=LEAST_TOKENS, le=MOST_TOKENS, description="How long a page may be")
        ] = USUAL_TOKENS,
        cursor: Annotated[
            str | None, Field(description="Of the next page, with the same other arguments")
        ] = None,
    ) -> Any:
        """Read the rows of a view by number, a page at a time, each under a ticket.

        Answer with plan_changes: {"ticket": ..., "set": {FIELD: [[ROW, VALUE], ...]}}.
        """
        known = self.access.view(view)
        query = (known.name, fill, show, missing, max_tokens)
        if cursor is not None:
            page, following = self.pages.next(query, cursor)
            return _page(page, following)
        pages = self._read(known, fill, show, missing or (), max_tokens)
        return _page(pages[0], self.pages.keep(query, pages))

    def _read(
        self, view: View, fill: Names, show: Names, missing: Sequence[str], max_tokens: int
    ) -> list[str]:
        seen, hiding = self.access.seen_fields, self.access.hiding
        for names in (fill, show, missing):
            seen(view, names)
        editable = hiding.visible(view, "editable")
        asked = list(fill or [name for name in missing if name in editable] or editable)
        if show is None and hiding.names_rows_of(self.access.entity(view)):
            called = {*self.access.entity(view).labels}
            show = hiding.visible(view, "key")
            show += [n for n in hiding.visible(view) if view.fields[n].source in called - {*show}]
        with self.access.session.reading() as db:
            files = self.bakeio.export_for_assistant(
                db,
                view.narrow(missing=missing),
                io.BytesIO(),
                shown=show,
                fill=asked,
                max_tokens=max_tokens - _OF_CURSOR,
            )
        return list(map(_text, files))

    def find(
        self,
        view: ViewName,
        text: Annotated[str, Field(max_length=500, description="What somebody calls the row")],
        limit: Annotated[int, Field(ge=1, le=MOST_FOUND)] = 5,
    ) -> dict[str, Any]:
        """Find the rows of a view that a text may mean, the best first, with their keys."""
        known = self.access.view(view)
        with self.access.session.reading() as db:
            found = self.bakeio.suggest(db, known.entity, text, limit)
            rows = [
                {"label": c.label, "key": self._key(known, c.key), "score": round(c.score, 2)}
                for c in found
            ]
            told = self.access.hiding.scrubbing(db).data(rows)
        return {"notice": NOTICE, "rows": told}

    def _key(self, view: View, key: Any) -> dict[str, Any]:
        """Return a key by the fields of a view; those it does not show are left out."""
        names = {view.fields[name].source: name for name in self.access.hiding.visible(view)}
        return {names[column]: value for column, value in key.items() if column in names}

    def explain(
        self,
        view: ViewName,
        key: Annotated[str, Field(max_length=500, description="The row: its slug or another key")],
        field: Annotated[str | None, Field(description="Only what set this field")] = None,
    ) -> dict[str, Any]:
        """Tell which imports made a row or set its fields, the latest first."""
        known = self.access.view(view)
        self.access.seen_fields(known, None if field is None else [field])
        source = None if field is None else known.fields[field].source
        if source is not None and not isinstance(source, str):
            raise Refused("not-possible", "this field is computed", "leave it out")
        column = None if source is None else source.split(".")[0]
        hidden = {name for of, name in self.access.hiding.columns if of == known.entity}
        with self.access.session.reading() as db:
            found = self.bakeio.why(db, known.entity, key, column)
            history = [self._event(e) for e in found if e.get("field") not in hidden]
            told = self.access.hiding.scrubbing(db).data(history)
        return {"notice": NOTICE, "history": told}

    @staticmethod
    def _event(event: RowEvent) -> dict[str, Any]:
        told = {name: v for name, v in event.items() if v is not None and name != "decision"}
        for name in ("source", "file"):
            if name in told:
                told[name] = PurePath(str(told[name])).name
        return told

    def runs(self, limit: Annotated[int, Field(ge=1, le=MOST_RUNS)] = 10) -> dict[str, Any]:
        """List what was imported, the latest run first."""
        with self.access.session.reading() as db:
            told = [
                {
                    "run": run["id"],
                    "at": run["at"],
                    "source": self.access.text(PurePath(str(run["source"])).name, db),
                    "mode": run["mode"],
                    "counts": {name: n for name, n in run["counts"].items() if n},
                }
                for run in self.bakeio.runs(db)[:limit]
            ]
        return {"runs": told}


def _text(file: LeanFile) -> str:
    return file.text


def _page(text: str, following: str | None) -> str:
    """Return a page with the cursor of the next one in front of its rows."""
    head = {"notice": NOTICE, "next_cursor": following}
    return json.dumps(head)[:-1] + ", " + text.lstrip()[1:]
