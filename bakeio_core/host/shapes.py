"""What files look like: the schemas of views and templates, and documents to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.catalog import made_of
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import UsageError, unknown
from bakeio_core.host.installed import Installed
from bakeio_core.values.wording import listed

if TYPE_CHECKING:
    from bakeio_core.catalog.plugins.templates import Template


class Shapes(Installed):
    """Describe what may be written into a file before there is one."""

    def schema(self, view: str | View, strict: str | None = None) -> dict[str, Any]:
        """Return the JSON Schema of what a person or an assistant may return of a view.

        Args:
            view: Its name, or a view narrowed by `bakeio.view(name).narrow(...)`.
            strict: The provider of structured answers: `openai`, `anthropic`, `gemini` or `plain`.
                The schema then has only keys and editable fields, all required, and only keywords
                that the provider supports. None for the complete schema.

        Raises:
            UsageError: There is no such view or no such provider.
        """
        from bakeio_core.catalog.schema import PROVIDERS, strict_schema, view_schema

        known = self.view(view) if isinstance(view, str) else view
        if strict is None:
            return view_schema(known, self.catalog)
        if strict not in PROVIDERS:
            raise UsageError(f'no strict schema is for "{strict}"; choose {listed(PROVIDERS)}')
        return strict_schema(known, self.catalog, strict)

    def made_of(self, view: View, field: str) -> set[tuple[str, str]] | None:
        """Return the stored columns whose values a field of a view shows.

        Args:
            view: The view.
            field: One of its fields.

        Returns:
            (entity, column) of each, also of those that are only compared. None if code of a plugin
            computes the field, because bakeio cannot know what it reads.
        """
        return made_of(self.catalog, self.catalog.entities[view.entity], view.fields[field].source)

    def template(self, name: str) -> Template:
        """Return an installed template by name.

        Raises:
            UsageError: There is none; it says which there are.
        """
        plain = name.replace("-", "_")
        if plain in self.catalog.templates:
            return self.catalog.templates[plain]
        reason = self.catalog.disabled_templates.get(plain)
        if reason:
            raise UsageError(f'the template "{name}" is disabled: {reason}')
        called = [item.called for item in self.catalog.templates.values()]
        raise UsageError(unknown(f'the template "{name}" is not installed', name, called))

    def template_schema(self, name: str) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of the documents of a template.

        Raises:
            UsageError: There is no such template.
        """
        from bakeio_core.catalog.schema import template_schema

        return template_schema(self.template(name), self.catalog)

    def write_template(self, name: str, path: str | Path) -> None:
        """Write a document of a template to be filled in.

        Args:
            name: The template.
            path: A new file. If its extension is that of a sheet, the file has a heading for each
                field and no rows; else it is the example as JSON.

        Raises:
            UsageError: There is no such template, or the file exists.
        """
        from bakeio_core.exporting.sheets.write_template import write_template

        write_template(self.template(name), self.catalog, self.formats, Path(path))
