"""How a batch of changes is written: through the hook, with the plugin named that fails."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import Progress
from bakeio_core.catalog.plugins.loading import Plugins
from bakeio_core.errors import BakeioError, PluginError, describe


class BatchWriter:
    """Write batches through the hook `bakeio_import_records`.

    Attributes:
        is_alone: Whether no plugin writes itself, or stands between.

    Args:
        plugins: They are asked to write.
        progress: Told of what was written: of each row once, however often it was tried.
    """

    def __init__(self, plugins: Plugins, progress: Progress | None = None) -> None:
        self.plugins, self.progress = plugins, progress
        self.is_alone = len(plugins.hook.bakeio_import_records.get_hookimpls()) == 1
        self._done: Counter[str] = Counter()

    def __call__(self, **arguments: Any) -> Any:
        """Write one batch.

        Raises:
            PluginError: A plugin fails; it is named.
        """
        changes = arguments["changes"]
        name = changes.entity.name
        try:
            written = self.plugins.hook.bakeio_import_records(**arguments)
        except (exc.SQLAlchemyError, BakeioError):
            raise
        except Exception as error:
            culprit = self.plugins.culprit(error)
            if culprit is None:
                raise
            message = f"{culprit} failed while {name} were written: {describe(error)}"
            raise PluginError(f"{message}; nothing was written") from error
        self._done[name] += len(changes.rows) + len(changes.updates)
        if self.progress:
            self.progress(name, self._done[name])
        return written
