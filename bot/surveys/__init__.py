"""
One question after a conversation is resolved, by a signed link.
"""
