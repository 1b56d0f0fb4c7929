"""
Signed webhooks out: who is told what, attempts, their log.
"""
