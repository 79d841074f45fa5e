-- One row per event that a hop received.
CREATE TABLE hop (
    key         uuid        NOT NULL,
    sequence    bigint      NOT NULL,
    sent_at     timestamptz NOT NULL,
    applied_at  timestamptz NOT NULL,
    PRIMARY KEY (key, sequence)
);
