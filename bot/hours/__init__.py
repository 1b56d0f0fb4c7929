"""
When we are open: spans of the week, time zones, holidays, extra days, and arithmetic over them.
"""
