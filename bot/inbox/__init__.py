"""
Conversations, the triage queue, first-response clocks, claiming and answering.

Importing it makes everything that is said findable, whoever writes it (bot.inbox.indexing).
"""

from bot.inbox.indexing import listen

listen()
