"""Sample records of plugins as a source to import, without files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import entity_fields
from bakeio_core.errors import PluginError
from bakeio_core.files.documents import Document
from bakeio_core.files.encoding import CLOSE, encode_lines, opened_document
from bakeio_core.importing.sources import Part, Source


def sample_source(
    records: Mapping[str, Iterable[Mapping[str, Any]]], catalog: Catalog, strict: bool = True
) -> Source:
    """Return {entity: records} as a source; entities that are not installed are left out; with `strict` PluginError is raised for them."""
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
