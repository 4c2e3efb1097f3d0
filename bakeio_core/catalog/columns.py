"""The columns every standard table begins and ends with, for plugin authors who make new tables."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Column, DateTime, Identity, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, current_timestamp


class new_uuid(FunctionElement[str]):
    """A random UUID as text, made by the database."""

    type = String(36)
    inherit_cache = True


@compiles(new_uuid)
def _portable(element: Any, compiler: Any, **options: Any) -> str:
    return "(gen_random_uuid()::text)"


@compiles(new_uuid, "sqlite")
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:
    parts = [
        "lower(hex(randomblob(4)))",
        "lower(hex(randomblob(2)))",
        "'4' || substr(lower(hex(randomblob(2))), 2)",
    ]
    parts += [
        "substr('89ab', 1 + (abs(random()) % 4), 1) || substr(lower(hex(randomblob(2))), 2)",
        "lower(hex(randomblob(6)))",
    ]
    return "(" + " || '-' || ".join(parts) + ")"


def identity_columns() -> list[Column[Any]]:
    """Return the columns `id` and `uuid`.

    `id` is an integer primary key; `uuid` has 36 characters, is unique, and is made on insert by
    whoever inserts.
    """
    return [
        Column("id", Integer, Identity(), primary_key=True),
        Column(
            "uuid",
            String(36),
            nullable=False,
            unique=True,
            index=True,
            default=lambda: str(uuid.uuid4()),
            server_default=new_uuid(),
        ),
    ]


def _now() -> datetime:
    return datetime.now(timezone.utc)


def stamp_columns() -> list[Column[Any]]:
    """Return `created_at` and `updated_at` (UTC), filled by whoever inserts."""
    return [
        Column(
            "created_at",
            DateTime(timezone=True),
            nullable=False,
            default=_now,
            server_default=current_timestamp(),
        ),
        Column(
            "updated_at",
            DateTime(timezone=True),
            nullable=False,
            default=_now,
            onupdate=_now,
            server_default=current_timestamp(),
        ),
    ]
