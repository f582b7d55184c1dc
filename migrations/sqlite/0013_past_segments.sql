-- What can no longer change of a busy subject's past, many calls a row: who asks reads a few rows instead of a thousand. A call
-- that stands here has no row in `decision_subjects` under the same subject. A segment never changes; one that grows is written anew under
-- another number. It may be deleted once no question reaches back to `last_at`.
CREATE TABLE past_segments (
    segment   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    subject   BLOB    NOT NULL,                     -- the keyed digest
    calls     INTEGER NOT NULL,                     -- how many
    first_seq INTEGER NOT NULL,                     -- the first and the last of their places in `decisions`
    last_seq  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,                     -- when the last of them arrived
    packed    BLOB    NOT NULL
) STRICT;

CREATE INDEX past_segments_by_subject ON past_segments (subject, last_at);
