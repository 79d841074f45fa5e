-- What was applied per key, in order; and one row per single application, so that a second one shows.
CREATE TABLE ledger (
    key    uuid PRIMARY KEY,
    levels bigint[] NOT NULL,
    note   text NOT NULL DEFAULT '',
    CONSTRAINT no_bad_row CHECK (NOT -23 = ANY (levels))
);

CREATE TABLE applied (
    n     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key   uuid   NOT NULL,
    level bigint NOT NULL,
    what  text   NOT NULL DEFAULT 'event'
);
