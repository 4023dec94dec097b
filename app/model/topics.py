"""The topics by name, as declared in `topics/topics.yaml`."""

from __future__ import annotations

from typing import Final

UPLOADS_TOPIC: Final = "listing-uploads"
FILES_TOPIC: Final = "listing-files"
LISTINGS_TOPIC: Final = "listings"
OUTCOMES_TOPIC: Final = "listing-outcomes"
RETRY_TOPIC: Final = "listing-retry"
DEAD_LETTER_TOPIC: Final = "listing-dlq"
SKIPS_TOPIC: Final = "listing-skips"
"""What a person had the workers walk past; read by every worker, and by no group."""

ORIGINS: Final = (UPLOADS_TOPIC, FILES_TOPIC, LISTINGS_TOPIC)
"""Where work comes from, and where a failed record may be handed back to."""
READ_TOPICS: Final = (*ORIGINS, RETRY_TOPIC, DEAD_LETTER_TOPIC)
"""All that the workers read."""
