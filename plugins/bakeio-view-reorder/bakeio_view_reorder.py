"""The reorder view: what is in stock, and from whom to buy more."""

from sqlalchemy import func, select

from bakeio_core import View, editable, hookimpl, key, readonly


def stock(tables):
    """What is on the shelves of a product, in its package unit."""
    items, products = tables["inventory_items"], tables["products"]
    total = func.round(func.coalesce(func.sum(items.c.quantity), 0), 3, type_=items.c.quantity.type)
    return select(total).where(items.c.product_id == products.c.id).scalar_subquery()


def last_price(tables):
    """What the product cost when it was last bought."""
    purchases, products = tables["purchases"], tables["products"]
    latest = select(purchases.c.unit_price).where(purchases.c.product_id == products.c.id)
    return (
        latest.order_by(purchases.c.purchase_date.desc(), purchases.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def last_supplier(tables):
    """Where it was last bought."""
    purchases, products, suppliers = tables["purchases"], tables["products"], tables["suppliers"]
    latest = (
        select(suppliers.c.name)
        .join_from(purchases, suppliers)
        .where(purchases.c.product_id == products.c.id)
    )
    return (
        latest.order_by(purchases.c.purchase_date.desc(), purchases.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


@hookimpl
def bakeio_views():
    """Declare `view_reorder.json`."""
    return View(
        name="reorder",
        entity="products",
        purpose="Decide what to buy and from whom",
        hides="is_hidden",
        fields={
            "product_slug": key("slug"),  # finds the row; written when created, never on update
            "ingredient_slug": readonly(
                "ingredient_id.slug"
            ),  # context; supplies the link when the row is new
            "in_stock": readonly(
                stock
            ),  # computed: a function of the tables returning an expression
            "last_price": readonly(last_price),
            "last_supplier": readonly(last_supplier),
            "supplier_name": editable(
                "preferred_supplier_id.name"
            ),  # re-links the row to another supplier
            "notes": editable("notes"),
        },
    )
