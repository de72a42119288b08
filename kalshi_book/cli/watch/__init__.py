"""``kalshi-book watch``: a book as a moving ladder. What is seen, how it is drawn, where it comes from, and the terminal."""
