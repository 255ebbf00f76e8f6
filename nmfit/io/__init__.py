"""Files in and out: every reader returns numbers, names, where they came from, and what was repaired."""

from .bold import read_bold
from .connectome import read_connectome
from .eeg import read_eeg
from .fc import read_fc
from .groups import read_groups
from .labels import Labels, read_labels
from .leadfield import read_leadfield
from .ledger import Ledger
from .maps import read_maps
from .matching import Match, align, match_regions
from .mne_spectrum import to_mne_spectrum
from .name_map import read_name_map
from .quality import Quality, read_quality
from .samples import sample
from .spectra import read_psd
from .spectral_target import spectrum_target
from .sphere import sphere_leadfield
from .tables import Table, read_table
from .template import template
from .write import prepare_folder, write_bytes, write_json, write_matrix, write_npz, write_table, write_text

__all__ = ["Labels", "Ledger", "Match", "Quality", "Table", "align", "match_regions", "prepare_folder", "read_bold",
           "read_connectome", "read_eeg", "read_fc", "read_groups", "read_labels", "read_leadfield", "read_maps",
           "read_name_map", "read_psd", "read_quality", "read_table", "sample", "spectrum_target", "sphere_leadfield",
           "template", "to_mne_spectrum", "write_bytes", "write_json", "write_matrix", "write_npz", "write_table",
           "write_text"]
