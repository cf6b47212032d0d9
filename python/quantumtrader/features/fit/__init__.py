"""What the engine loads but does not fit: micro-price tables, PIN series, VPIN bucket sizes, and their files.

>>> from quantumtrader.features.fit import vpin
>>> vpin.bucket_size([1_000, 1_500])
25
"""
