"""
People who work here: sign-in, roles, API tokens, the audit trail.
"""
