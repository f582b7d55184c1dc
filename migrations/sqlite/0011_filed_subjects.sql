-- By whom decisions are filed in `decision_subjects` besides their user: by what policies ask about without naming the user.
-- From the commit on that adds a row, every decision is filed by that subject, whatever process records it.
CREATE TABLE filed_subjects (
    subject       TEXT    NOT NULL PRIMARY KEY,     -- `ip`, `identifier` or `metadata.NAME`
    asked_at      INTEGER NOT NULL,                 -- when a policy asked first
    through       INTEGER NOT NULL,                 -- the last decision of that moment
    filed_through INTEGER NOT NULL                  -- of what was before: so far, up to `through`, it is filed
) STRICT;
