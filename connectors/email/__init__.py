"""
Generic e-mail inbox: IMAP in, SMTP submission out.

`connector.channel` is what `bot.app` registers. DKIM, SPF and DMARC are the mail provider's job, not ours.
"""
