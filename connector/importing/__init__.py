"""Manifests from what people have: a cURL command, an OpenAPI document. Nothing is sent, and no shell is run."""
