"""Views as sheets: CSV files and XLSX workbooks."""
