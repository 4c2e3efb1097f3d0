"""What an assistant gave of what is written, and from where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakeio_core.catalog.exchange import Change
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.importing.reading.sources import Source


def tell_origins(source: Source, changes: Sequence[Change]) -> Iterator[Problem]:
    """Say of changes what an assistant gave, and from where; yield what a person should know.

    Args:
        source: What is imported.
        changes: The changes of its report.
    """
    for part in source.parts if source.origins else ():
        unverified: dict[str, list[int]] = {}
        for change in changes:
            if change.entity != part.entity.name or not change.record:
                continue
            for name, item in part.fields.by_name.items():
                given = source.origins.get((change.record, name))
                if given is None or change.new.get(str(item.column)) is None:
                    continue
                is_code = item.column in part.entity.codes
                told = {"source": given} if given else {}
                told |= {"unverified": True} if is_code else {}  # type: ignore[dict-item]
                change.origins = {**change.origins, str(item.column): told}
                if is_code:
                    unverified.setdefault(name, []).append(change.record)
        for name, numbers in unverified.items():
            them = "it" if len(numbers) == 1 else "them"
            yield Problem(
                code="unverified",
                severity="note",
                file=part.file,
                record=numbers[0],
                records=numbers[:FIRST_RECORDS],
                count=len(numbers),
                entity=part.entity.name,
                field=name,
                message=(
                    f"{counted(len(numbers), 'value')} from an assistant: unverified until a "
                    f"person confirms {them} (bakeio confirm {part.entity.name} KEY {name})"
                ),
            )
