"""The parts of a page: escaped text, tables, figures as data, and the frame around them."""

import base64
from html import escape

from . import look, style, words

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def escaped(value):
    """Return a value as printable text with HTML's own characters escaped."""
    return escape(words.printable(value))


def data_uri(figure, dpi):
    """Return a figure as an address that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(look.as_svg(figure, dpi)).decode()


def tile_list(tiles):
    """Return pairs (value, what it is) as a row of tiles."""
    return '<ul class="tiles">' + "".join(f"<li><b>{escaped(v)}</b>{escaped(what)}</li>" for v, what in tiles) + "</ul>"


def table(head, rows, numeric=(), less=()):
    """Return a table.

    A row is (class, cells, note): cells and note are HTML already, a note takes a line of its own. Columns in
    `numeric` are set to the right, columns in `less` are left out of narrow windows.
    """
    def cells(tag, values):
        kinds = [" ".join(["n"] * (i in numeric) + ["less"] * (i in less)) for i in range(len(values))]
        return "".join(f'<{tag} class="{kind}">{v}</{tag}>' if kind else f"<{tag}>{v}</{tag}>"
                       for kind, v in zip(kinds, values, strict=True))
    top = f"<thead><tr>{cells('th', head)}</tr></thead>" if head else ""
    body = ""
    for kind, values, note in rows:
        body += f'<tr class="{kind}{" noted" if note else ""}">{cells("td", values)}</tr>'
        body += f'<tr class="{kind} note"><td colspan="{len(values)}">{note}</td></tr>' if note else ""
    return f'<div class="wide"><table>{top}<tbody>{body}</tbody></table></div>'


def document(title, body):
    """Return a whole page that loads nothing from outside and runs no script."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escaped(title)}</title>
<style>{style.SHEET}</style></head>
<body><main>{body}</main></body></html>
"""
