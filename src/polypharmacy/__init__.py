"""Review, learn to review, and mine the medicines of older people."""

__version__ = "0.1.0"
