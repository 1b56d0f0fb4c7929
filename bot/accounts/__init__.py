"""
Our logins on networks: credentials, polling, the heard ledger and its coverage.
"""
