"""The kit for plugin authors: it finds what is broken, by the right check, and nothing else."""

from __future__ import annotations

import pytest
from support.kilns import BROKEN, Kilns

from bakeio_core import View, children, editable, hookimpl
from bakeio_core.testing import CHECKS, faults_of


def test_no_sound_plugin_is_called_broken() -> None:
    assert faults_of(Kilns()) == {}


def test_a_format_of_one_sheet_need_not_write_the_lists_that_others_declare() -> None:
    class WithLists(Kilns):
        @hookimpl
        def bakeio_views(self) -> View:
            numbers = children("firings.kiln_id", {"number": editable("number")})
            return View("a_kiln", "kilns", {**self.fields(), "fired": numbers}, self.purpose)

    assert faults_of(WithLists(), checks=["formats"]) == {}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_plugin_is_caught_by_the_check_that_should(broken: type[Kilns]) -> None:
    check = BROKEN[broken]
    faults = faults_of(broken(), checks=[check])
    assert list(faults) == [check]


def test_every_check_has_caught_something() -> None:
    assert {*BROKEN.values()} == {*CHECKS}
