"""Make hostile documents: start from good sets, views, entity files and skipped logs of a small
bakery, and spoil them.

Nothing here looks at what bakeio does with them; `fuzz` does. The same random number generator
makes the same documents.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

__all__ = ["Hostile", "Material", "make"]

Doc = dict[str, Any]
Spoil = Callable[["Maker", Doc], None]

ODD_TOKENS = [
    "null", "true", "false", "0", "-0", "-0.0", "1", "-1", "0.1", "1e5", "1e-7", "1e400", "-1e400",
    "1E-400", "1e-5000", "1e999999999999",
    "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
    "123456789012345678901234567890",
    "0.1234567890123456789", "99999999999.999", "NaN", "Infinity", "-Infinity", "nan", "undefined",
    "None", "True", "01", "1.", ".5", "+1",
    "0x1F", "1_000", "'x'", "[]", "{}", "[null]", "[[[[]]]]", '{"":{}}',
    "9" * 60, "-" + "9" * 5000, "0." + "9" * 5000, "[" * 500 + "]" * 500,
    '{"a":' * 400 + "1" + "}" * 400, "[" * 3000, "",
    '{"a":1,"a":2}', '[{"id":1}]',
]  # fmt: skip
ODD_TEXTS = [
    "", " ", "\0", "a\0b", "\ud83d", "\udc00x", "x\udfff", "\U0001f950", "\u202e gnp.exe", "\u200b",
    "\ufeff", "\u2028", "\x1b[31mred\x1b[0m",
    "\x1b]0;owned\x07", "\x9b2J", "\r\nInjected: yes", "\x08\x08", "\x7f", "a\tb", "\\", '"',
    "\\u0000", '},\n{"', "]\n}\n", "```", "//", "/* */",
    "'; DROP TABLE suppliers; --", "=cmd|' /C calc'!A0", "<script>alert(1)</script>",
    "../../etc/passwd", "%s%n", "{0}", "$(id)", "NULL", "null",
    "a" * 201, "é" * 101, "x" * 20_000, "e\u0301", "ﬁ", "ǅ", "İ", "ß", "１２", "٣", "Costco ",
    "COSTCO", "c\u00adostco", "\ud83d\ude00",
    "2024-02-30", "0000-00-00", "01/02/2026", "2026-01-02T10:00:00Z", "2025-13-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00", "2025-01-01T00:00:00.123456789Z", "2025-01-01 00:00:00",
    "2025-01-01T24:00:00Z", "2025-06-30T23:59:60Z",
    "２０２５-01-01", "-0001-01-01", "10000-01-01", "$6.99", "6,99", "1e3", "1e99999", "Infinity",
    "NaN", "-0", "0x10", "1_000", " 1", "1" * 400,
    "000011960233", "0123456789012", "no-uuid", "00000000-0000-0000-0000-000000000000",
]  # fmt: skip
ODD_NAMES = [
    "manifest.json", "../01_suppliers.json", "/etc/passwd", "C:\\x.json", "..", ".", "", "a/b.json",
    "a\\b.json", "con", "\x1b[2J.json", "\ud800",
    "x\0y", "01_suppliers.json", "02_ingredients.json", "MANIFEST.JSON", "é.json", "x" * 300,
]  # fmt: skip
GOOD_TEXTS = [
    "A new note",
    "Crème fraîche",
    "Überraschung",
    "東京",
    "x",
    "0123",
    "a-b_c d",
    "O’Brien's",
]
MARK = re.compile(r'"@@(\d+)@@"')


@dataclass(frozen=True)
class Material:
    """Good documents, parsed: a set {file name: document}, views {file name: document} and one
    skipped log.
    """

    files: dict[str, Doc]
    views: dict[str, Doc]
    log: Doc

    @property
    def entities(self) -> list[str]:
        return [item["filename"] for item in self.files["manifest.json"]["files"]]


@dataclass
class Hostile:
    """One document made: its kind (set, zip, view, entity, skipped) and its files {name: bytes}; a
    single file has one name.
    """

    kind: str
    files: dict[str, bytes]
    spoilt: list[str] = field(default_factory=list)


class Maker:
    """Spoil documents by one random number generator; what is not a JSON value stays a mark until
    the text is written.
    """

    def __init__(self, rng: Random, material: Material) -> None:
        self.rng, self.material = rng, material
        self.tokens: list[str] = []
        self.done: list[str] = []

    def mark(self, token: str) -> str:
        self.tokens.append(token)
        return f"@@{len(self.tokens) - 1}@@"

    def odd(self) -> Any:
        return (
            self.mark(self.rng.choice(ODD_TOKENS))
            if self.rng.random() < 0.4
            else self.rng.choice(ODD_TEXTS)
        )

    def text(self, value: Any, **layout: Any) -> str:
        dumped = json.dumps(
            value, ensure_ascii=self.rng.random() < 0.5 or _has_surrogate(value), **layout
        )
        return MARK.sub(lambda found: self.tokens[int(found[1])], dumped)

    def write(self, document: Doc) -> bytes:
        """Return the document as bakeio lays it out, one record a line, or in another layout."""
        rng, records = self.rng, document.get("records")
        if rng.random() < 0.7 and isinstance(records, list) and list(document)[-1] == "records":
            head = self.text({**document, "records": []}, indent=2).removesuffix("[]\n}")
            text = (
                head
                + "[\n"
                + ",\n".join(self.text(record, separators=(",", ":")) for record in records)
                + "\n  ]\n}\n"
            )
        else:
            text = self.text(document, indent=rng.choice([None, 1, 2, 4, "\t"]))
        return text.encode("utf-8", "surrogatepass")

    # -- parts of documents
    def record(self, document: Doc) -> Doc | None:
        records = (
            [record for record in document.get("records", ()) if isinstance(record, dict)]
            if isinstance(document.get("records"), list)
            else []
        )
        found: list[Doc] = [record.get("record_data", record) for record in records]
        found = [record for record in found if isinstance(record, dict) and record]
        return self.rng.choice(found) if found else None

    def spoil(self, document: Doc, ways: list[Spoil], times: int) -> None:
        for _ in range(times):
            way = self.rng.choice(ways)
            self.done.append(way.__name__)
            way(self, document)


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return any(_has_surrogate(name) or _has_surrogate(item) for name, item in value.items())
    return isinstance(value, list) and any(map(_has_surrogate, value))


def _renamed(record: Doc, old: str, new: str) -> None:
    items = [(new if name == old else name, value) for name, value in record.items()]
    record.clear()
    record.update(items)


# -- one record
def odd_value(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        record[maker.rng.choice(list(record))] = maker.odd()


def good_value(maker: Maker, document: Doc) -> None:
    """Put a value that may well be right into the place of another."""
    if record := maker.record(document):
        name = maker.rng.choice(list(record))
        value = record[name]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            record[name] = maker.rng.choice([1, 2.5, 6.99, 12, 0, "6.99", "5"])
        elif isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            record[name] = maker.rng.choice(["2024-02-29", "2025-11-30", "1999-01-01"])
        elif (
            name
            in ("notes", "brand", "product_name", "city", "location", "display_name", "category")
            or value is None
        ):
            record[name] = maker.rng.choice(GOOD_TEXTS)


def note(maker: Maker, document: Doc) -> None:
    """The edit people make most: it must be accepted."""
    if (record := maker.record(document)) and "notes" in record:
        record["notes"] = maker.rng.choice(
            [*GOOD_TEXTS, None, "\x1b[31mred", "'; DROP TABLE suppliers; --", "=1+1"]
        )


def respelt(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        texts = [name for name, value in record.items() if isinstance(value, str) and value]
        if texts:
            name = maker.rng.choice(texts)
            change = maker.rng.choice([str.upper, str.lower, str.title, str.strip,
                                       lambda t: t + " ", lambda t: t[1:], lambda t: t * 2,
                                       lambda t: t.replace("_", "-"), lambda t: t.replace("a", "á"),
                                       lambda t: t[::-1]])  # fmt: skip
            record[name] = change(record[name])


def value_of_another(maker: Maker, document: Doc) -> None:
    one, other = maker.record(document), maker.record(document)
    if one and other:
        name = maker.rng.choice(list(other))
        one[name] = copy.deepcopy(other[name])


def two_values_swapped(maker: Maker, document: Doc) -> None:
    one, other = maker.record(document), maker.record(document)
    if one and other and (common := [name for name in one if name in other]):
        name = maker.rng.choice(common)
        one[name], other[name] = other[name], one[name]


def field_dropped(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        for name in maker.rng.sample(
            list(record), min(len(record), maker.rng.choice([1, 1, 2, 5]))
        ):
            del record[name]


def field_renamed(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        name = maker.rng.choice(list(record))
        new = maker.rng.choice(
            [
                name[:-1],
                name + "s",
                name.upper(),
                name.replace("_", ""),
                maker.rng.choice(ODD_TEXTS),
                *record,
            ]
        )
        _renamed(record, name, new)


def field_added(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        name = maker.rng.choice(
            [
                "x",
                "_clear",
                "_rev",
                "id",
                "uuid",
                "slug",
                "notes",
                "records",
                "upc_cod",
                "supplier_name",
                *ODD_TEXTS,
            ]
        )
        record[name] = maker.rng.choice(
            [maker.odd(), ["notes"], ["upc_code", "brand"], [1], {"a": None}, name]
        )


def field_twice(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        name = maker.rng.choice(list(record))
        record[maker.mark(json.dumps(name))] = maker.rng.choice([record[name], maker.odd()])


def value_nested(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        name = maker.rng.choice(list(record))
        record[name] = maker.rng.choice(
            [[record[name]], {"value": record[name]}, {name: record[name]}]
        )


def identity_taken_off(maker: Maker, document: Doc) -> None:
    """Without its ids a record must be told by its keys, or is new."""
    if record := maker.record(document):
        for name in maker.rng.sample(
            ["id", "uuid", "_rev", "slug", "product_id", "purchase_id", "inventory_id"],
            maker.rng.choice([1, 2, 4, 7]),
        ):
            record.pop(name, None)


def reference_broken(maker: Maker, document: Doc) -> None:
    if record := maker.record(document):
        names = [
            name
            for name in record
            if name.endswith(("_id", "_slug", "_name", "_uuid")) and name != "product_name"
        ]
        if names:
            record[maker.rng.choice(names)] = maker.rng.choice(
                ["Nobody", 987654, "nobody_at_all", -1, 0, "", None]
            )


# -- all records
def record_dropped(maker: Maker, document: Doc) -> None:
    records = document.get("records")
    if isinstance(records, list) and records:
        at = maker.rng.randrange(len(records))
        del records[at : at + maker.rng.choice([1, 1, 3])]


def record_twice(maker: Maker, document: Doc) -> None:
    records = document.get("records")
    if isinstance(records, list) and records:
        again = copy.deepcopy(maker.rng.choice(records))
        records.insert(maker.rng.randrange(len(records) + 1), again)
        if isinstance(again, dict) and maker.rng.random() < 0.5:
            spoil_one(maker, {"records": [again]})


def records_swapped(maker: Maker, document: Doc) -> None:
    records = document.get("records")
    if isinstance(records, list):
        maker.rng.shuffle(records)


def records_merged(maker: Maker, document: Doc) -> None:
    one, other = maker.record(document), maker.record(document)
    if one and other:
        one.update(
            copy.deepcopy(
                {name: value for name, value in other.items() if maker.rng.random() < 0.5}
            )
        )


def record_of_another_file(maker: Maker, document: Doc) -> None:
    records = document.get("records")
    documents = [*maker.material.files.values(), *maker.material.views.values(), maker.material.log]
    other = [d for d in documents if d.get("records")]
    if isinstance(records, list):
        records.append(copy.deepcopy(maker.rng.choice(maker.rng.choice(other)["records"])))


def no_record(maker: Maker, document: Doc) -> None:
    records = document.get("records")
    if isinstance(records, list):
        records.insert(
            maker.rng.randrange(len(records) + 1),
            maker.rng.choice([None, [], {}, 1, "text", True, maker.odd()]),
        )


def many_records(maker: Maker, document: Doc) -> None:
    records = document.get("records")
    if isinstance(records, list) and 0 < len(records) < 100:
        records.extend(copy.deepcopy(records * 3))


def spoil_one(maker: Maker, document: Doc) -> None:
    maker.rng.choice(ONE)(maker, document)


# -- the header
def header_odd(maker: Maker, document: Doc) -> None:
    names = list(document)
    if names:
        document[maker.rng.choice(names)] = maker.rng.choice(
            [maker.odd(), maker.odd(), [], {}, None, 1]
        )


def header_field_dropped(maker: Maker, document: Doc) -> None:
    if document:
        del document[maker.rng.choice(list(document))]


def header_moved(maker: Maker, document: Doc) -> None:
    items = list(document.items())
    maker.rng.shuffle(items)
    document.clear()
    document.update(items)


def header_field_twice(maker: Maker, document: Doc) -> None:
    if document:
        name = maker.rng.choice(list(document))
        document[maker.mark(json.dumps(name))] = maker.rng.choice([document[name], maker.odd()])


def header_retold(maker: Maker, document: Doc) -> None:
    """Change what a header may say: counts, versions, whose data it is, of which kind."""
    name, values = maker.rng.choice([
        ("record_count", [0, 1, -1, 10**6, "3", None, 1.5]),
        ("file_version", ["1.9", "2.0", "0.9", "x", 1, None]), ("view_version", ["1.9", "2.0", ""]),
        ("manifest_version", ["1.1", "2.0", [], "1." + "9" * 50]),
        ("schema_version", ["1.9", "9.0"]), ("application", ["other", 1, None]),
        ("database_id", [None, "x", 1, "00000000-0000-0000-0000-000000000000"]),
        ("export_id", [None, "x", [], "\0", "\ud800"]),
        ("exported_at", [None, "yesterday", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", 5]),
        ("view_name", ["products", "nobody", 1, [], "purchases_complete"]),
        ("entity_type", ["suppliers", "nobody", 1, [], {}, None]), ("skipped_at", [1]),
    ])  # fmt: skip
    document[name] = maker.rng.choice(values)


# -- the manifest
def listed_odd(maker: Maker, document: Doc) -> None:
    if isinstance(document.get("files"), list) and document["files"]:
        item = maker.rng.choice(document["files"])
        if isinstance(item, dict) and item:
            item[maker.rng.choice(list(item))] = maker.rng.choice(
                [maker.odd(), None, [], 0, -1, 10**30, True]
            )


def listed_name(maker: Maker, document: Doc) -> None:
    if isinstance(document.get("files"), list) and document["files"]:
        item = maker.rng.choice(document["files"])
        if isinstance(item, dict):
            item["filename"] = maker.rng.choice(ODD_NAMES)


def listed_order(maker: Maker, document: Doc) -> None:
    files = document.get("files")
    if isinstance(files, list):
        maker.rng.shuffle(files)
        for item in files:
            if isinstance(item, dict) and maker.rng.random() < 0.3:
                item["import_order"] = maker.rng.randrange(-1, 9)


def listed_twice(maker: Maker, document: Doc) -> None:
    files = document.get("files")
    if isinstance(files, list) and files:
        files.append(copy.deepcopy(maker.rng.choice(files)))


def listed_dropped(maker: Maker, document: Doc) -> None:
    files = document.get("files")
    if isinstance(files, list) and files:
        del files[maker.rng.randrange(len(files))]


# -- bytes
def bytes_spoilt(maker: Maker, data: bytes) -> bytes:
    """Flip, insert, delete, repeat or cut bytes, or hand over another encoding."""
    rng, out = maker.rng, bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        at, size = rng.randrange(len(out) + 1), rng.choice([1, 1, 2, 8, 100])
        way = rng.randrange(8)
        if way == 0 and out:
            out[min(at, len(out) - 1)] ^= 1 << rng.randrange(8)
        elif way == 1:
            out[at:at] = rng.randbytes(size)
        elif way == 2:
            del out[at : at + size]
        elif way == 3:
            out[at:at] = out[at : at + size]
        elif way == 4:
            out[at:at] = rng.choice(
                [
                    b"\0",
                    b"\xef\xbb\xbf",
                    b"\xff",
                    b",",
                    b"}",
                    b"]",
                    b'"',
                    b"\n",
                    b"\r",
                    b"\\",
                    b"{",
                    b"[",
                    b"//",
                    b":",
                    b"\xed\xa0\x80",
                ]
            )
        elif way == 5 and rng.random() < 0.3:
            del out[at:]
        elif way == 6 and rng.random() < 0.2:
            return (
                bytes(out)
                .decode("utf-8", "replace")
                .encode(rng.choice(["utf-16", "utf-16-le", "utf-8-sig", "latin-1"]), "replace")
            )
        elif way == 7 and rng.random() < 0.2:
            return rng.choice(
                [
                    b"",
                    b" \n",
                    b"null",
                    b"[]",
                    b"{}",
                    b"[{}]",
                    b'{"records":[]}',
                    b"\xef\xbb\xbf",
                    b"PK\x03\x04",
                    bytes(out[::-1]),
                ]
            )
    return bytes(out)


def lines_relaid(maker: Maker, data: bytes) -> bytes:
    """Lay out in a way that means the same, or nearly: CRLF, BOM, comments, commas too many, a code
    block around it.
    """
    way = maker.rng.randrange(7)
    if way == 0:
        return data.replace(b"\n", b"\r\n")
    if way == 1:
        return b"\xef\xbb\xbf" + data
    if way == 2:
        return b"Here is your file:\n```json\n" + data + b"\n```\nAnything else?"
    if way == 3:
        return data.replace(b"},\n", b"}, // checked\n")
    if way == 4:
        return data.replace(b"}\n", b"},\n")
    return data.replace(b'":', b'" : ') if way == 5 else data.replace(b",\n", b",\n\n")


ONE: list[Spoil] = [
    odd_value, odd_value, good_value, note, respelt, value_of_another, two_values_swapped,
    field_dropped, field_renamed, field_added, field_twice,
    value_nested, identity_taken_off, reference_broken,
]  # fmt: skip
ALL: list[Spoil] = [
    record_dropped,
    record_twice,
    records_swapped,
    records_merged,
    record_of_another_file,
    no_record,
    many_records,
]
HEADER: list[Spoil] = [
    header_odd,
    header_field_dropped,
    header_moved,
    header_field_twice,
    header_retold,
]
MANIFEST: list[Spoil] = [
    listed_odd,
    listed_name,
    listed_order,
    listed_twice,
    listed_dropped,
    *HEADER,
]


def make(rng: Random, material: Material) -> Hostile:
    """Make one document."""
    kind = rng.choices(["set", "zip", "view", "entity", "skipped"], [30, 10, 35, 12, 13])[0]
    maker = Maker(rng, material)
    if kind in ("set", "zip"):
        files = _set(maker)
        made = Hostile(kind, {"set.zip": _zip(maker, files)} if kind == "zip" else files)
    else:
        if kind == "view":
            name = rng.choice(list(material.views))
            document = material.views[name]
        elif kind == "entity":
            name = rng.choice(material.entities)
            document = material.files[name]
        else:
            name, document = "import_skipped.json", material.log
        made = Hostile(kind, {name: _single(maker, document)})
    made.spoilt = maker.done
    return made


def _some(rng: Random, document: Doc) -> Doc:
    """Return a copy with some of the records, in their order."""
    document = copy.deepcopy(document)
    records = document["records"]
    kept = sorted(
        rng.sample(range(len(records)), rng.randint(min(1, len(records)), min(12, len(records))))
    )
    document["records"] = [records[place] for place in kept]
    if "record_count" in document:
        document["record_count"] = len(kept)
    return document


def _single(maker: Maker, document: Doc) -> bytes:
    rng, document = maker.rng, _some(maker.rng, document)
    maker.spoil(
        document, [*ONE, *ALL] if rng.random() < 0.8 else HEADER, rng.choice([0, 1, 1, 1, 2, 3, 6])
    )
    return _relaid(maker, maker.write(document))


def _relaid(maker: Maker, data: bytes) -> bytes:
    if maker.rng.random() < 0.1:
        maker.done.append("bytes_spoilt")
        return bytes_spoilt(maker, data)
    if maker.rng.random() < 0.1:
        maker.done.append("lines_relaid")
        return lines_relaid(maker, data)
    return data


def _set(maker: Maker) -> dict[str, bytes]:
    """Spoil some files of a set, then sign what came out, so that most sets are looked into; some
    are not signed.
    """
    rng = maker.rng
    documents = copy.deepcopy(maker.material.files)
    manifest = documents.pop("manifest.json")
    for name in rng.sample(list(documents), rng.choice([0, 1, 1, 1, 2, 3])):
        maker.spoil(
            documents[name],
            [*ONE, *ALL] if rng.random() < 0.85 else HEADER,
            rng.choice([1, 1, 2, 4]),
        )
    files = {}
    for name, document in documents.items():
        if (
            isinstance(document.get("records"), list)
            and "record_count" in document
            and rng.random() < 0.95
        ):
            document["record_count"] = len(document["records"])
        files[name] = (
            _relaid(maker, maker.write(document)) if rng.random() < 0.2 else maker.write(document)
        )
    if rng.random() < 0.93:
        for item in manifest["files"]:
            item["checksum_sha256"] = hashlib.sha256(files[item["filename"]]).hexdigest()
            count = documents[item["filename"]].get("records")
            item["record_count"] = len(count) if isinstance(count, list) else item["record_count"]
    if rng.random() < 0.15:
        maker.spoil(manifest, MANIFEST, rng.choice([1, 1, 2]))
    is_relaid = rng.random() < 0.15
    written = maker.text(manifest, indent=2).encode("utf-8", "surrogatepass")
    files["manifest.json"] = _relaid(maker, written) if is_relaid else written
    if rng.random() < 0.03:
        files.pop(rng.choice(list(files)))
    if rng.random() < 0.03:
        files[rng.choice(["notes.txt", "01_suppliers (copy).json", ".hidden", "\x1b[2J.json"])] = (
            b"{}"
        )
    return files


def _zip(maker: Maker, files: dict[str, bytes]) -> bytes:
    rng, out = maker.rng, io.BytesIO()
    strange = rng.random() < 0.2
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(
            out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
        ) as archive,
    ):
        warnings.simplefilter("ignore", UserWarning)  # names that stand twice are meant
        folder = rng.choice(["", "", "set/"])
        for name, data in files.items():
            info = zipfile.ZipInfo(folder + name.encode("utf-8", "replace").decode())
            info.compress_type = archive.compression
            if strange:
                _strange_member(maker, info)
            archive.writestr(info, data)
            if strange and rng.random() < 0.1:
                archive.writestr("zeros.json", bytes(2 << 20), zipfile.ZIP_DEFLATED)
    data = out.getvalue()
    if rng.random() < 0.1:
        maker.done.append("zip bytes_spoilt")
        data = bytes_spoilt(maker, data)
    return data


def _strange_member(maker: Maker, info: zipfile.ZipInfo) -> None:
    way = maker.rng.randrange(12)
    if way == 0:
        info.filename = (
            maker.rng.choice(ODD_NAMES).encode("utf-8", "replace").decode().replace("\0", "0")
            or "empty"
        )
    elif way == 1:
        info.external_attr = 0o120777 << 16
    elif way == 2:
        info.filename = "../" + info.filename
    elif way == 3:
        info.flag_bits |= 1
    elif way == 4:
        info.date_time = (1980, 1, 1, 0, 0, 0)
        info.comment = b"\x1b[31m"
    else:
        return
    maker.done.append(f"zip member {way}")
