"""New connectors: a folder that reads like documentation, passes lint, and runs against its mock at once."""

from connector.new.folder import files_of, write_new
from connector.new.wish import AUTH_KINDS, METHODS, Wish, checked_name, usual_action

__all__ = ["AUTH_KINDS", "METHODS", "Wish", "checked_name", "files_of", "usual_action", "write_new"]
