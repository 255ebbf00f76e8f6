"""The page of figures as text, from what was measured."""


def page(_store):
    """Return the page."""
    return ""
