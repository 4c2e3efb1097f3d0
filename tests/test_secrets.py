"""Passwords stay out of every message."""

from __future__ import annotations

import json

import pytest
from support.commands import Run

SECRET = "s3cr3t-pl3ase"
URLS = [
    "postgresql://app:{}@/nope?host={host}",
    "postgresql://app@/nope?host={host}&password={}",
    "postgresql://app@/nope?host={host}&sslpassword={}&sslkey=/x",
    "postgresql://app@/nope?host={host}&options=-c%20my.password%3D{}",
    "postgresql://app:{}@host:port/nope",
    "postgresql://app:a/{}@host/nope",
    "postgresql://app:a@{}@host.invalid/nope",
    "postgresql:app:{}@host/nope",
    "postgresql//app:{}@host/nope",
    "nonsense://app:{}@host/nope",
    "postgresql://app@/nope?host={host}&nonsense=1&password={}",
    "sqlite:///nowhere/at/all.db?password={}",
    "host={host} user=app password={}",
]


@pytest.mark.parametrize("url", URLS)
def test_a_password_in_a_url_is_in_no_message(
    postgresql: str, run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = postgresql.partition("?host=")[2]
    named = url.replace("{host}", host).replace("{}", SECRET)
    monkeypatch.setenv("PGPASSWORD", f"other-{SECRET}")
    for words in (["runs"], ["runs", "--json"], ["init"], ["export-view", "products", "-o", "-"]):
        refused = run("-d", named, *words)
        assert refused.code in (1, 2)
        assert SECRET not in refused.out + refused.err, refused.out + refused.err
        if "--json" in words:
            assert json.loads(refused.out)["error"]["message"]
        if url == URLS[0]:
            told = refused.out + refused.err
            assert "check the user and the password in the URL" in told


def test_what_is_made_is_named_without_its_password(new_postgresql: Run, run: Run) -> None:
    url = f"{new_postgresql()}&password={SECRET}"
    for words in (["init"], ["init", "--json"]):
        done = run("-d", url, *words)
        assert done.code == 0
        assert "password=***" in done.out and SECRET not in done.out
