"""Passwords that a URL or the environment holds, kept out of what is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from sqlalchemy.engine import URL

HIDDEN = "***"
_IN_URL = re.compile(r"(?<=:)(?!//)[^:\s]*(?=@)|(?<=:)(?!//)[^\s]*(?=@[^@]*$)")
_NAME = r"pass(?:word|wd|phrase|code)?|pwd|secret|token|scram_\w+_key"
_SECRET = re.compile(rf"(?!passfile)\w*(?:{_NAME})\w*", re.I)
_GIVEN = re.compile(rf"((?:{_NAME})\w*\s*=\s*)([^\s&]+)", re.I)
_VARIABLES = ("PGPASSWORD", "PGSSLPASSWORD", "PGOAUTHCLIENTSECRET")
SHORTEST = 4
"""How long a secret is at least that is looked for in a text: a shorter one is in many words."""


def without_password(text: str) -> str:
    """Return a text that nobody can read as a URL without what may be the password in it."""
    return _GIVEN.sub(rf"\1{HIDDEN}", _IN_URL.sub(HIDDEN, text))


def shown(url: URL) -> str:
    """Return a URL without its passwords, those among its options as well."""
    options = {name: _hidden(name, value) for name, value in url.query.items()}
    plain = url.set(query=options).render_as_string(hide_password=True)
    return plain.replace("%2A%2A%2A", HIDDEN).replace("+psycopg:", ":")


def _hidden(name: str, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if _SECRET.fullmatch(name):
        return HIDDEN
    if isinstance(value, str):
        return _GIVEN.sub(rf"\1{HIDDEN}", value)
    return tuple(_GIVEN.sub(rf"\1{HIDDEN}", some) for some in value)


def without_secrets(text: str, url: URL | None) -> str:
    """Return a message of a driver without the passwords of a URL and of the environment."""
    for secret in _secrets(url, os.environ):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text


def _secrets(url: URL | None, environment: Mapping[str, str]) -> Iterator[str]:
    yield from filter(None, map(environment.get, _VARIABLES))
    if url is None:
        return
    if url.password:
        yield str(url.password)
    for name, value in url.query.items():
        if _SECRET.fullmatch(name):
            yield from [value] if isinstance(value, str) else value
        elif isinstance(value, str):
            yield from (found[2] for found in _GIVEN.finditer(value))
