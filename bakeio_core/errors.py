"""What can go wrong, as data: problems with records and files.

Exceptions are for being unable to go on.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypedDict

import msgspec

CODES = frozenset(
    [
        "bad-json",
        "bad-document",
        "truncated",
        "unknown-headings",
        "unknown-view",
        "unknown-entity",
        "version-too-new",
        "bad-manifest",
        "checksum-mismatch",
        "count-mismatch",
        "bad-order",
        "missing-file",
        "unexpected-file",
        "unsafe-path",
        "symlink",
        "too-large",
        "missing-field",
        "unknown-field",
        "bad-value",
        "check",
        "missing-reference",
        "no-journal",
        "unverified",
        "ambiguous-key",
        "duplicate-key",
        "unknown-row",
        "identity-mismatch",
        "tampered-context",
        "conflict",
        "constraint",
        "changed-meanwhile",
        "blocked",
        "locked",
        "io-error",
        "plugin-error",
    ]
)
FIRST_RECORDS = 20
"""How many record numbers a problem holds."""
MOST_SHOWN_OF_A_KEY = 60
"""How many characters a message shows of each value that names a record."""
MOST_ALLOWED = 20
"""How many values a problem holds that can be taken."""
MOST_PROBLEMS = 10_000
"""How many different problems a run holds."""


class BakeioError(Exception):
    """Catch every exception that bakeio raises on purpose.

    `str()` of it says what is wrong, where, and what to do next.

    `code` is one of `CODES`, or None if the call itself is wrong.
    """

    code: str | None = None

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class UsageError(BakeioError):
    """Correct the call: an argument, option or combination of them makes no sense."""


class PluginError(BakeioError):
    """Repair, block or uninstall a plugin: a declaration is wrong, or it failed while needed."""

    code = "plugin-error"


class DocumentError(BakeioError):
    """Correct the file, which cannot be read at all (`code` and text say why)."""

    code = "bad-document"


class DatabaseError(BakeioError):
    """Check the database: it is missing, locked, of another version, or refused a statement.

    `retryable` says that another transaction came between: roll back and do the same work again; it
    may succeed.
    """

    code = "io-error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, retryable: bool = False) -> None:
        super().__init__(message, code=code)
        if retryable:
            self.retryable = retryable


class ExportRefused(BakeioError):
    """Correct the database: it has values that no file can hold. Nothing was written.

    `problems` names each value by table, row and column.
    """

    def __init__(
        self, message: str, *, code: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.problems = list(problems)


class Advice(str):
    """A message that has what it says to write as data too.

    Args:
        text: The message.
        write: The values that may be meant, best first; one alone is surely meant.
        allowed: Values of which only one can be right.
        field: The field they are to be written to, where it is another one than the problem's.
    """

    write: tuple[Any, ...]
    allowed: tuple[Any, ...]
    field: str | None

    def __new__(
        cls, text: str, *write: Any, allowed: Sequence[Any] = (), field: str | None = None
    ) -> Advice:
        made = super().__new__(cls, text)
        made.write, made.allowed, made.field = write, tuple(allowed), field
        return made

    def within(self, before: str, after: str = "") -> Advice:
        """Return the same advice within more words."""
        text = f"{before}{self}{after}"
        return Advice(text, *self.write, allowed=self.allowed, field=self.field)


def advised(field: str | None, message: str) -> dict[str, Any]:
    """Return `fix` and `allowed` of a problem with a field, as a message advises."""
    if not isinstance(message, Advice):
        return {}
    allowed = list(message.allowed[:MOST_ALLOWED]) or list(message.write)
    told = {"allowed": allowed} if message.field is None else {}
    if field is None or len(message.write) != 1:
        return told
    other = {} if message.field in (None, field) else {"instead_of": field}
    return {**told, "fix": {"field": message.field or field, "value": message.write[0], **other}}


class Fix(TypedDict, total=False):
    """The correction of a record, as data; it is empty if no correction is certain.

    Attributes:
        field: The field of the file that is to be changed.
        value: The value to write.
        instead_of: Another field of the record, which must then be removed.
    """

    field: str
    value: Any
    instead_of: str


class _CandidateFields(TypedDict):
    target: dict[str, Any]
    label: str
    score: float
    reasons: list[str]
    automatic: bool
    warning: str


class MeantRow(_CandidateFields, total=False):
    """A row that may be meant: a `Candidate` as JSON shows it.

    Attributes:
        target: Its natural key, {column: value}, as a decision names it.
        label, score, reasons, automatic, warning: The same as in `Candidate`.
        write: {field: value} that means it in the file; a `Problem` has it.
    """

    write: dict[str, Any]


class Problem(msgspec.Struct, kw_only=True):
    """One thing that is wrong with the data, with its place and what to do.

    The same object serves `--json` and the terminal.

    Attributes:
        code: One of `CODES`.
        severity: error, warning or note.
        record: The number of the record in `file`, from 1.
        place: The place of the record as the file shows it, if a number is not enough:
            `Sheet1!B17`, `row 2 of record 3`.
        records: The first 20 numbers, if several records have the same problem.
        places: The places of these records, if they have places.
        count: How many records have it.
        key: What names the record, {field of the file: value}; may be empty.
        label: What people call the record; may be empty.
        allowed: Values that are allowed instead of `value`, or the nearest ones, best first.
        fix: The correction, if it is certain.
        candidates: The rows that a reference may mean, the most likely first.
    """

    code: str
    severity: str = "error"
    message: str = ""
    file: str | None = None
    record: int | None = None
    place: str = ""
    records: list[int] = []
    count: int = 1
    key: dict[str, Any] = {}
    label: str = ""
    entity: str | None = None
    field: str | None = None
    value: Any = None
    allowed: list[Any] = []
    fix: Fix = {}
    candidates: list[MeantRow] = []
    places: list[str] = []

    def __str__(self) -> str:
        where = [str(self.file)] if self.file else []
        if self.count > 1 and self.records:
            more = f" and {self.count - 5} more" if self.count > 5 else ""
            said = self.places or list(map(str, self.records))
            where.append(f"{'' if self.places else 'records '}{', '.join(said[:5])}{more}")
        elif self.record is not None:
            where.append(f"{self.place or f'record {self.record}'}{self._called()}")
        if self.field:
            where.append(self.field)
        return f"{', '.join(where)}: {self.message}" if where else self.message

    def _called(self) -> str:
        """Return what the record is called, ` (deck "x")`, but for what is said anyway."""
        parts = []
        for name, value in self.key.items():
            text = json.dumps(value, ensure_ascii=False)
            is_long = len(text) > MOST_SHOWN_OF_A_KEY
            part = f"{name} {text[: MOST_SHOWN_OF_A_KEY - 1] + '…' if is_long else text}"
            if name != self.field and part not in self.message:
                parts.append(part)
        return f" ({', '.join(parts)})" if parts else ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s in the plural."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


Where = tuple["str | None", int, str]
"""Where a record stands: the file, its number in it, and the place in other words or nothing."""


class Problems:
    """Collect the problems of a run in limited memory. Equal problems become one with a count.

    After 10,000 different problems only the totals are counted (`errors`, `warnings`, `dropped`).
    `listener` is called with each problem. `where` returns the place of a record by its number: the
    file, the number in it, and the place as the file shows it, empty if the number is enough.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Problem] = {}
        self.errors = self.warnings = self.dropped = 0
        self.listener: Callable[[Problem], None] | None = None
        self.where: Callable[[Problem, int], Where] | None = None

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def add(self, problem: Problem, cause: str = "") -> None:
        """Tell `listener`, then add one occurrence.

        A problem with the code, file, field, value and message of an earlier one only raises its
        count. If `cause` is given, only code, file, field and cause are compared.
        """
        if self.listener:
            self.listener(problem)
        numbers, places = self._placed(problem)
        said = (cause,) if cause else (repr(problem.value), problem.message)
        same = (
            problem.code,
            problem.severity,
            problem.file,
            problem.entity,
            problem.field,
            *said,
        )
        known = self._known.get(same)
        if known is not None and not numbers:
            return  # a fault of the whole file, said again
        if problem.severity == "error":
            self.errors += problem.count
        elif problem.severity == "warning":
            self.warnings += problem.count
        if known is not None:
            known.count += problem.count
            if known.fix != problem.fix:  # each record has its own
                known.fix, known.allowed = {}, []
            known.records = [*known.records, *numbers][:FIRST_RECORDS]
            known.places = [*known.places, *places][:FIRST_RECORDS]
        elif len(self._known) >= MOST_PROBLEMS:
            self.dropped += 1
        else:
            problem.records, problem.places = numbers, places
            self._known[same] = problem

    def _placed(self, problem: Problem) -> tuple[list[int], list[str]]:
        """Say where a problem's records stand, and return their numbers and places.

        Where they stand in several files it is those in the file of the first one.
        """
        numbers = problem.records or ([problem.record] if problem.record is not None else [])
        if self.where is None or not numbers:
            return numbers, []
        found = [self.where(problem, number) for number in numbers]
        problem.file = found[0][0]
        here = [(number, place) for file, number, place in found if file == problem.file]
        numbers, places = [number for number, _ in here], [place for _, place in here]
        places = places if any(places) else []
        if problem.record is not None:
            problem.record = numbers[0]
            problem.place = places[0] if places else problem.place
        return numbers, places


def meant(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` about a name that is none of those known, empty without X."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def unknown(
    said: str, name: str, known: Iterable[str], hint: str = "", which: str = "installed"
) -> str:
    """Return what is said of a name that means nothing, with the one it may be and all there are.

    Args:
        said: What is wrong, such as `there is no entity "oven"`.
        name: The name.
        known: The names that mean something.
        hint: What would bring the name; then none of the known ones is meant.
        which: What the known ones are.
    """
    names = list(known)
    begun = [one for one in names if name and one.startswith(name)]
    near = [] if hint else difflib.get_close_matches(str(name), names, 1) or begun
    listed = ", ".join(names) or "none"
    if near:
        return f"{said}: did you mean {near[0]}? {which.capitalize()} are {listed}"
    return f"{said}; {which} are {listed}{hint}"


def place_of(function: Any) -> str:
    """Return where a plugin's function begins, ` (ovens.py:12)`; empty where that is not known."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f" ({_file_name(code.co_filename)}:{code.co_firstlineno})" if code else ""


def _file_name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def describe(error: BaseException) -> str:
    """Return one line saying what a plugin raised, and where in it, not in what it called."""
    if isinstance(error, PluginError):
        return str(error)
    trace, place = error.__traceback__, ""
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith("sqlalchemy."):
            place = f" ({_file_name(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
