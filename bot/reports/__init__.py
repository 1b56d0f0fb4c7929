"""
What the event log says: times, shares kept, arrivals, backlog; and what the next hours will bring.
"""
