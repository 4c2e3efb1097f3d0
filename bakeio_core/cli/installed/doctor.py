"""The command that says what is wrong with plugins, and what to write."""

from __future__ import annotations

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.session import Session, json_option


@bakeio.command()
@json_option
@click.pass_obj
def doctor(session: Session, as_json: bool) -> None:
    """Say what is wrong with the plugins: file, line, and the line to write."""
    from bakeio_core.errors import counted
    from bakeio_core.host.bakeio import Bakeio
    from bakeio_core.host.troubles import troubles

    path = session.profile.path
    installed = Bakeio.discover(block=session.block, profile=path, strict=False)
    found = troubles(installed)
    if as_json:
        session.result_json({"troubles": [trouble.as_dict() for trouble in found]})
    for trouble in found if not as_json else ():
        place = f", {trouble.file}:{trouble.line}" if trouble.file else ""
        session.result(f"{trouble.owner}{place}")
        session.result(f"  {trouble.what}")
        if trouble.write:
            session.result(f"  write: {trouble.write.strip()}")
    if not found and not as_json:
        plugins = installed.plugins.all.values()
        active = counted(sum(p.status == "active" for p in plugins), "plugin")
        session.result(f"All is well: {active}.")
    if found:
        raise SystemExit(1)
