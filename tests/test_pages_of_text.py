"""Whether a page of JSON is text is told piece by piece as it is told of the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bakeio_core.database.systems.sqlite_cells import is_text

SIZE = 1 << 12
"""So many bytes are looked at together."""


@given(
    start=st.integers(SIZE - 6, SIZE + 6).map(lambda size: b"x" * size),
    signs=st.text(st.sampled_from("aé中😀"), max_size=9),
    cut=st.integers(0, 4),
    end=st.sampled_from([b"", b"y" * SIZE, b"\xff"]),
)
def test_a_page_is_text_where_all_of_it_can_be_decoded(
    start: bytes, signs: str, cut: int, end: bytes
) -> None:
    page = start + signs.encode()
    page = page[: len(page) - cut] + end
    try:
        page.decode()
        is_whole = True
    except UnicodeDecodeError:
        is_whole = False
    assert is_text(page) == is_whole


def test_a_page_that_escapes_a_nul_is_no_text() -> None:
    assert is_text(b'{"notes":"\\u00e9\\\\"}')
    assert not is_text(b'{"notes":"a\\u0000b"}')
