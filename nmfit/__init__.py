"""Fit models of brain dynamics to fMRI, EEG and MEG.

Every name below is imported when it is first used, so that ``import nmfit`` costs nothing.
"""

import importlib

# Name -> the room it lives in. A new public name is one line here.
_ROOMS = {
    "InputError": ".errors",
    "Connectome": ".network",
    "Network": ".network",
    "Stimulus": ".network",
    "MODELS": ".models",
    "FitzHughNagumo": ".models",
    "Hopf": ".models",
    "JansenRit": ".models",
    "Kuramoto": ".models",
    "QIF": ".models",
    "ReducedWongWang": ".models",
    "StuartLandau": ".models",
    "ThresholdLinear": ".models",
    "WilsonCowan": ".models",
    "WongWang": ".models",
    "advise": ".models",
    "recommend": ".models",
    "linearise": ".dynamics",
    "simulate": ".dynamics.simulate",
    "sweep": ".dynamics.sweep",
    "SimulationDiverged": ".dynamics.simulation",
    "Recording": ".compare.recording",
    "fc_target": ".compare.target",
    "scan_target": ".compare.scans",
    "spectrum_target": ".io",
    "loss": ".compare",
    "fit": ".fit",
    "Result": ".fit",
    "Rung": ".fit",
    "default_ladder": ".fit",
    "compare": ".fit",
    "recover": ".fit",
    "sample_posterior": ".fit",
    "load_result": ".fit",
    "fit_cohort": ".cohort",
    "contrast": ".cohort",
    "load_cohort": ".cohort",
    "read_connectome": ".io",
    "read_bold": ".io",
    "read_fc": ".io",
    "read_maps": ".io",
    "read_eeg": ".io",
    "read_leadfield": ".io",
    "read_psd": ".io",
    "read_quality": ".io",
    "align": ".io",
    "sample": ".io",
    "template": ".io",
}

__all__ = list(_ROOMS)


def __getattr__(name):
    if name == "__version__":
        from importlib.metadata import version

        return version("nmfit")
    if name not in _ROOMS:
        raise AttributeError(f"module 'nmfit' has no attribute '{name}'")
    room = importlib.import_module(_ROOMS[name], __name__)
    # A room that is its own verb (`fit`) is what the import system binds, so it is handed out from the start.
    found = room if room.__name__ == f"{__name__}.{name}" else getattr(room, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted([*globals(), *__all__])
