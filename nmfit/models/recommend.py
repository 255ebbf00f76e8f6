"""Which model to take for which question: the decision tree of the field, as data."""

import dataclasses

from ..errors import InputError


@dataclasses.dataclass(frozen=True)
class Advice:
    """A model for a purpose, and what speaks for and against it.

    Attributes
    ----------
    model : str
        Its name in `MODELS`.
    why, careful : str
        One sentence each.
    """

    model: str
    why: str
    careful: str


# Purpose -> advice for a phenomenological and for a physiological answer. The first is where to start.
TREE = {
    "fmri": (
        Advice("Hopf", "it gives FC of BOLD in closed form from two numbers a region, and BOLD's own slow rhythm is "
                       "its frequency", "its parameters are damping and noise, not synapses"),
        Advice("ReducedWongWang", "NMDA gating at 100 ms, one state a region, made into BOLD by its haemodynamics",
               "it has no inhibition; FC alone hardly tells it from Hopf, so compare at equal freedom"),
    ),
    "eeg": (
        Advice("Hopf", "one peak a region with a frequency and a width, in closed form",
               "a second peak, and what makes the rhythm, are beyond it"),
        Advice("JansenRit", "pyramidal cells and two kinds of interneurons make alpha, and its source is a potential "
                            "that a lead field can carry", "few of its parameters are identifiable from one spectrum"),
    ),
    "ei-balance": (
        Advice("WilsonCowan", "two populations, excitation and inhibition, in the fewest equations",
               "its rates have no unit, so statements are relative"),
        Advice("WongWang", "excitation and inhibition with synaptic time constants, and feedback inhibition that holds "
                           "firing at rest", "inhibition must be balanced again whenever the coupling changes"),
    ),
    "spiking": (
        Advice("FitzHughNagumo", "spikes and recovery in two variables", "its time is scaled, not measured"),
        Advice("QIF", "the exact mean field of quadratic integrate-and-fire neurons: rate and potential",
               "it holds for very many neurons with Lorentzian excitability"),
    ),
    "oscillations": (
        Advice("StuartLandau", "amplitude and frequency of a rhythm near its onset, and past it",
               "past the onset the closed form needs enough noise, or a simulation"),
        Advice("WilsonCowan", "a rhythm from excitation that drives its own inhibition",
               "many parameter sets make the same rhythm"),
    ),
    "excitability": (
        Advice("FitzHughNagumo", "a threshold, an excursion and a refractory time in two variables",
               "near the threshold no closed form holds: simulate"),
        Advice("QIF", "excitability is a parameter of it, eta", "two states of rest can coexist: look at both"),
    ),
    "synchronisation": (
        Advice("Kuramoto", "phases and nothing else: who pulls whom, and when they lock",
               "it has no amplitude, so neither power nor variance can be compared"),
        Advice("QIF", "synchrony of spiking neurons follows from the same two equations as their rate",
               "it costs a simulation where it oscillates"),
    ),
    "fast": (
        Advice("ThresholdLinear", "one linear state a region: nothing is cheaper",
               "it has no rhythm, so spectra are shoulders and FC is all it can tell"),
        Advice("ReducedWongWang", "one state a region that still means synaptic gating",
               "BOLD needs its haemodynamics, which are most of the cost"),
    ),
    "decision": (
        Advice("ThresholdLinear", "two units that inhibit each other choose, with a line through their middle",
               "the winner grows without limit unless something saturates"),
        Advice("ReducedWongWang", "two populations that compete by slow NMDA recurrence, as in decision experiments",
               "outside its range of two stable states it does not decide"),
    ),
    "fitting": (
        Advice("Hopf", "milliseconds a step and few parameters: the first rung of any ladder",
               "a good fit of it is a description until it beats its nulls"),
        Advice("ReducedWongWang", "the cheapest model whose parameters are physiological",
               "start it from a fitted Hopf network, not from chance"),
    ),
}
TREE["meg"] = TREE["eeg"]


def advise(purpose, physiological=False):
    """Return the model to start with for a purpose.

    Parameters
    ----------
    purpose : str
        One of ``TREE``: fmri, eeg, meg, ei-balance, spiking, oscillations, excitability, synchronisation, fast,
        decision, fitting.
    physiological : bool
        Parameters must mean synapses, cells or rates.

    Returns
    -------
    Advice

    Raises
    ------
    InputError
        For a purpose that is not listed.
    """
    if purpose not in TREE:
        raise InputError("purpose", f"found '{purpose}'", f"Choose one of {', '.join(TREE)}.")
    return TREE[purpose][bool(physiological)]


def recommend(target, physiological=False):
    """Return the model to start with for a target: what `nmfit.fit` takes where none is named.

    Parameters
    ----------
    target : FcTarget or SpectrumTarget
    physiological : bool

    Returns
    -------
    Advice
    """
    return advise("eeg" if hasattr(target, "freqs") else "fmri", physiological)
