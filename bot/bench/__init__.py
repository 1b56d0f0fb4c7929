"""
Measure, one file a benchmark, each with its yardstick in the same run.
"""
