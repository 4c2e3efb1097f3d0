"""What the floor knows of the tables of a bakery and of the view it exports and merges."""

from __future__ import annotations

ENTITIES = """
suppliers: id uuid slug name city state zip notes created_at updated_at
ingredients: id uuid slug display_name category notes created_at updated_at
products: id uuid slug ingredient_id brand product_name package_size package_unit \
  package_unit_quantity upc_code preferred_supplier_id is_hidden notes created_at updated_at
purchases: id uuid product_id supplier_id purchase_date unit_price quantity_purchased notes \
  created_at updated_at
inventory_items: id uuid product_id purchase_id quantity addition_date location notes \
  created_at updated_at
"""
OPTIONAL = (
    "city state zip notes brand product_name package_size upc_code preferred_supplier_id "
    "purchase_id addition_date location"
)
COLUMNS = {
    name: columns.split()
    for name, columns in (line.split(":") for line in ENTITIES.strip().splitlines())
}
NULLABLE = set(OPTIONAL.split())
# (entity, column) -> (parent, {field of the file: column of the parent}), the parent being named by
# these; the first one links
SUPPLIER, PRODUCT = (
    ("suppliers", {"supplier_slug": "slug", "supplier_name": "name"}),
    ("products", {"product_slug": "slug"}),
)
PARENTS = {
    ("products", "ingredient_id"): ("ingredients", {"ingredient_slug": "slug"}),
    ("products", "preferred_supplier_id"): SUPPLIER,
    ("purchases", "product_id"): PRODUCT,
    ("purchases", "supplier_id"): SUPPLIER,
    ("inventory_items", "product_id"): PRODUCT,
    ("inventory_items", "purchase_id"): ("purchases", {"purchase_uuid": "uuid"}),
}
KEYS = {"suppliers": "slug", "ingredients": "slug", "products": "slug", "purchases": "uuid"}
NUMBERS = {"package_size", "package_unit_quantity", "unit_price", "quantity_purchased", "quantity"}
INSTANTS = {"created_at", "updated_at"}
EDITABLE = [
    "brand",
    "product_name",
    "package_size",
    "package_unit",
    "package_unit_quantity",
    "upc_code",
    "notes",
]
VIEW = {
    "product_id": "p.id",
    "product_slug": "p.slug",
    "ingredient_name": "i.display_name",
    "ingredient_slug": "i.slug",
    "ingredient_category": "i.category",
    "preferred_supplier_name": "s.name",
    "last_purchase_price": "l.unit_price",
    "last_purchase_date": "l.purchase_date",
    "current_inventory_qty": (
        "(SELECT round(coalesce(sum(quantity), 0), 3) FROM inventory_items WHERE product_id = p.id)"
    ),
} | {name: f"p.{name}" for name in EDITABLE}
VIEW_FROM = (
    "products p JOIN ingredients i ON i.id = p.ingredient_id "
    "LEFT JOIN suppliers s ON s.id = p.preferred_supplier_id LEFT JOIN purchases l "
    "ON l.id = (SELECT id FROM purchases WHERE product_id = p.id "
    "ORDER BY purchase_date DESC, id DESC LIMIT 1)"
)
MADE = {"export_id": "550e8400-e29b-41d4-a716-446655440000", "exported_at": "2025-12-24T12:00:00Z"}
DATABASE_ID = "9f2c5c1e-6b0a-5d57-8a53-1f0a3d1c7e42"
OPEN, CLOSE, PAGE = b'  "records": [\n', b"\n  ]\n}\n", 2000
