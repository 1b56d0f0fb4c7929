"""
Webhooks: other programs are told what happened here, signed, at least once.
"""
