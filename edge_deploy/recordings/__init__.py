"""A folder of recordings of one's own: what it holds, who agreed, who is in which part, who goes.

    DIR/LABEL/SPEAKER_SESSION_NNN.wav|csv|png    one clip a file
    DIR/recordings.csv                           where, when and with what each was recorded
    DIR/consent.csv                              who agreed to be recorded, when, and to what

The files are the truth: label, speaker and session stand in a clip's path, so a folder that was
copied together from several is whole without its index. Knows nothing about sound, motion or
pictures: whoever records writes the files, whoever trains reads them.
"""

from edge_deploy.recordings.consent import (
    Consent,
    Forgotten,
    consent_of,
    consents,
    forget,
    give_consent,
    key_of,
    names_speaker,
    speakers_line,
)
from edge_deploy.recordings.folder import (
    clips,
    fingerprint,
    index,
    keep,
    label_folders,
    new_session,
)
from edge_deploy.recordings.layout import (
    CONSENT_FILE,
    INDEX_FILE,
    NOBODY,
    SUFFIXES,
    Clip,
    Facts,
    Row,
    checked_label,
    checked_speaker,
    session_at,
)
from edge_deploy.recordings.split import (
    LEAST_GROUPS,
    LEAST_SPEAKERS,
    PARTS,
    TEST,
    TRAIN,
    VALIDATION,
    TooFewGroups,
    by_speaker,
    split,
)
from edge_deploy.recordings.tables import RecordingsLocked, RecordingsUnwritable

__all__ = [
    "CONSENT_FILE",
    "INDEX_FILE",
    "LEAST_GROUPS",
    "LEAST_SPEAKERS",
    "NOBODY",
    "PARTS",
    "SUFFIXES",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Clip",
    "Consent",
    "Facts",
    "Forgotten",
    "RecordingsLocked",
    "RecordingsUnwritable",
    "Row",
    "TooFewGroups",
    "by_speaker",
    "checked_label",
    "checked_speaker",
    "clips",
    "consent_of",
    "consents",
    "fingerprint",
    "forget",
    "give_consent",
    "index",
    "keep",
    "key_of",
    "label_folders",
    "names_speaker",
    "new_session",
    "session_at",
    "speakers_line",
    "split",
]
