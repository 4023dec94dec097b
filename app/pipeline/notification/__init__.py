"""What a store says happened, in every dialect met so far, as our own events.

Told apart by content, never by a setting; unknown fields are ignored everywhere. `reader` finds the shape and opens
envelopes; `s3` reads what speaks like S3 (AWS, EventBridge, MinIO, Versity, Ceph), `clouds` what does not (Cloudflare
R2, Backblaze B2, Google Cloud Storage), `seaweedfs` the filer's own events; `event` makes our event of what they found.
"""

from app.pipeline.notification.event import is_folder_marker
from app.pipeline.notification.reader import parse_notification, told_alone

__all__ = ["is_folder_marker", "parse_notification", "told_alone"]
