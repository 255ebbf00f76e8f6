"""The one error type for what a user can mend."""


class InputError(ValueError):
    """Something the user handed over cannot be used; says what, where, what was found and what to do.

    Parameters
    ----------
    where : str
        The file or argument, with its place (row, column, region) where that is known.
    found : str
        What was found there.
    remedy : str
        What to do about it, in the imperative.
    expected : str, optional
        What was expected instead.
    """

    def __init__(self, where, found, remedy, expected=None):
        self.where, self.found, self.remedy, self.expected = where, found, remedy, expected
        wanted = f", expected {expected}" if expected else ""
        super().__init__(f"{where}: {found}{wanted}. {remedy}")
