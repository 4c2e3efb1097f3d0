"""How a batch of changes is written: through the hook, with the plugin named that fails."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import Progress
from bakeio_core.catalog.plugins.loading import Plugins
from bakeio_core.errors import BakeioError, PluginError, describe

if TYPE_CHECKING:
    from bakeio_core.importing.applying.apply import Write


def batch_writer(plugins: Plugins, progress: Progress | None = None) -> Write:
    """Return what writes a batch through the hook `bakeio_import_records`.

    Args:
        plugins: They are asked to write.
        progress: Told of what was written: of each row once, however often it was tried.

    Returns:
        A function that raises PluginError, naming the plugin, where one fails.
    """
    done: Counter[str] = Counter()

    def write(**arguments: Any) -> Any:
        changes = arguments["changes"]
        name = changes.entity.name
        try:
            written = plugins.hook.bakeio_import_records(**arguments)
        except (exc.SQLAlchemyError, BakeioError):
            raise
        except Exception as error:
            culprit = plugins.culprit(error)
            if culprit is None:
                raise
            message = f"{culprit} failed while {name} were written: {describe(error)}"
            raise PluginError(f"{message}; nothing was written") from error
        done[name] += len(changes.rows) + len(changes.updates)
        if progress:
            progress(name, done[name])
        return written

    return write
