"""
Mastodon, and the servers that speak its API.
"""

from connectors.mastodon.connector import MastodonConnector, channel
from connectors.mastodon.options import MastodonOptions

__all__ = ["MastodonConnector", "MastodonOptions", "channel"]
