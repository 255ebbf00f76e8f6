"""The page of figures as text, from what was measured."""


def page(store):
    return "\n"
