"""What each failure code means to people, and what they do about it: the words of the tables in docs/PRODUCERS.md.

Which codes there are, and what happens after each, is read from `app.errors.FailureCode`; a test compares.
"""

from __future__ import annotations

from app.errors import FailureCode as Code

RESERVED = "Reserved: nothing reports it at present."

MEANINGS: dict[Code, tuple[str, str]] = {
    # skipped
    Code.TEST_EVENT: ("The store tests that its notifications arrive.", "Nothing."),
    Code.FOLDER_MARKER: ("The key stands for a folder: it ends in `/` or `_$folder$`.", "Nothing."),
    Code.EVENT_NOT_HANDLED: (
        "An event that brings no content (tags, retention, an archive restored), or a notification without events.",
        "Nothing.",
    ),
    Code.REMOVAL_SUPERSEDED: (
        "A removal was announced, but the object is there: it was uploaded again, or the event is an old one.",
        "Nothing.",
    ),
    Code.ALREADY_REMOVED: (
        "The object is gone, and known to be removed: the notification is an old one, or came twice.",
        "Nothing.",
    ),
    Code.ALREADY_PROCESSED: (
        "Workers ended while they worked on the file, and one of them had told its outcome before that.",
        "Nothing.",
    ),
    Code.BUCKET_NOT_ALLOWED: (
        "The bucket is not in `LISTINGS_S3__BUCKETS`. (A file that is queued already is rejected.)",
        "Add the bucket if its files are wanted.",
    ),
    Code.PREFIX_NOT_WATCHED: (
        "The key does not start with `LISTINGS_S3__PREFIX`.",
        "Upload below the prefix, or change the setting.",
    ),
    # rejected: the record on the topic
    Code.NOTIFICATION_NOT_JSON: (
        "A record of `listing-uploads` is not JSON in UTF-8.",
        "Find out what else writes to the topic.",
    ),
    Code.NOTIFICATION_UNKNOWN_SHAPE: (
        "JSON, but not a notification of a store that is known here, or one of over 3,000 events.",
        "Compare with [connectors/notifications](../connectors/notifications/README.md).",
    ),
    Code.KEY_NOT_DECODABLE: (
        "The key of the object is longer than 1,024 bytes, is not form-encoded as the store promises, or has an "
        "empty segment, a segment `.` or `..`, or a control character.",
        "Upload the file under another key.",
    ),
    Code.RECORD_NOT_DECODABLE: (
        "A record is neither a JSON object nor Avro of the topic's schema, or has no usable timestamp.",
        "Publish it again by the schema of the topic.",
    ),
    Code.SCHEMA_UNKNOWN: (
        "The record names a schema id that the registry does not have, three tries long. (When it lacks a schema of "
        "ours, that is an outage.)",
        "Register the schema, then publish the record again.",
    ),
    Code.SKIPPED_BY_OPERATOR: (
        "An operator had the workers walk past the record, for the reason in the message.",
        "Ask them; send the record again once the cause is mended.",
    ),
    Code.KILLED_WORKER: (
        "Three workers ended without a word while they worked on the record, the last one while it worked on nothing "
        "else: a crash in a library, or more memory than there is.",
        "Send the content in another form or in smaller files, and tell the operators: no record may do that.",
    ),
    Code.HEADER_INVALID: (
        "The failure headers of a record on `listing-retry` can not be read, or name a topic that is none of ours.",
        "Find out what else writes to the topic.",
    ),
    Code.RECORD_UNREADABLE: (
        "The bytes of a record, or of the batch it came in, are not what Kafka's format says, or it has over 16,384 "
        "headers. The dead letter names the offsets; what could not be read is left out of it.",
        "Find out what wrote it, mend that, then publish its records again.",
    ),
    Code.BATCH_TOO_BIG: (
        "A packed batch has more records than `LISTINGS_KAFKA__BATCH_MAX_RECORDS`, unpacks to more than "
        "`LISTINGS_KAFKA__BATCH_MAX_BYTES`, or a record in it to more than `LISTINGS_KAFKA__MAX_MESSAGE_BYTES`. The "
        "dead letter names the offsets; their content is left out of it.",
        "Publish smaller records and batches (`batch.size`, `batch.num.messages` of the client).",
    ),
    # rejected: the file
    Code.OBJECT_MISSING: (
        "An upload was announced, but at no try there was such an object, and nothing is known of it.",
        "Upload it again if it is wanted.",
    ),
    Code.OBJECT_FORBIDDEN: (
        "The store refuses this object and no other, or it is archived.",
        "Allow reading it or restore it, then upload it again or copy it onto itself.",
    ),
    Code.OBJECT_EMPTY: ("The file has no bytes, or nothing but blanks.", "Upload it again with its listings."),
    Code.FILE_TOO_BIG: ("As stored it is over `LISTINGS_LIMITS__FILE_MAX_BYTES`.", "Split it."),
    Code.DECOMPRESSED_TOO_BIG: ("Unpacked it is over `LISTINGS_LIMITS__DECOMPRESSED_MAX_BYTES`.", "Split it."),
    Code.COMPRESSION_RATIO: (
        "It unpacks to over `LISTINGS_LIMITS__COMPRESSION_MAX_RATIO` times its stored size.",
        "Upload it unpacked, or in smaller parts.",
    ),
    Code.COMPRESSION_WINDOW: (
        "Unpacking it takes more memory than `LISTINGS_LIMITS__WINDOW_MAX_BYTES`.",
        "Pack it with the tool's default level (no `--ultra` or `--long`, no `xz -9`), or with gzip.",
    ),
    Code.ARCHIVE_INVALID: (
        "The zip archive holds no data file or several, too many members, or one that is encrypted or packed by a "
        "method that is not read.",
        "Send an archive with the one file in it, by deflate and without a password.",
    ),
    Code.SCHEMA_REFUSED: (
        "The schema inside an Avro or Parquet file is wrong, refers to itself, or is wider or deeper than any listing.",
        "Export the listings as flat records.",
    ),
    Code.BLOCK_TOO_BIG: (
        "A block of an Avro file is over `LISTINGS_LIMITS__AVRO_BLOCK_MAX_BYTES`, or a row group of a Parquet file "
        "needs more at once than `LISTINGS_LIMITS__PARQUET_OPEN_MAX_BYTES`.",
        "Write smaller blocks, or row groups of fewer rows.",
    ),
    Code.FORMAT_UNKNOWN: (
        "Name and content type promise none of the formats, or the content is something else (Excel, PDF, a picture…).",
        "Send one of the formats, under a name that says so.",
    ),
    Code.FORMAT_MISMATCH: (
        "The name or content type promises a format that the content is not.",
        "Correct the name, or the content.",
    ),
    Code.COMPRESSION_BROKEN: ("The packed data is damaged or cut off.", "Pack it again and upload it again."),
    Code.ENCODING_INVALID: (
        "The text is not UTF-8, nor UTF-16 or UTF-32 with a byte order mark, nor in the encoding that its XML or HTML "
        "declares; or it declares one that is not read.",
        "Save it as UTF-8, or name its encoding in a profile.",
    ),
    Code.FILE_BROKEN: (
        "The JSON, XML, HTML, Avro or Parquet is broken or cut off at the place told.",
        "Mend it from there on and upload it again.",
    ),
    Code.DTD_FORBIDDEN: (
        "The XML declares entities, elements or the like in its document type, which could harm whoever reads it.",
        "Export it without a document type.",
    ),
    Code.RECORDS_NOT_FOUND: (
        "There is nothing where the profile's `records` path leads, or no vehicle in the JSON-LD of a page.",
        "Correct the file or the profile.",
    ),
    Code.HEADER_ROW_INVALID: (
        "The first row of the CSV file can not be column names.",
        "Add a header row, or name the columns in a profile.",
    ),
    Code.TOO_MANY_RECORDS: ("It has over `LISTINGS_LIMITS__FILE_MAX_RECORDS` records.", "Split it."),
    Code.TOO_MANY_REJECTS: (
        "Too many of its records were refused: more than `LISTINGS_LIMITS__REJECTS_MIN_COUNT` and a share over "
        "`LISTINGS_LIMITS__REJECTS_MAX_SHARE`, or more than `LISTINGS_LIMITS__REJECTS_MAX_COUNT`.",
        "The outcome has the first reasons. Correct the export and upload it again.",
    ),
    Code.FEED_SHRUNK: (
        "A full feed lacks so many standing listings (or all) that an export may have broken. What it holds is "
        "indexed, nothing is removed.",
        "If they are gone: `listings feeds apply BUCKET/KEY`. Else have the feed sent again.",
    ),
    Code.FEED_NOT_WHOLE: (
        "A full feed lacks standing listings, and has refused records without a readable id that may be these. What it "
        "holds is indexed, nothing is removed.",
        "Mend the records and upload it again, or confirm with `listings feeds apply BUCKET/KEY`.",
    ),
    # rejected: one listing
    Code.RECORD_NOT_AN_OBJECT: (
        "The record is no JSON object, or an XML element with nothing but a text.",
        "Send an object for each listing.",
    ),
    Code.RECORD_MALFORMED: (
        "The record can not be read: no JSON, a quoted cell without its end, a number beyond 64 bits.",
        "Correct it; send long ids as text.",
    ),
    Code.RECORD_TOO_BIG: (
        "The record is over `LISTINGS_LIMITS__RECORD_MAX_BYTES`, or has more values than any listing. (A record of a "
        "topic: it is too big to be handed on, and its dead letter is without its content.)",
        "Shorten it.",
    ),
    Code.RECORD_TOO_DEEP: ("It is nested deeper than `LISTINGS_LIMITS__RECORD_MAX_DEPTH`.", "Flatten it."),
    Code.ROW_RAGGED: (
        "A CSV row has other cells than the header, or a quote that does not close its cell.",
        "Quote cells that hold the delimiter, and double the quotes inside.",
    ),
    Code.MISSING_REQUIRED: (
        "`source`, `make`, `model`, or both `year` and `first_registration` are missing.",
        "Send them.",
    ),
    Code.MISSING_ID: (
        "`source_listing_id` is missing, and nothing stands in for it.",
        "Send your own, stable id of the listing.",
    ),
    Code.NOT_A_VEHICLE: ("The profile says that such a row is no vehicle.", "Nothing, or correct the profile."),
    Code.FIELD_INVALID: ("A field has a value that it does not take.", "The reason tells field and what is expected."),
    Code.SOURCE_NOT_ALLOWED: (
        "The listing names a source that files at this place, or records on the topic, may not speak for. (A full "
        "feed for such a source is refused as a whole. A removal of a listing never seen is tried again first.)",
        "Name your own source, or have it declared ([SECURITY](SECURITY.md#who-may-speak-for-which-source)).",
    ),
    Code.INDEX_REFUSED: (
        "OpenSearch refuses the document, or the outcome; the reason is in its own words.",
        "Report it: what passes our checks should pass its.",
    ),
    # transient
    Code.FETCH_FAILED: (
        "The store failed for this object while it answered for others (a reset, a 5xx, a short answer).",
        "If it became a dead letter: upload it again once the object can be read.",
    ),
    Code.FETCH_TIMED_OUT: (
        "The store was too slow for this object (`LISTINGS_S3__READ_TIMEOUT_S`).",
        "As above.",
    ),
    Code.CONTENT_CHANGED: (
        "The object was uploaded again while it was being read.",
        "Nothing: the new upload has a notification of its own.",
    ),
    Code.HANDLING_TIMED_OUT: ("A time-out that nothing else explains.", "As for `unexpected`."),
    Code.READER_ENDED: (
        "The process that reads Parquet files for the worker was ended while it read this one, by a lack of memory or "
        "by somebody.",
        "Write row groups of fewer rows; ops: see whether the machine has memory left.",
    ),
    Code.UNEXPECTED: (
        "A fault of the application. The log event `unexpected_failure` has the traceback.",
        "Report it with the traceback.",
    ),
    # outage
    Code.UNREACHABLE: ("It does not answer, or fails for everything.", "Start it, mend the network or the address."),
    Code.SCRATCH_FAILED: (
        "The worker's own disk (`LISTINGS_WORKER__DATA_DIR`) takes no zip and Parquet files to be read.",
        "Make room on it.",
    ),
    Code.ACCESS_REFUSED: (
        "It refuses everything: credentials, permissions, region, or a bucket that does not exist.",
        "Correct the settings or the permissions.",
    ),
    Code.OVERLOADED: ("It asks everybody to slow down (429, 503).", "Wait. If it lasts, give it more room."),
    Code.INDEX_UNAVAILABLE: (
        "The index, its alias or a stored search is missing, closed, blocked (a full disk), or can not hold what is "
        "written.",
        "`listings index apply` creates what is missing; open the index, or make room.",
    ),
    # operator
    Code.SETTING_INVALID: ("A variable is unknown or has a value that it does not take.", "The message names it."),
    Code.DECLARATION_INVALID: (
        "A declared file (topic, schema, index, profile) has a mistake, or asks for what can not be done.",
        "The message names file and place.",
    ),
    Code.PREREQUISITE_MISSING: ("A program is missing or too old.", "Install what the message names."),
    Code.COMMAND_FAILED: ("A command could not do its work.", "The message says why."),
}
"""Code → (what it means, what to do)."""
