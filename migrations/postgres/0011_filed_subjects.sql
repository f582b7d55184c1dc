-- By whom decisions are filed besides their user. What a column means is said in SQLite's 0011.
CREATE TABLE filed_subjects (
    subject       TEXT   NOT NULL PRIMARY KEY,
    asked_at      BIGINT NOT NULL,
    through       BIGINT NOT NULL,
    filed_through BIGINT NOT NULL
);
