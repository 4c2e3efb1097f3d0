"""How the views name a product: brand and name, as in the specification's example."""

from typing import Any

from sqlalchemy import func


def title(product: Any) -> Any:
    """Return brand and name of a product's row, what is absent left out."""
    words = func.trim(
        func.coalesce(product.brand, "") + " " + func.coalesce(product.product_name, "")
    )
    return func.nullif(words, "", type_=product.brand.type)
