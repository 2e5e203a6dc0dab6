"""Input that cannot be reviewed at all."""


class InputError(ValueError):
    """One line that names the file, the field and the mend."""
