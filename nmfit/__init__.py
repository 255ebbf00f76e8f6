"""Fit models of brain dynamics to fMRI, EEG and MEG."""
