"""Claims that cannot be mined at all."""


class ClaimsError(ValueError):
    """One line that names the file, the field and the mend."""
