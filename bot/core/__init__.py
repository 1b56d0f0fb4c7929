"""
The ground all features stand on; knows no feature.
"""
