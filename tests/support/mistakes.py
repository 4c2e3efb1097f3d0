"""Typical mistakes of those who write plugins: the code, and what the doctor must say of it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

HEAD = """
from bakeio_core import *
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
"""
TABLE = """
@hookimpl
def bakeio_entities(metadata):
    table = Table("{name}", metadata, *identity_columns(), Column("slug", String(9), unique=True),
                  {more})
    return Entity(table, keys=["slug"]{of})
"""
VIEW = """
@hookimpl
def bakeio_views():
    fields = {{"slug": key("slug"), {more}}}
    return View("{name}", "suppliers", fields, purpose="Look"{of})
"""


@dataclass
class Mistake:
    """A plugin with one mistake.

    Args:
        code: What its module holds after `HEAD`.
        said: What the doctor must say.
        marked: What the line has that it must point to; empty for none.
        write: What it must say to write; empty for nothing.
        entry_points: Others than the one plugin.
    """

    code: str
    said: str
    marked: str = ""
    write: str = ""
    entry_points: str = ""

    @property
    def module(self) -> str:
        return HEAD + dedent(self.code)


def _table(name: str, more: str = "", of: str = "") -> str:
    return TABLE.format(name=name, more=more, of=of)


def _view(name: str, more: str = "", of: str = "") -> str:
    return VIEW.format(name=name, more=more, of=of)


MISTAKES = {
    "typo_in_a_hook": Mistake(
        "@hookimpl\ndef bakeio_entitites(metadata):\n    return []\n",
        "bakeio_entitites is not a hook of bakeio",
        "def bakeio_entitites",
        "def bakeio_entities(metadata):",
    ),
    "no_mark": Mistake(
        "def bakeio_views():\n    return []\n",
        "bakeio_views is not marked with @hookimpl",
        "def bakeio_views",
        "@hookimpl",
    ),
    "no_return": Mistake(
        "@hookimpl\ndef bakeio_views():\n    View('a', 'suppliers', {'slug': key('slug')})\n",
        "bakeio_views returned nothing",
        "def bakeio_views",
        "return ...",
    ),
    "wrong_parameter": Mistake(
        "@hookimpl\ndef bakeio_entities(metdata):\n    return []\n",
        'bakeio_entities takes "metdata", which bakeio does not give',
        "metdata",
        "def bakeio_entities(metadata):",
    ),
    "wrong_kind": Mistake(
        "@hookimpl\ndef bakeio_entities(metadata):\n    return Table('a', metadata)\n",
        "bakeio_entities returned Table, not an Entity",
        "def bakeio_entities",
    ),
    "wrong_column_in_a_view": Mistake(
        _view("warm", '"city": editable("citi")'),
        "citi is not a column of suppliers",
        '"citi"',
        '"city": editable("city")',
    ),
    "wrong_column_in_keys": Mistake(
        _table("kettles").replace('keys=["slug"]', 'keys=["slugg"]'),
        'keys (slugg) names "slugg", which is not a column of its table',
        "slugg",
        'keys=["slug"]',
    ),
    "wrong_column_in_lookups": Mistake(
        _table(
            "pans",
            'Column("shop_id", Integer, ForeignKey("suppliers.id"))',
            ', lookups={"shop_id": {"shop_name": "nmae"}}',
        ),
        'lookups of shop_id name "nmae", which is not a column of suppliers',
        '"nmae"',
        '{"shop_name": "name"}',
    ),
    "lookups_of_no_foreign_key": Mistake(
        _table("pots", of=', lookups={"shop_id": {"shop_name": "name"}}'),
        'lookups names "shop_id", which is not',
        '"shop_id"',
    ),
    "wrong_column_in_label": Mistake(
        _table("lids", of=', label="sluk"'),
        'label names "sluk", which is not a column of its table',
        '"sluk"',
        'label="slug"',
    ),
    "unknown_target": Mistake(
        _table("hooks", 'Column("shop_id", Integer, ForeignKey("supliers.id"))'),
        "shop_id refers to supliers, which is not installed",
        "supliers.id",
        'ForeignKey("suppliers.id")',
    ),
    "unknown_column_of_a_target": Mistake(
        _table("racks", 'Column("shop_id", Integer, ForeignKey("suppliers.ids"))'),
        "shop_id refers to suppliers.ids, which is not a column of suppliers",
        "suppliers.ids",
        'ForeignKey("suppliers.id")',
    ),
    "foreign_key_of_another_type": Mistake(
        _table("sieves", 'Column("shop_id", String(9), ForeignKey("suppliers.id"))'),
        "shop_id is text, and suppliers.id, which it refers to, is a whole number",
        '"shop_id"',
    ),
    "table_twice": Mistake(
        _table("bowls").replace("return Entity(table, ", "return Entity(table), Entity(table, "),
        "bakeio_entities returned two items named bowls",
        "bakeio_entities",
    ),
    "no_primary_key": Mistake(
        "@hookimpl\ndef bakeio_entities(metadata):\n"
        '    return Entity(Table("mats", metadata, Column("slug", String)))\n',
        'entity "mats": its table has no primary key',
        '"mats"',
        "*identity_columns(),",
    ),
    "unknown_entity_of_a_view": Mistake(
        _view("shops").replace('"suppliers"', '"supliers"'),
        "its entity supliers is not installed",
        '"supliers"',
        'View("shops", "suppliers"',
    ),
    "editable_path_that_is_no_key": Mistake(
        "@hookimpl\ndef bakeio_views():\n"
        '    fields = {"slug": key("slug"),\n'
        '              "kind": editable("ingredient_id.category")}\n'
        '    return View("kinds", "products", fields)\n',
        "ingredient_id.category is editable, but category is not a key of ingredients",
        '"ingredient_id.category"',
        'readonly("ingredient_id.category")',
    ),
    "key_that_is_a_path": Mistake(
        "@hookimpl\ndef bakeio_views():\n"
        '    return View("ways", "products", {"a": key("slug"), "b": key("ingredient_id.slug")})\n',
        "ingredient_id.slug is not a column of products, and a key is one: declare it with ",
        "ingredient_id.slug",
        '"b": readonly("ingredient_id.slug")',
    ),
    "hidden_by_no_column": Mistake(
        _view("dark", of=', hides="citty"'),
        'hides names "citty", which is not a column of suppliers',
        '"citty"',
        'hides="city"',
    ),
    "name_of_a_view": Mistake(
        _view("Big View"),
        'view "Big View": a name must be lower-case letters, digits and _',
        "Big View",
    ),
    "field_without_a_role": Mistake(
        _view("roles", '"city": "city"'),
        'field "city": use key(), editable(), readonly() or children()',
        '"city"',
    ),
    "exception_in_entities": Mistake(
        "@hookimpl\ndef bakeio_entities(metadata):\n    return metadata.nothing\n",
        "AttributeError: 'MetaData' object has no attribute 'nothing'",
        "metadata.nothing",
    ),
    "exception_in_views": Mistake(
        "@hookimpl\ndef bakeio_views():\n    return [1][2]\n",
        "IndexError: list index out of range",
        "[1][2]",
    ),
    "exception_in_formats": Mistake(
        "@hookimpl\ndef bakeio_formats():\n    return Format()\n",
        "TypeError: ",
        "Format()",
    ),
    "exception_in_sample": Mistake(
        "@hookimpl\ndef bakeio_sample():\n    return 1 / 0\n",
        "ZeroDivisionError: division by zero",
        "1 / 0",
    ),
    "exception_in_upgrades": Mistake(
        "@hookimpl\ndef bakeio_document_upgrades():\n    return open('/no/such/file')\n",
        "FileNotFoundError: ",
        "/no/such/file",
    ),
    "answers_for_everything": Mistake(
        "@hookimpl\ndef bakeio_export_records(entity):\n"
        "    if entity.name == 'x':\n        yield []\n",
        "bakeio_export_records holds a yield, so it answers for every entity and view",
        "def bakeio_export_records",
    ),
    "does_not_parse": Mistake("def bakeio_views(:\n", "SyntaxError: ", "def bakeio_views(:"),
    "needs_what_is_not_there": Mistake(
        "import thermo\n", "ModuleNotFoundError: No module named 'thermo'", "import thermo"
    ),
    "wrong_group": Mistake(
        "",
        "is of the group bakeios, which bakeio does not read",
        write="[project.entry-points.bakeio]",
        entry_points="[bakeios]\nwrong_group = wrong_group\n",
    ),
    "no_click_command": Mistake(
        "def bake(session):\n    pass\n",
        "no_click_command:bake is not a click command",
        "def bake",
        "@click.command()",
        "[bakeio.commands]\nbake = no_click_command:bake\n",
    ),
    "wrong_column_in_a_list": Mistake(
        _view("c2", '"buys": children("purchases.supplier_id", {"price": editable("unit_prize")})'),
        "unit_prize is not a column of purchases",
        "unit_prize",
        '{"price": editable("unit_price")}',
    ),
    "list_over_no_foreign_key": Mistake(
        _view("c1", '"buys": children("purchases.suplier_id", {"price": editable("unit_price")})'),
        "purchases.suplier_id is not a foreign key that leads from another entity to suppliers",
        "purchases.suplier_id",
    ),
    "unknown_argument": Mistake(
        _view("hats", of=', hide="city"'),
        "got an unexpected keyword argument 'hide'",
        'hide="city"',
        'hides="city"',
    ),
    "unknown_name_of_bakeio": Mistake(
        "from bakeio_core import Vieww\n",
        "cannot import name 'Vieww'",
        "import Vieww",
        "from bakeio_core import View",
    ),
    "class_that_is_announced": Mistake(
        "class Plugin:\n    @hookimpl\n    def bakeio_views(self):\n        return []\n",
        "bakeio_views belongs to the class Plugin, and a class is announced, not an object",
        "def bakeio_views(self)",
        "plugin = Plugin()",
        "[bakeio]\nclass_that_is_announced = class_that_is_announced:Plugin\n",
    ),
    "async_hook": Mistake(
        "@hookimpl\nasync def bakeio_views():\n    return []\n",
        "bakeio_views is async, and bakeio awaits nothing",
        "async def bakeio_views",
        "def bakeio_views():",
    ),
    "function_that_raises": Mistake(
        "def stock(tables):\n    return tables['inventry'].c.quantity\n"
        + _view("f1", '"stock": readonly(stock)'),
        'view "f1", field "stock": KeyError: \'inventry\'',
        "tables['inventry']",
    ),
    "function_without_return": Mistake(
        "def stock(tables):\n    tables['purchases']\n" + _view("f2", '"stock": readonly(stock)'),
        'view "f2", field "stock": its function returns no SQL expression',
        "def stock",
        "return ...",
    ),
    "function_that_wants_more": Mistake(
        "def stock(db, tables):\n    return 1\n" + _view("f3", '"stock": readonly(stock)'),
        'view "f3", field "stock": its function takes one argument and no other',
        "def stock",
    ),
    "values_that_are_no_function": Mistake(
        _view("f4", '"stock": computed(print, 2, Integer)'),
        "computed: values is 2, and must be a function",
        "computed(print, 2",
    ),
    "keys_that_are_a_text": Mistake(
        _table("jugs").replace('keys=["slug"]', 'keys="slug"'),
        "keys is a text, not a list of keys",
        'keys="slug"',
        'keys=["slug"]',
    ),
    "lookups_that_are_a_text": Mistake(
        _table(
            "mugs",
            'Column("shop_id", Integer, ForeignKey("suppliers.id"))',
            ', lookups={"shop_id": "name"}',
        ),
        "lookups of shop_id must be {field of the file: column of the target}",
        '"shop_id": "name"',
        '{"shop_id": {"shop_name": "name"}}',
    ),
    "lookup_that_is_nullable": Mistake(
        _table(
            "cups",
            'Column("shop_id", Integer, ForeignKey("suppliers.id"))',
            ', lookups={"shop_id": {"shop_city": "city"}}',
        ),
        'lookups of shop_id name "city", which may be empty',
        '"city"',
        '{"shop_city": "slug"}',
    ),
    "sample_that_is_a_list": Mistake(
        "@hookimpl\ndef bakeio_sample():\n    return [{'id': 1}]\n",
        "bakeio_sample must return {entity: list of records}",
        "def bakeio_sample",
    ),
    "format_that_is_taken": Mistake(
        "@hookimpl\ndef bakeio_formats():\n"
        "    return Format(name='j2', suffix='.json', write=print, read=print)\n",
        'the format "j2": bakeio itself has ".json": choose another one',
        "name='j2'",
    ),
    "template_that_is_a_view": Mistake(
        "@hookimpl\ndef bakeio_templates():\n"
        "    return View('t', 'suppliers', {'slug': key('slug')})\n",
        "bakeio_templates returned View, not a Template",
        "def bakeio_templates",
    ),
    "check_that_is_a_number": Mistake(
        _table("bowls", "", ', checks={"slug": 5}'),
        "checks['slug'] is an int, not a function",
        'checks={"slug": 5}',
    ),
    "choices_that_are_a_text": Mistake(
        _table("trays", "", ', choices={"slug": "big, small"}'),
        "choices['slug'] is a str, not a list",
        'choices={"slug"',
    ),
    "words_that_are_no_groups": Mistake(
        _table("racks2", "", ', synonyms=["flour", "meal"]'),
        "'flour' in synonyms is a str, not a list",
        'synonyms=["flour"',
    ),
    "label_that_is_a_number": Mistake(
        _table("lids", "", ", label=5"),
        "label is an int, not a text or a list of columns",
        "label=5",
    ),
    "suspects_that_are_a_mapping": Mistake(
        _table("pots", "", ', suspects={"times": 5}'),
        "suspects is a dict, not a Suspects",
        'suspects={"times"',
    ),
    "table_of_bakeio": Mistake(
        _table("bakeio_runs"),
        "names of tables that begin with bakeio_ are bakeio's own",
        'Table("bakeio_runs"',
    ),
    "fields_that_are_a_list": Mistake(
        "@hookimpl\ndef bakeio_views():\n    return View('f5', 'suppliers', ['slug'])\n",
        "fields is a list, not a mapping",
        "View('f5'",
    ),
    "field_that_is_a_number": Mistake(
        _view("f6", '5: editable("city")'), "the name 5 in fields is an int", 'View("f6"'
    ),
    "version_that_is_a_number": Mistake(
        _view("f7", "", ", version=2"), "version is an int, not a text", "version=2"
    ),
    "two_fields_of_one_column": Mistake(
        _view("f8", '"town": editable("city"), "place": editable("city")'),
        'fields "town" and "place" both write city',
        '"town": editable',
    ),
    "source_that_is_a_list": Mistake(
        _view("f9", '"city": readonly(["city"])'),
        'field "city": its source is a list, not a column, a path or a function',
        'View("f9"',
    ),
    "values_of_no_type": Mistake(
        _view("g1", '"stock": computed(print, print, float)'),
        "type_ is float, not a type of SQLAlchemy",
        "computed(print",
    ),
    "template_of_no_view": Mistake(
        "@hookimpl\ndef bakeio_templates():\n    return Template('t', ['slug'], {'lines': []})\n",
        "Template: view is a str, not a View",
        "Template('t'",
    ),
    "format_without_functions": Mistake(
        "@hookimpl\ndef bakeio_formats():\n    return Format('odd', '.odd', 'write', 'read')\n",
        'format "odd": write is a str, not a function',
        "Format('odd'",
    ),
    "hook_that_ends_the_program": Mistake(
        "@hookimpl\ndef bakeio_views():\n    raise SystemExit(2)\n",
        "bakeio_views ends the program (SystemExit)",
        "def bakeio_views",
    ),
    "entry_point_of_no_object": Mistake(
        "",
        "entry_point_of_no_object has no plugin, which the entry point",
        entry_points="[bakeio]\nentry_point_of_no_object = entry_point_of_no_object:plugin\n",
    ),
    "entry_point_of_no_module": Mistake(
        "",
        "there is no module no_modul, which the entry point",
        entry_points="[bakeio]\nentry_point_of_no_module = no_modul\n",
    ),
}
