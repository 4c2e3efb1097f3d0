"""What is bundled and the packages of this repository, tried by the kit for plugin authors.

Whole, on both systems: python tests/conformance/whole.py
"""

from __future__ import annotations

import bakeio_recipes.densities
import bakeio_recipes.recipes
import bakeio_recipes.sample
import bakeio_recipes.view_recipe_costs
import bakeio_recipes.view_recipes
import pytest

from bakeio_core.testing import conformance

pytestmark = pytest.mark.usefixtures("postgresql")

test_bundled = conformance("bakeio", systems=["sqlite"])
test_bundled_on_a_server = conformance(
    "bakeio", systems=["postgresql"], checks=["restores", "unedited", "undo"]
)
test_recipes = conformance(
    bakeio_recipes.recipes,
    bakeio_recipes.densities,
    bakeio_recipes.view_recipes,
    bakeio_recipes.view_recipe_costs,
    bakeio_recipes.sample,
    systems=["sqlite"],
    checks=["declarations", "restores", "unedited", "undo", "statements", "sample"],
)
test_reorder = conformance(
    "bakeio-view-reorder", systems=["sqlite"], checks=["declarations", "unedited", "statements"]
)
test_sheets = conformance("bakeio-sheets", systems=["sqlite"], checks=["declarations", "formats"])
test_baketracker = conformance(
    "bakeio-baketracker", systems=["sqlite"], checks=["declarations", "documents"]
)
