"""Documentation from data: schemas for editors, the page of the manifest format, the pages of a connector."""
