"""A book as a data frame: what ``Readings`` gives to those who compute with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._backend import BookCore

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Frames:
    """A book as a table: one row a level, YES bids best first, then NO bids best first. Each copies the book once.

    ``kb.tables.BOOK`` describes the columns. Prices are whole numbers of $0.0001, sizes of 0.01 contract, as their names
    say; a NO bid stands at its own price, with the YES price at which it is an ask beside it. The rows are of one moment.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _core(self) -> BookCore:
            """The book that is read."""

        @property
        def _live(self) -> bool:
            """Whether it must be LIVE; otherwise it must have had a snapshot."""

    def to_arrow(self) -> pyarrow.Table:
        """Give the levels as an Arrow table, with the book's state, ``seq``, times and ticker in its metadata. O(levels).

        Raises:
            BookNotLive: the book cannot know now; ``book.last_known.to_arrow()`` gives what it knew.
            MissingLibrary: pyarrow is not installed.
        """
        from .tables import levels

        return levels.to_arrow(self._core, live=self._live)

    def to_polars(self) -> polars.DataFrame:
        """Give the levels as a Polars frame. O(levels). It needs no pyarrow, and has no place for metadata.

        Raises:
            BookNotLive: the book cannot know now; ``book.last_known.to_polars()`` gives what it knew.
            MissingLibrary: polars is not installed.
        """
        from .tables import levels

        return levels.to_polars(self._core, live=self._live)

    def to_pandas(self) -> pandas.DataFrame:
        """Give the levels as a pandas frame of exact integers; ``attrs`` has the metadata of ``to_arrow``. O(levels).

        Raises:
            BookNotLive: the book cannot know now; ``book.last_known.to_pandas()`` gives what it knew.
            MissingLibrary: pandas is not installed.
        """
        from .tables import levels

        return levels.to_pandas(self._core, live=self._live)
