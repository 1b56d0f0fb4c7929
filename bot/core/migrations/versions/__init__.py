"""
Numbered migrations.
"""
