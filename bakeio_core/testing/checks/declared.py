"""Whether what plugins declare goes together, and is told to those who use it."""

from __future__ import annotations

import io
from typing import Any

import msgspec

from bakeio_core.catalog.plugins.upgrades import HOOK as UPGRADES
from bakeio_core.catalog.schema import view_schema
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.trial import OWN, Trial


def declarations_assemble(trial: Trial) -> None:
    """The plugin is active, and all that it declares works together with what is installed."""
    catalog = trial.found.catalog
    for plugin in trial.plugins:
        if plugin.status != "active":
            raise Fault(f"{plugin} {plugin.status}: {plugin.reason}")
        if not plugin.hooks:
            raise Fault(f"{plugin} implements no hook: mark a function bakeio_... with @hookimpl")
    if not trial.plugins:
        raise Fault("there is nothing to test: name a plugin, or pass its module")
    for kind, disabled, owners in (
        ("entity", catalog.disabled, catalog.provider),
        ("view", catalog.disabled_views, catalog.view_provider),
    ):
        for name, why in disabled.items():
            if trial.is_ours(owners.get(name)) or any(str(p) in why for p in trial.plugins):
                raise Fault(f"the {kind} {name} is disabled: {why}")
    for line in trial.found.broken():
        if any(str(plugin) in line for plugin in trial.plugins):
            raise Fault(line)


def fields_are_documented(trial: Trial) -> None:
    """A view says what it is for, and its file and schema name each field that may be edited."""
    for view in trial.views:
        if not view.purpose.strip():
            raise Fault(
                f'the view {view.name} does not say what it is for: give it purpose="..."; people '
                "and assistants read that line first"
            )
        with trial.filled() as db:
            told = trial.document(db, view)["documentation"]
        schema = view_schema(view, trial.core.catalog)
        record = schema["properties"]["records"]["items"]["properties"]
        for name in view.names("editable"):
            if name not in told["editable_fields"]:
                raise Fault(f"the file of {view.name} does not say that {name} may be edited")
            if record.get(name, {"readOnly": True}).get("readOnly"):
                raise Fault(f"the schema of {view.name} does not let anybody edit {name}")


def schema_accepts_the_export(trial: Trial) -> None:
    """What a view exports is what its JSON Schema lets somebody return."""
    import jsonschema

    for view in trial.views:
        with trial.filled() as db:
            file = io.BytesIO()
            trial.core.export_view(db, view.narrow(everything=True), file)
        validator = jsonschema.Draft202012Validator(view_schema(view, trial.core.catalog))
        document: Any = msgspec.json.decode(file.getvalue())
        wrong = next(validator.iter_errors(document), None)
        if wrong is not None:
            where = " of ".join(map(str, reversed(wrong.absolute_path)))
            raise Fault(
                f"the schema of {view.name} does not accept its own export: {wrong.message} "
                f"({where}): give what the fields of the view declare, no more and no less"
            )


def documents_are_left_alone(trial: Trial) -> None:
    """A reader of other programs' documents knows its own, and looks at any header calmly."""
    headers: list[dict[str, Any]] = [{}, {"records": None}, {"version": 3, "_meta": "x"}]
    ours = [(p, upgrade) for p, upgrade in trial.found.catalog.upgrades if trial.is_ours(p)]
    for plugin, upgrade in ours:
        for header in headers:
            try:
                is_taken = upgrade.recognises(header)
            except Exception as error:
                raise Fault(
                    f"{plugin}: {UPGRADES}: recognises({header}) of {upgrade.name!r} raises "
                    f"{type(error).__name__}: {error}. It is asked about every file: look whether "
                    "a key is there, and of what kind, before you use it"
                ) from None
            if is_taken and header == {}:
                raise Fault(
                    f"{plugin}: {UPGRADES}: {upgrade.name!r} takes a document without anything in "
                    "it for its own: recognise one by a key that only such documents have"
                )


def sample_fits(trial: Trial) -> None:
    """The sample records of the plugin load into empty tables."""
    from bakeio_core.errors import BakeioError
    from bakeio_core.testing.trial import said

    if not trial.implementing("bakeio_sample"):
        return
    with trial.empty() as db:
        try:
            report = trial.core.load_sample(db)
        except BakeioError as error:
            raise Fault(f"bakeio init --sample fails: {said(error)}") from None
        for plugin in trial.implementing("bakeio_sample"):
            for result in trial.found.plugins.call(
                next(p for p in trial.found.plugins.all.values() if p.name == plugin.name),
                "bakeio_sample",
            ):
                for name, records in result.items():
                    given = len([*records])
                    if name in report.entities and report.entities[name]["created"] < given:
                        raise Fault(
                            f"{plugin}: bakeio_sample gives {given} records of {name}, of which "
                            f"{report.entities[name]['created']} were created"
                        )


def is_made_for_the_trial(name: str) -> bool:
    """Tell whether a view is none of the plugin's."""
    return name.startswith(OWN)
