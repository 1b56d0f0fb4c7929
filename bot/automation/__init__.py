"""
Rules: when this happens, if it is so, then do that.
"""
