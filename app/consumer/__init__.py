"""Taking records off Kafka under bounds: what arrives is met here before any client library reads it.

Whoever may write to a topic decides what a batch of records unpacks to, how its records are cut and what they are
named; a broker looks at little of it. So batches are read by our own reader, in bounded memory, and what can not be
read is passed on as a record that says so, with its place.
"""
