"""What senders call our fields, by language: data for the first guess at a profile.

In every table: field → its names, separated by `|`, the surest first. They are folded before they are compared, so
case, accents and the signs between words do not count; letters that have no accent to lose (ø, æ, ł, ß) do.
"""
