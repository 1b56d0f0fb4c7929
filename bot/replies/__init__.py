"""
Fewer answers to write: saved replies, macros, suggestions, alike groups.
"""
