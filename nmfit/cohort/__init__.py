"""Many fits: people side by side. Empty until the first verb of this room lands."""
