"""Cassettes: recorded exchanges that examples are tested against, without a network. Needs the extra `test`."""
