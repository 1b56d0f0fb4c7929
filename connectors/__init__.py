"""
Channels that Hubbub can hear and answer on: one folder a channel.

Nothing in here knows of `bot` or `responses`, and no connector imports another.
"""
