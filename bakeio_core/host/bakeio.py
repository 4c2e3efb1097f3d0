"""The public face: find plugins, export, validate, plan and import.

Whoever passes a connection owns the transaction.
"""

from __future__ import annotations

from bakeio_core.catalog.plugins.loading import Plugins
from bakeio_core.database import writing
from bakeio_core.exporting import records
from bakeio_core.exporting.views import pages
from bakeio_core.files.documents.limits import Limits
from bakeio_core.host.people.learned import Learned
from bakeio_core.host.shapes import Shapes
from bakeio_core.host.to_read import ToRead
from bakeio_core.resolving import decisions


class Bakeio(ToRead, Learned, Shapes):
    """Everything bakeio can do, for a program; `Bakeio.discover()` finds the plugins.

    Attributes:
        plugins: What was found.
        catalog: Entities and views.
        hook: Call a hook yourself.
        limits: How large a file may be.
    """

    def __init__(self, plugins: Plugins, limits: Limits | None = None) -> None:
        for module in (records, pages, writing, decisions):
            plugins.manager.register(module)
        super().__init__(plugins, limits)
