"""How the views name a product: brand and name, as in the specification's example."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select


def product_title(entity: str) -> Any:
    """Return a computed source: brand and name of the product a row of the entity refers to, what is absent left out."""

    def title(tables: Mapping[str, Table]) -> Any:
        products, rows = tables["products"], tables[entity]
        words = func.trim(func.coalesce(products.c.brand, "") + " " + func.coalesce(products.c.product_name, ""))
        return select(func.nullif(words, "", type_=products.c.brand.type)).where(products.c.id == rows.c.product_id).scalar_subquery()

    return title
