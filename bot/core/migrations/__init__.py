"""
Alembic's folder: numbered migrations, additive first, removal a release later.
"""
