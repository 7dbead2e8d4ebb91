"""Tables that never cut a name: text that is too wide for the terminal goes on in the next line."""

from rich.table import Column, Table


def new_table(*headings: str, title: str | None = None) -> Table:
    """Create a table with borders."""
    return Table(*(Column(heading, overflow="fold") for heading in headings), title=title)


def plain_table(*headings: str) -> Table:
    """Create a table without borders, for what should fit 80 columns."""
    columns = (Column(heading, overflow="fold") for heading in headings)
    return Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
