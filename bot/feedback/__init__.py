"""
What customers praise, ask for and report broken: topics, their trend, the quotes behind them.
"""
