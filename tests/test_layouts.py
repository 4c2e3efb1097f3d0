"""One document in many layouts, cut between its records wherever a block of the stream may end."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import Ran

from bakeio_core.errors import DocumentError, Problem
from bakeio_core.files.documents import scanner
from bakeio_core.files.documents.document import Document

LAYOUTS = ["line", "compact line", "crlf line", 0, 1, 2, 4, "\t", None, "compact"]
"""One record a line, or what `json.dumps` gives with an indentation or without."""
HEADER = {
    "view_name": "products",
    "documentation": {"fields": ["a", "b"], "more": [{"a": 1}, {"a": 2}]},
}
texts = st.text(st.sampled_from('ab"\\{}[],: \n\té€😀'), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
records_of = st.lists(st.dictionaries(texts, values, max_size=5), min_size=1, max_size=30)


def laid_out(records: list[Any], layout: Any, behind: bool = False) -> bytes:
    """Return a document; `behind`: some of its header stands behind the records."""
    header, more = (
        ({"view_name": "products"}, {"documentation": HEADER["documentation"]})
        if behind
        else (HEADER, {})
    )
    document = header | {"records": records} | more
    if isinstance(layout, str) and layout.endswith("line"):
        separators = (",", ":") if layout == "compact line" else (", ", ": ")
        lines = ",\n".join(
            json.dumps(record, separators=separators, ensure_ascii=False) for record in records
        )
        head, end = (
            json.dumps(header, indent=2)[:-2],
            json.dumps(more, indent=2)[1:] if behind else "\n}\n",
        )
        text = f'{head},\n  "records": [\n{lines}\n  ]{"," if behind else ""}{end}'
        return (text.replace("\n", "\r\n") if layout == "crlf line" else text).encode()
    if layout == "compact":
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return json.dumps(document, indent=layout, ensure_ascii=False).encode()


def read(data: bytes, block: int = scanner.BLOCK) -> list[tuple[int, Any]]:
    """Return (number, record or problem) of a document that is read in blocks of so many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "BLOCK", block)
        blocks = list(Document("d.json", partial(io.BytesIO, data)).blocks())
    items = [item for block in blocks for item in block.as_dicts("d.json")]
    firsts = [block.first for block in blocks]
    assert (
        firsts
        == [
            1,
            *(
                first + len(block.as_dicts("d.json"))
                for first, block in zip(firsts, blocks, strict=True)
            ),
        ][:-1]
    )
    return items


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {name: plain(item) for name, item in value.items()} if isinstance(value, dict) else value


@settings(max_examples=50, deadline=None)
@given(
    records=records_of,
    layout=st.sampled_from(LAYOUTS),
    behind=st.booleans(),
    block=st.integers(120, 2000),
)
def test_a_document_says_the_same_in_any_layout_and_in_blocks_of_any_size(
    records: list[Any], layout: Any, behind: bool, block: int
) -> None:
    assert [
        (number, plain(item)) for number, item in read(laid_out(records, layout, behind), block)
    ] == list(enumerate(records, 1))


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


pieces = st.sampled_from(
    [
        b"",
        *(bytes([c]) for c in b'{}[],:"\\\n 1a'),
        b"},\n{",
        b"}, {",
        b"},{",
        b"]\n}",
        b'"records":[',
    ]
)
spoils = st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 4), pieces), min_size=1, max_size=2)


@settings(max_examples=50, deadline=None)
@given(
    records=records_of,
    layout=st.sampled_from(LAYOUTS),
    behind=st.booleans(),
    block=st.integers(40, 2000),
    spoils=spoils,
)
def test_a_document_that_is_no_json_is_never_read_without_a_word(
    records: list[Any], layout: Any, behind: bool, block: int, spoils: list[Any]
) -> None:
    data = laid_out(records, layout, behind)
    for place, removed, put in spoils:
        at = int(place * len(data))
        data = data[:at] + put + data[at + removed :]
    try:
        items = read(data, block)
    except DocumentError:
        return
    assert is_json(data) or any(isinstance(item, Problem) for _, item in items)


FLAT = [
    {"product_id": number, "notes": f"some, {{text}} of {number}", "size": 1.5}
    for number in range(1, 101)
]


@pytest.mark.parametrize("behind", [False, True], ids=["header in front", "some of it behind"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_proper_records_are_read_as_blocks_in_any_layout(
    layout: Any, behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "BLOCK", 1000)
    blocks = list(Document("d.json", partial(io.BytesIO, laid_out(FLAT, layout, behind))).blocks())
    assert len(blocks) > 3
    assert [json.loads(text) for block in blocks for text in map(bytes, block.texts)] == FLAT
    assert [record for block in blocks for record in json.loads(block.data or b"null")] == FLAT


@pytest.mark.parametrize("number", [1, 2, 50, 99, 100])
@pytest.mark.parametrize(
    "layout", [layout for layout in LAYOUTS if layout not in (0, None, "compact")]
)
@pytest.mark.parametrize(
    "spoil",
    [b"product_id", b'"product_id', b'"product_id",', b'"\xff'],
    ids=["bare", "no quote", "comma", "no utf-8"],
)
def test_of_a_document_in_lines_a_broken_record_alone_is_left_out(
    layout: Any, number: int, spoil: bytes
) -> None:
    data = laid_out(FLAT, layout)
    at = data.index(
        b'"product_id": %d,' % number if b'"product_id": ' in data else b'"product_id":%d,' % number
    )
    data = data[:at] + spoil + data[at + len('"product_id"') :]
    for block in (1000, scanner.BLOCK):
        items = read(data, block)
        assert [(n, item.code) for n, item in items if isinstance(item, Problem)] == [
            (number, "bad-json")
        ]
        assert [plain(item) for _, item in items if isinstance(item, dict)] == FLAT[
            : number - 1
        ] + FLAT[number:]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", [2, 50, 99])
def test_a_record_without_its_beginning_takes_no_other_along(layout: Any, number: int) -> None:
    data = laid_out(FLAT, layout)
    at = data.index(
        b'"product_id": %d,' % number if b'"product_id": ' in data else b'"product_id":%d,' % number
    )
    data = data[: data.rindex(b"{", 0, at)] + data[at:]
    for block in (1000, scanner.BLOCK):
        with pytest.raises(DocumentError):
            read(data, block)


@pytest.mark.parametrize("broken", [1, 2])
def test_a_list_behind_the_records_is_not_taken_for_their_end(broken: int) -> None:
    records = [
        b'{"a":%b}' % (b"nope" if number == broken else b"%d" % number) for number in (1, 2, 3)
    ]
    data = (
        b'{"view_name":"p","records":[\n'
        + b",\n".join(records)
        + b'], "documentation":{"more":[{"x":1}]}}'
    )
    items = read(data)
    assert [number for number, item in items if isinstance(item, Problem)] == [broken]
    assert [plain(item) for number, item in items if number != broken] == [
        {"a": number} for number in (1, 2, 3) if number != broken
    ]


@pytest.mark.parametrize("space", ["\v", "\f", "\u00a0"])
def test_white_space_json_does_not_know_is_no_json(space: str) -> None:
    for text in (
        f'{{"view_name":"p","records":{space}[{{"a":1}}]}}',
        f'{{"view_name":"p","records":[{space}{{"a":1}}]}}',
    ):
        with pytest.raises(DocumentError):
            read(text.encode())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [0.3, 0.6, 0.97])
def test_a_document_that_ends_early_is_called_truncated_in_any_layout(
    layout: Any, size: float
) -> None:
    data = laid_out(FLAT, layout)
    for block in (1000, scanner.BLOCK):
        with pytest.raises(DocumentError) as failed:
            read(data[: int(len(data) * size)], block)
        assert failed.value.code == "truncated"


@pytest.mark.parametrize(
    "end",
    [
        b"",
        b"]",
        b"], }",
        b'], "a": [{"b"}]}',
        b"]} x",
        b'], "view_name": "b"}',
        b'], "a": 1, "a": 2}',
        b'], "records": []}',
    ],
    ids=[
        "cut off",
        "no brace",
        "comma",
        "broken",
        "more",
        "a name twice",
        "twice behind",
        "records twice",
    ],
)
@pytest.mark.parametrize("broken", [False, True], ids=["proper records", "a broken record"])
@pytest.mark.parametrize("layout", [*LAYOUTS, "bare list"])
def test_what_stands_behind_the_records_is_looked_at(layout: Any, end: bytes, broken: bool) -> None:
    data = laid_out(FLAT, None if layout == "bare list" else layout)
    data = data[: data.rindex(b"]")] + end
    if broken:
        data = data.replace(b'"product_id"', b'"product_id', 1)
    if layout == "bare list":
        data = data[data.index(b'[{"product_id') :]
    for block in (1000, scanner.BLOCK):
        if layout == "bare list" and end == b"]" and not broken:
            assert [plain(item) for _, item in read(data, block)] == FLAT
        else:
            with pytest.raises(DocumentError):
                read(data, block)


@pytest.mark.parametrize("indent", [None, 1, "\t"])
@pytest.mark.parametrize("apart", ["", " ", "   ", "\t", "\n", "\r\n\t", " \n "])
@pytest.mark.parametrize("more", ["", "at 12:30", 'say "a" : b'])
def test_a_name_that_stands_twice_is_seen_however_it_is_spaced(
    run: Callable[..., Ran], sample: Path, tmp_path: Path, indent: Any, apart: str, more: str
) -> None:
    path = tmp_path / "v.json"
    assert run("-d", sample, "export-view", "products", "-o", path).code == 0
    document = json.loads(path.read_bytes())
    document["records"][3]["notes"] = more
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    path.write_text(text.replace('"notes":', f'"brand"{apart}: "B", "notes":', 1), "utf-8")
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    assert done.code == 1
    assert [(p["code"], p["field"], p["records"]) for p in done.json["problems"]] == [
        ("bad-json", "brand", [1])
    ]
    assert done.json["summary"]["processed"] == 81


@pytest.mark.parametrize("behind", ["", " ", "\n", "\r\n\t", " \n "])
@pytest.mark.parametrize(
    "number", ["1e-400", "0.30000000000000000001", "1E-320", "25.00000000000000001"]
)
def test_digits_a_double_cannot_hold_are_never_lost(
    run: Callable[..., Ran], sample: Path, tmp_path: Path, number: str, behind: str
) -> None:
    path = tmp_path / "v.json"
    assert run("-d", sample, "export-view", "products", "-o", path, "--limit", "5").code == 0
    document = json.loads(path.read_bytes())
    for place, record in enumerate(document["records"]):
        size = record.pop("package_size")
        document["records"][place] = record | {"package_size": "here" if place == 2 else size}
    path.write_text(json.dumps(document, indent=2).replace('"here"', number + behind), "utf-8")
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 1
    assert [(p["code"], p["field"], p["records"]) for p in done.json["problems"]] == [
        ("bad-value", "package_size", [3])
    ]


@pytest.mark.parametrize(
    "more", ['{"x\\\\":1,"x\\\\":2}', '{"x\\\\":' * 150 + "1" + "}" * 150], ids=["twice", "deep"]
)
def test_what_an_unknown_field_holds_is_looked_at(
    run: Callable[..., Ran], sample: Path, tmp_path: Path, more: str
) -> None:
    path = tmp_path / "v.json"
    assert run("-d", sample, "export-view", "products", "-o", path, "--limit", "5").code == 0
    path.write_text(
        path.read_text("utf-8").replace('{"product_id"', f'{{"zzz":{more},"product_id"'), "utf-8"
    )
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 1
    assert done.json["summary"]["errors"] == 5
