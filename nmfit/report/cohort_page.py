"""The report of a cohort."""


def page(result):
    """Return a cohort's page."""
    return "<pre>" + result.summary() + "</pre>"
