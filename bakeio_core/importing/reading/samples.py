"""Sample records of plugins as a source to import, without files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import entity_fields
from bakeio_core.errors import PluginError
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import CLOSE, encode_lines, opened_document
from bakeio_core.importing.reading.sources import Part, Source


def sample_source(
    records: Mapping[str, Iterable[Mapping[str, Any]]], catalog: Catalog, strict: bool = True
) -> Source:
    """Return sample records as a source; entities that are not installed are left out.

    Args:
        records: {entity: its records}.
        catalog: What is installed.
        strict: Whether an entity nobody knows is an error.

    Raises:
        PluginError: There are records of an entity nobody knows.
    """
    parts = []
    unknown = [
        name for name in records if name not in catalog.entities and name not in catalog.disabled
    ]
    if unknown and strict:
        raise PluginError(f'the sample has records of "{unknown[0]}", which is no installed entity')
    for name, entity in catalog.entities.items():
        if name in records:
            rows = [dict(record) for record in records[name]]
            data = (
                opened_document({"entity_type": name, "record_count": len(rows)})
                + encode_lines(rows)
                + CLOSE
            )
            parts.append(
                Part(
                    entity,
                    Document(f"sample {name}", partial(io.BytesIO, data)),
                    entity_fields(entity, catalog),
                )
            )
    return Source("sample", "set", parts)
