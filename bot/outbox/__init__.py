"""
The one way out: every reply, post and notice leaves through here, at most once.
"""
