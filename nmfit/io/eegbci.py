"""A real recording from the net, through MNE's own downloader."""

import mne

from ..errors import InputError

SUBJECT, EYES_CLOSED = 1, 2


def eyes_closed():
    """Fetch a minute of a person at rest with eyes closed, into MNE's data folder; return the path.

    References
    ----------
    Schalk et al. 2004, IEEE Trans Biomed Eng 51:1034; Goldberger et al. 2000, Circulation 101:e215.

    Raises
    ------
    InputError
        Where it cannot be fetched.
    """
    try:
        (path,) = mne.datasets.eegbci.load_data(SUBJECT, [EYES_CLOSED], update_path=False, verbose="ERROR")
    except (OSError, RuntimeError, ValueError) as problem:      # no network, a full disk, another file than expected
        raise InputError("--real", f"the recording could not be fetched ({type(problem).__name__})",
                         "Connect to a network, or leave --real out: a recording ships.") from None
    return path
