"""Whether a set is whole and sound: its structure, every byte, every record, every reference."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.plugins import packages
from bakeio_core.errors import DocumentError, Problem, Problems
from bakeio_core.errors import counted as in_words
from bakeio_core.files.sets.archive import in_ascii, is_safe
from bakeio_core.files.sets.closure import Closure
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.manifest import (
    APPLICATION,
    MANIFEST,
    Listed,
    checksum_problem,
    counted,
    version_problem,
)
from bakeio_core.files.sets.origin import is_kept, origin_problems
from bakeio_core.values.wording import listed as listed_in_words
from bakeio_core.values.wording import shown

_UNREADABLE = ("bad-document", "truncated", "bad-json", "io-error")
_MOST_KEYS = 8
"""So many keys of a manifest are named that is no set's, and ids of rows."""
_READ_ANYWAY = ("checksum-mismatch", "count-mismatch", "version-too-new")


def structure(opened: ExportSet, catalog: Catalog) -> Problems:
    """Check everything of a set but the contents of its files.

    These are names, links, sizes, versions, order, what is missing and what is too much.
    """
    problems = Problems()
    for problem in _structure(opened, catalog):
        problems.add(problem)
    return problems


Progress = Callable[[str, int], None]
"""Told of (entity, records checked so far)."""


def verify(opened: ExportSet, catalog: Catalog, progress: Progress | None = None) -> Problems:
    """Check a whole set: `structure`, then every byte and record, and that references find rows."""
    problems = structure(opened, catalog)
    closure = Closure(catalog, {listed.entity for listed in opened.files})
    broken = {p.file for p in problems if p.code in ("missing-file", "unsafe-path")}
    whole = set(opened.store.names()) - broken - _refused(opened)
    once = {listed.filename: listed for listed in reversed(opened.files)}
    for name, listed in reversed(once.items()):
        if name in whole:
            _verify_file(opened, listed, problems, closure, progress)
    unread = {p.file for p in problems if p.severity == "error" and p.code not in _READ_ANYWAY}
    unknown = {
        listed.entity
        for listed in opened.files
        if listed.filename in unread or not is_safe(listed.filename)
    }
    for problem in closure.problems(unknown):
        problems.add(problem)
    return problems


def _refused(opened: ExportSet) -> set[str]:
    """Return the names of files that are not even opened."""
    prefix = getattr(opened.store, "prefix", "")
    return {
        (problem.file or "").removeprefix(prefix)
        for problem in opened.store.problems()
        if problem.code in ("symlink", "too-large")
    }


def _structure(opened: ExportSet, catalog: Catalog) -> Iterator[Problem]:
    if opened.manifest.get("manifest_version") is None:
        yield _unversioned(opened)
        if not opened.files:  # of another program: what bakeio wants of each file says nothing
            return
    yield from opened.faults
    yield from opened.store.problems()
    yield from _versions(opened, opened.manifest, MANIFEST)
    yield from _not_of_a_set(opened.manifest, MANIFEST)
    yield from origin_problems(opened.manifest, MANIFEST)
    there, listed_names = set(opened.store.names()), [listed.filename for listed in opened.files]
    readable = there - _refused(opened)
    for listed in opened.files:
        yield from _file_problems(opened, listed, there, readable)
        if listed.entity not in catalog.entities:
            yield _not_installed(listed, catalog)
    for name in sorted(name for name, times in Counter(listed_names).items() if times > 1):
        message = f"lists {in_ascii(name)} twice"
        yield Problem(code="bad-manifest", file=MANIFEST, message=message)
    left_out = {listed.filename for listed in opened.left_out}
    for name in sorted(there - set(listed_names) - left_out - {MANIFEST}):
        if is_safe(name):
            message = "is in the set but not in its manifest: move it elsewhere"
            yield Problem(code="unexpected-file", file=in_ascii(name), message=message)
    yield from _order_problems(opened, catalog)
    yield from _gaps(opened)
    yield from opened.notes


def _unversioned(opened: ExportSet) -> Problem:
    """Return what is said of a manifest that does not say how to read it."""
    hint = packages.for_document(opened.manifest)
    common: dict[str, Any] = {"code": "bad-manifest", "file": MANIFEST}
    if opened.files:
        message = 'has no "manifest_version": nothing says how to read it ("1.0" is this layout)'
        return Problem(**common, field="manifest_version", message=message + hint)
    keys = listed_in_words([shown(name) for name in list(opened.manifest)[:_MOST_KEYS]])
    message = (
        f"is not the manifest of a set: it has {keys}, and no installed plugin reads that{hint}"
    )
    return Problem(**common, message=message)


def _gaps(opened: ExportSet) -> Iterator[Problem]:
    """Say what is null in a set in place of values its database held and no file can."""
    files = {listed.entity: listed.filename for listed in opened.files}
    by_field = dict[tuple[str, str], list[str]]()
    for gap in opened.gaps:
        by_field.setdefault((gap["entity"], gap["field"]), []).append(in_ascii(str(gap["id"])))
    for (entity, field), ids in by_field.items():
        named = f"{', '.join(ids[:_MOST_KEYS])}{' and more' if len(ids) > _MOST_KEYS else ''}"
        yield Problem(
            code="bad-value",
            severity="warning",
            file=files.get(entity, MANIFEST),
            entity=in_ascii(entity),
            field=in_ascii(field),
            count=len(ids),
            message=f"is null in place of what no file can hold, in {in_words(len(ids), 'row')} "
            f"(id {named}; see gaps in the manifest)",
        )


def _file_problems(
    opened: ExportSet, listed: Listed, there: set[str], readable: set[str]
) -> Iterator[Problem]:
    name = listed.filename
    if not is_safe(name) or "/" in name or "\\" in name:
        message = f'lists "{in_ascii(name)}": only names of files beside it are read'
        yield Problem(code="unsafe-path", file=MANIFEST, value=name, message=message)
    elif name not in there:
        message = "is listed in the manifest but not there: get a complete copy of the set"
        yield Problem(code="missing-file", file=name, message=message)
    elif name in readable:
        yield from _header_problems(opened, listed)


def _not_installed(listed: Listed, catalog: Catalog) -> Problem:
    why = catalog.disabled.get(listed.entity)
    if not why and listed.entity in catalog.blocked:
        why = "its plugin is blocked"
    hint = packages.for_entity(listed.entity)
    hint = hint or packages.for_declarer(listed.distribution, listed.version)
    hint = hint or ". Install its plugin"
    wrong = f"disabled: {why}" if why else f"not installed{hint}"
    return Problem(
        code="blocked" if why else "unknown-entity",
        file=in_ascii(listed.filename),
        entity=listed.entity,
        message=f'"{in_ascii(listed.entity)}" is {wrong}',
    )


def _header_problems(opened: ExportSet, listed: Listed) -> Iterator[Problem]:
    try:
        header = opened.document(listed).header
    except (DocumentError, OSError) as error:
        yield _unreadable(listed, error)
        return
    if header.get("entity_type") != listed.entity:
        said = header.get("entity_type")
        message = (
            f'holds "{said}", while the manifest says "{listed.entity}": put the file there that '
            "was exported under this name"
        )
        yield Problem(code="bad-manifest", file=listed.filename, message=message)
    if header.get("part", 0) != listed.part:
        holds, said = header.get("part", 0), listed.part
        message = f"holds {_part(holds)}, while the manifest says {_part(said)}"
        yield Problem(code="bad-manifest", file=listed.filename, field="part", message=message)
    ours, theirs = opened.manifest.get("export_id"), header.get("export_id")
    if theirs is not None and ours is not None and is_kept(ours):
        yield from _other_export(ours, theirs, listed)
    yield from _not_of_a_set(header, listed.filename)
    yield from _versions(opened, header, listed.filename)


def _part(number: object) -> str:
    return f"part {shown(number)} of its entity" if number else "a whole entity"


def _other_export(ours: str, theirs: object, listed: Listed) -> Iterator[Problem]:
    if ours != theirs:
        message = f"belongs to another export, {shown(theirs)}, than the manifest, {shown(ours)}"
        yield Problem(code="bad-manifest", file=listed.filename, field="export_id", message=message)


def _not_of_a_set(header: dict[str, Any], file: str) -> Iterator[Problem]:
    if "export_type" in header:
        said = shown(header["export_type"])
        message = f"is {said}: that is said of a view, and no file of a set says it"
        yield Problem(code="bad-manifest", file=file, field="export_type", message=message)


def _unreadable(listed: Listed, error: DocumentError | OSError) -> Problem:
    name = listed.filename
    if isinstance(error, OSError):
        return Problem(code="io-error", file=name, message=f"cannot be read: {error.strerror}")
    message = str(error).removeprefix(f"{name}: ")
    return Problem(code=error.code or "bad-document", file=name, message=message)


def _versions(opened: ExportSet, header: dict[str, Any], file: str) -> Iterator[Problem]:
    ours = opened.manifest.get("application") == APPLICATION
    for field in ("manifest_version", "file_version", "schema_version"):
        if field in header and (field != "schema_version" or ours):
            problem = version_problem(header, field, file)
            if problem:
                yield problem


def _sharing_a_place(opened: ExportSet) -> dict[int, list[str]]:
    """Return the entities that have one place in the order: {place: their names}."""
    named: dict[int, list[str]] = {}
    for entity, order in {listed.entity: listed.order for listed in opened.files}.items():
        named.setdefault(order, []).append(entity)
    return {order: names for order, names in named.items() if len(names) > 1}


def _order_problems(opened: ExportSet, catalog: Catalog) -> Iterator[Problem]:
    """Files are read in the order of `import_order`: what an entity refers to must come before."""
    place = {listed.entity: listed.order for listed in opened.files}
    yield from _part_problems(opened)
    for order, names in _sharing_a_place(opened).items():
        message = f"gives {listed_in_words(names)} the same import_order, {order}: each has its own"
        yield Problem(code="bad-order", file=MANIFEST, message=message)
    for listed in opened.files:
        entity, known = listed.entity, catalog.entities.get(listed.entity)
        yield from _odd_dependencies(opened, listed, catalog)
        needs = set(listed.dependencies) | set(catalog.dependencies(known) if known else ())
        for name in sorted(needs):
            if name in place and name != entity and place[name] >= listed.order:
                message = (
                    f"puts {entity} (import_order {listed.order}) before "
                    f"{name} ({place[name]}), which it depends on"
                )
                yield Problem(code="bad-order", file=MANIFEST, entity=entity, message=message)


def _part_problems(opened: ExportSet) -> Iterator[Problem]:
    """An entity has one file, or all the parts of it that each of them says there are."""
    for name, several in opened.by_entity.items():
        if len(several) == 1 and several[0].part == several[0].parts == 0:
            continue
        entity, said = in_ascii(name), {(listed.parts, listed.order) for listed in several}
        if len(said) > 1 or not all(listed.part for listed in several):
            message = "lists an entity twice"
            if all(listed.part for listed in several):
                message = f"does not say the same of all parts of {entity} (parts, import_order)"
            yield Problem(code="bad-order", file=MANIFEST, entity=name, message=message)
            continue
        count, named = several[0].parts, Counter(listed.part for listed in several)
        for listed in several:
            if named[listed.part] > 1 or not 1 <= listed.part <= count:
                message = f"lists {in_ascii(listed.filename)} as part {listed.part} of {count}"
                message += ", as another file" if named[listed.part] > 1 else ""
                yield Problem(code="bad-manifest", file=MANIFEST, entity=name, message=message)
        # a number that promises more than any set may have is not gone through
        left = [n for n in range(1, min(count, opened.limits.members) + 1) if n not in named]
        if left:
            numbers = listed_in_words([str(number) for number in left])
            noun = "part" if len(left) == 1 else "parts"
            message = f"lacks {noun} {numbers} of the {count} of {entity}: "
            message += "get a complete copy of the set"
            yield Problem(code="missing-file", file=MANIFEST, entity=name, message=message)


def _odd_dependencies(opened: ExportSet, listed: Listed, catalog: Catalog) -> Iterator[Problem]:
    omitted = opened.manifest.get("omitted_entities")
    known = {*catalog.entities, *catalog.disabled, *catalog.blocked}
    known |= {other.entity for other in (*opened.files, *opened.left_out)}
    if isinstance(omitted, list):
        known |= set(map(str, omitted))
    for name in listed.dependencies:
        wrong = "itself" if name == listed.entity else f'"{in_ascii(name)}", which is not an entity'
        if name == listed.entity or name not in known:
            message = f"says that {in_ascii(listed.entity)} depends on {wrong}"
            yield Problem(code="bad-manifest", file=MANIFEST, entity=listed.entity, message=message)


def _verify_file(
    opened: ExportSet,
    listed: Listed,
    problems: Problems,
    closure: Closure,
    progress: Progress | None,
) -> None:
    sha, count, document = hashlib.sha256(), 0, opened.document(listed)
    known = {problem.file for problem in problems if problem.code in _UNREADABLE}
    try:
        for block in document.blocks(sha.update):
            records = closure.read(listed, block)
            for item in records:
                if isinstance(item, Problem):
                    problems.add(item)
            count += len(records)
            if progress is not None:
                progress(listed.entity, count)
    except (DocumentError, OSError) as error:
        if isinstance(error, OSError) or listed.filename not in known:
            problems.add(_unreadable(listed, error))
        return  # its checksum would only say the same again
    for problem in counted(document.header, listed, count):
        problems.add(problem)
    if sha.hexdigest() != listed.sha256.lower():
        problems.add(checksum_problem(listed.filename))
