"""
Conversations, the triage queue, first-response clocks, claiming and answering.
"""
