"""
A micro-blog server of our own on loopback that speaks the Mastodon API, with a simulated crowd.

It has the real semantics, so that the ordinary Mastodon connector talks to it as to any server. It knows nothing
of that connector nor of the daemon.
"""
