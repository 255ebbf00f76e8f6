"""Statistics of data and their differentiable twins, losses, targets, ceilings."""

from . import loss
from .recording_eeg import SensorRecording, SensorSpectrum
from .spectra import spectrum_target
from .spectral_ceiling import r_squared_ceiling
from .spectral_losses import cross_whittle, log10_residuals, r_squared, shape_residuals, whittle, whittle_residuals
from .spectral_target import SpectrumTarget

__all__ = ["SensorRecording", "SensorSpectrum", "SpectrumTarget", "cross_whittle", "log10_residuals", "loss",
           "r_squared", "r_squared_ceiling", "shape_residuals", "spectrum_target", "whittle", "whittle_residuals"]
