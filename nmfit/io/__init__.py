"""Files in and out: every reader returns numbers, names, where they came from, and what was repaired."""

from .bold import read_bold
from .connectome import read_connectome
from .fc import read_fc
from .labels import Labels, read_labels
from .maps import read_maps
from .matching import Match, align, match_regions
from .samples import sample
from .tables import Table, read_table
from .write import prepare_folder, write_bytes, write_json, write_matrix, write_npz, write_table, write_text

__all__ = ["Labels", "Match", "Table", "align", "match_regions", "prepare_folder", "read_bold",
           "read_connectome", "read_fc", "read_labels", "read_maps", "read_table", "sample", "write_bytes",
           "write_json", "write_matrix", "write_npz", "write_table", "write_text"]
