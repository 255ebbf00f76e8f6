"""What flags, baselines, nulls and scores are called, for terminal and page alike."""

from ..models.pitfalls import PITFALLS

FLAGS = {
    "selected_on_heldout": "the data did not suffice to choose and to score apart: the score is optimistic",
    "not_validated": "nothing was held out, so nothing could be validated: the score tells how well the "
                     "model fits, not how well it predicts",
    "interpolated": "what chose or scored lies between what was fitted (masked region pairs, or every other "
                    "frequency): that is interpolation",
    "map_from_target": "a map predicts the target by itself (r > 0.3): it may have been made from such data",
    "noise_scale_unidentified": "FC does not see the scale of the noise: sigma is stated, not estimated",
    "confirmation_disagrees": "simulating the full non-linear model does not give the same FC: read the "
                              "parameters as those of the linear theory",
    "closure_declined": "noise of this strength bends the model's slopes, and statistical linearisation does not hold "
                        "here: parameters are those of the linear theory (what a Gaussian misses, 1 being admissible)",
    "confirmation_skipped": "the full non-linear model was not simulated: this is the linear theory's answer",
    "not_converged": "the optimiser stopped before it converged",
    "at_bound": "a parameter ended at its bound",
    "flat": "the data do not determine a parameter",
    "quadrature_coarse": "FC still moves when the frequencies are refined",
    "whole_band": "no band was given: FC is taken over the whole band",
    "few_volumes": "the recording is short for the band: expect a low ceiling",
    "censored_series": "volumes are missing from the recording",
    "few_nulls": "too few null connectomes were fitted for a p-value below 0.05",
    "nulls_skipped": "no null connectome was fitted: nothing can be said about the connectome",
    "nulls_capped": "nulls, and what they are held against, were fitted with fewer steps than the answer",
    "asymmetric_weights": "the weights are not symmetric",
    "dropped_regions": "regions were dropped from connectome and data alike",
    "gradient_differences": "the gradient through the simulation is not usable here: slopes are finite differences",
    "gradient_windowed": "the gradient through the whole simulation is not usable here: slopes look back over a window",
    "gradient_smoothed": "the gradient through the simulation is not usable here: slopes are those of the loss "
                         "smoothed over random steps",
    "gradient_none": "neither the gradient through the simulation nor anything in its place is usable here: nothing "
                     "was fitted",
    "chance_fitted": "much of what the loss fell by is the noise of the fit's own simulated scans, which fresh scans "
                     "do not show: simulate more scans at once (--scans), or free fewer parameters",
    "near_critical": "the network is close to instability, where the linear theory is at its limit",
    "standard_errors_skipped": "no standard errors were computed: the values are without intervals",
    "standard_errors_model": "standard errors hold if the model is true: too few people or blocks to measure them",
    "not_recovered": "from data like these a parameter may not come back (r of truth and estimate perhaps below 0.8)",
    "budget_spent": "the time given was spent before the climb was over",
    "unstable": "a root lies right of the axis: the spectrum means nothing",
    "noise_carries_alpha": "less than 80 % of occipital alpha power comes from sources: noise ate the peak",
    "template_connectome": "the connectome is a template, not this person's",
    "template_leadfield": "the lead field comes from a template head",
}

FLAGS |= {pitfall.name: pitfall.sentence for pitfall in PITFALLS}

BASELINES = {
    "log_sc": "log of the weights alone",
    "distance": "distance alone",
    "k_factor": "k factors, no connectome",
    "map_only": "maps alone",
    "coupling_zero": "the same rung, coupling 0",
    "group_mean": "mean of the group",
    "blend": "group mean and own, blended",
    "harmonics": "connectome harmonics alone",
    "reliability": "the fit part itself",
    "mean_fc": "one number for every pair",
    "mean_spectrum": "mean spectrum of all channels",
    "smoothed": "the fit part itself, smoothed",
    "peaks": "a slope and two Gaussian peaks per channel",
    "interpolation": "line between fitted bins",
}

NULLS = {
    "permuted": "regions permuted",
    "rewired": "rewired, strengths kept",
    "distance": "distance only",
}

# What a claim is about, and what it was held against, for each kind of data.
CLAIMS = {"eeg": ("The place of the sources", "lead field with parcels permuted", "wrong lead fields",
                  {"permuted": "parcels permuted"})}
CONNECTOME = ("The connectome", "wrong connectome", "wrong connectomes", NULLS)

# Scores of FC are Pearson correlations over the upper triangle; another modality names its own.
SCORE_NAMES = {"fmri": "r", "fc": "r", "eeg": "R2", "sources": "R2"}
