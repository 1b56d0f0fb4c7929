"""
The people out there and their handles.
"""
