"""What the sheets of shops, wholesalers and tills call what the views have."""

from __future__ import annotations

BARCODE = ["EAN", "GTIN", "EAN-Code", "Barcode", "Strichcode", "Code-barres", "UPC"]
PRODUCT = ["Item no", "SKU", "Artikelnummer", "Art.-Nr.", "Référence"]
NAME = ["Description", "Item", "Article", "Artikel", "Bezeichnung", "Désignation", "Product"]
BRAND = ["Brand", "Manufacturer", "Marke", "Hersteller", "Marque"]
SHOP = ["Shop", "Store", "Vendor", "Lieferant", "Händler", "Fournisseur", "Magasin"]
DAY = ["Date", "Order date", "Delivered", "Datum", "Bestelldatum", "Lieferdatum", "Date d'achat"]
PRICE = ["Price", "Unit price", "Price each", "Preis", "Einzelpreis", "Prix", "Prix unitaire"]
QUANTITY = ["Qty", "Quantity", "Count", "Menge", "Anzahl", "Stück", "Quantité", "Qté"]
UNIT = ["Unit", "UOM", "Einheit", "Unité"]
SIZE = ["Size", "Pack size", "Packung", "Inhalt", "Conditionnement"]
NOTES = ["Remarks", "Comment", "Bemerkung", "Remarque"]
PLACE = ["Shelf", "Place", "Storage", "Lagerort", "Regal", "Emplacement"]
