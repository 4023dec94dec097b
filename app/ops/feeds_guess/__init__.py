"""A first profile for a file that none is known for, guessed from its columns' names and values.

`profile` writes it; `sample` reads some records, `rules` chooses a column for each field by `names` (what senders call
it, in `words`) and by trying the values as a worker would; the others know one thing each: ids, units, dates, places.
"""

from app.ops.feeds_guess.profile import guess_profile

__all__ = ["guess_profile"]
