"""What is known of a file as soon as it is open, in words."""

from __future__ import annotations

from bakeio_desktop.importing.job import Opened
from bakeio_desktop.parts.messages import without_commands
from bakeio_desktop.wizard.interview import CHANGE

CALLED = {
    "view": "A view",
    "set": "A complete set",
    "entity": "The records of one entity",
    "skipped": "A log of records that were left out",
}


def facts_of(opened: Opened) -> str:
    """Return what a file is, of when and from where, and what is wrong with it as a whole."""
    source = opened.source
    views = [part.view.name for part in source.parts if part.view is not None]
    names = views or [part.entity.name for part in source.parts]
    count = f", {source.count:,} records" if source.count is not None else ""
    sentences = [f"{CALLED.get(source.kind, source.kind)}: {', '.join(names)}{count}."]
    if not names:
        sentences = ["A sheet whose headings are not known yet: its questions ask what they mean."]
    if source.exported_at:
        whose = {True: "from this database", False: "from another database", None: ""}
        when = source.exported_at[:16].replace("T", " ")
        sentences.append(f"Exported {when} (UTC) {whose[opened.is_own]}".rstrip() + ".")
    else:
        sentences.append("It does not say when it was exported, so conflicts cannot be detected.")
    if opened.kept:
        left = sum(question.kind == CHANGE for question in opened.kept)
        number = len(opened.kept) - left
        answers = "1 answer is" if number == 1 else f"{number:,} answers are"
        changes = "1 change is" if left == 1 else f"{left:,} changes are"
        sentences += [f"{answers} kept from before, and offered again."] if number else []
        sentences += [f"{changes} left out, as decided before."] if left else []
    if opened.not_kept:
        sentences.append(f"Answers kept from before cannot be read: {opened.not_kept}")
    problems = [
        f"{problem.severity}: {without_commands(str(problem))}"
        for problem in source.problems
        if problem.severity != "note"  # those stand among the lines below
    ]
    return "\n".join([" ".join(sentences), *problems[:3]])
