"""The options that say what is to be fitted, and what they read."""

from ..errors import InputError
from .network import add_observed, observed_regions
from .options import MATRICES, whole


def add_data(parser, required=True):
    """Add connectome, data and how to read them; data are not `required` where files speak for themselves."""
    data = parser.add_argument_group(f"data ({MATRICES})")
    data.add_argument("--sc", nargs="+", metavar="F",
                      help="structural connectivity: one matrix, a pattern, or one for each person")
    data.add_argument("--lengths", nargs="+", metavar="F", help="tract lengths in mm")
    data.add_argument("--labels", metavar="F", help="region names, in the order of the matrix; may hold centroids")
    add_observed(data)
    what = data.add_mutually_exclusive_group(required=required)
    what.add_argument("--bold", nargs="+", metavar="F", help="BOLD, one row per volume, one file per recording")
    what.add_argument("--fc", metavar="F", help="a matrix of Pearson correlations instead of BOLD")
    what.add_argument("--eeg", metavar="F", help="an EEG recording that mne opens: its spectra are fitted")
    what.add_argument("--psd", metavar="F", help="spectra of regions (source space): freq_hz, then a column per region")
    eeg = parser.add_argument_group("EEG, and spectra of regions")
    eeg.add_argument("--template", metavar="NAME", help="a connectome that ships, in place of --sc: aal2-80")
    eeg.add_argument("--leadfield", metavar="F", help="forward solution or table; a template sphere unless given")
    eeg.add_argument("--centroids", metavar="F", help="table of regions with x, y, z in MNI mm, for the sphere")
    eeg.add_argument("--montage", metavar="NAME", help="template or file of electrode positions")
    eeg.add_argument("--kind", choices=("eeg", "mag", "grad"), default="eeg",
                     help="sensors of --eeg to use: magnetometers or gradiometers of an MEG file (default: eeg)")
    eeg.add_argument("--dof", type=float, metavar="N", help="degrees of freedom of --psd, 2 per independent window")
    eeg.add_argument("--fmin", type=float, default=1.0, metavar="HZ", help="default: 1")
    eeg.add_argument("--fmax", type=float, default=40.0, metavar="HZ", help="default: 40")
    eeg.add_argument("--seconds", type=float, metavar="S", help="length of the windows of which spectra of --eeg are "
                     "the mean (default: 4)")
    held = data.add_mutually_exclusive_group()
    held.add_argument("--heldout-bold", nargs="+", metavar="F", help="BOLD that only scores")
    held.add_argument("--heldout-fc", metavar="F", help="FC that only scores")
    held.add_argument("--heldout-eeg", metavar="F", help="another recording of the same channels, that only scores")
    data.add_argument("--tr", type=float, metavar="S", help="repetition time in seconds (default: the .json beside)")
    data.add_argument("--envelope", choices=("orthogonal", "amplitude"), help="FC is that of amplitude envelopes of "
                      "regions' currents in --band; --tr is one over their sampling rate")
    data.add_argument("--n-volumes", type=whole, metavar="N", help="volumes behind an FC matrix")
    data.add_argument("--maps", metavar="F", help="table with a column 'region' and one column per map")
    data.add_argument("--gsr", action="store_true", default=None,
                      help="the global signal was regressed out of the data (default: the .json beside)")
    data.add_argument("--nuisance", metavar="F", help="table with a column 'region' and one column of weights for each "
                      "signal, a weighted sum of regions, that was regressed out of the data")
    data.add_argument("--filtered", nargs=2, type=float, metavar=("LO", "HI"),
                      help="Hz: what a filter left of the data before (default: the .json beside)")
    data.add_argument("--atlas", metavar="F", help="label image (.nii.gz, .dlabel.nii), for BOLD without parcels")
    data.add_argument("--map-names", metavar="F", help="table of two columns that joins two schemes of region names")
    data.add_argument("--trust-order", action="store_true",
                      help="vouch that regions without names stand in one order everywhere")
    data.add_argument("--drop-bad", action="store_true",
                      help="drop regions that are missing or constant somewhere, everywhere")


def inputs_of_fc(args, windows=None):
    """Return target, connectome, names of maps and maps; ``windows`` of BOLD's dynamics for a fit by simulation."""
    if args.template is not None or args.sc is None:
        raise InputError("--template" if args.template is not None else "--sc", "a fit of FC without its connectome",
                         "Give --sc F; a template goes with --eeg only.")
    from ..io.inputs import read_inputs

    return read_inputs(
        sc=args.sc, lengths=args.lengths, labels=args.labels, bold=args.bold, fc=args.fc,
        heldout_bold=args.heldout_bold, heldout_fc=args.heldout_fc, tr=args.tr, n_volumes=args.n_volumes,
        maps=args.maps, band=args.band, drop_bad=args.drop_bad, gsr=args.gsr, nuisance=args.nuisance,
        filtered=args.filtered, atlas=args.atlas, envelope=args.envelope,
        trust_order=args.trust_order, map_names=args.map_names, windows=windows,
        observed=observed_regions(args))


def inputs_of_eeg(args, cross=False):
    """Return target, connectome and lead field."""
    from ..io.inputs_eeg import read_eeg_inputs

    return read_eeg_inputs(
        sc=args.sc, template=args.template, eeg=args.eeg, heldout_eeg=args.heldout_eeg, lengths=args.lengths,
        labels=args.labels, leadfield=args.leadfield, centroids=args.centroids, montage=args.montage, fmin=args.fmin,
        fmax=args.fmax, kind=args.kind, trust_order=args.trust_order, map_names=args.map_names, cross=cross,
        seconds=4.0 if args.seconds is None else args.seconds)


def inputs_of_psd(args):
    """Return target, connectome and maps."""
    from ..io.inputs_eeg import read_psd_inputs

    return read_psd_inputs(
        psd=args.psd, sc=args.sc, template=args.template, lengths=args.lengths, labels=args.labels, maps=args.maps,
        dof=args.dof, fmin=args.fmin, fmax=args.fmax, trust_order=args.trust_order, map_names=args.map_names)
