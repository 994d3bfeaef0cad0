"""Actions as tools of the Model Context Protocol: for assistants and editors, over stdio or HTTP.

`tools` says which tools there are, `calls` carries a call out, `server` speaks the protocol by the official SDK
(the package `mcp`, an extra), `stdio` and `listening` are its two ways in. Only `server` and what stands on it
import the SDK.
"""
