"""
The shell: layout, sessions' gate, forms, JSON operations, live stream, static files. It knows no feature.

Features bring their own pages and operations (`pages.py`, `api.py`); `bot.app` puts them together.
"""
