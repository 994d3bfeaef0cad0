"""How much CPU and memory an action costs, beside the clients that people would use instead."""
