"""Faults by name: what a server does on the wire, and what is right then.

`python -m faults` (in tests/) serves them all on loopback: a search for `gzip,bad=trunc 7` meets that fault.
"""
