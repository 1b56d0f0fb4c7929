"""
The Hubbub daemon: hears what the crowd says to a brand and gets every question answered.
"""
