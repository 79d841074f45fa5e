-- Every event of every service with its raw body, chained per encounter. Nobody changes or deletes a row:
-- the application's role may only insert and read, and a trigger stops everybody else.
CREATE TABLE journal (
    key            uuid        NOT NULL,
    position       int         NOT NULL,
    event_id       uuid        NOT NULL,
    type           text        NOT NULL,
    source         text        NOT NULL,
    time           timestamptz NOT NULL,
    sequence       bigint      NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    facility_id    text        NOT NULL,
    traceparent    text,
    topic          text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    body           bytea       NOT NULL,
    body_sha256    bytea       NOT NULL,
    hash           bytea       NOT NULL,
    PRIMARY KEY (key, position)
);
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_not_truncated BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Length and last hash of each chain, and the view of the encounter, in one row: one lock and one write per
-- encounter and batch. The chain's columns can be recomputed from the journal, the view from its bodies.
CREATE TABLE encounter_view (
    key               uuid   PRIMARY KEY,
    chain_length      int    NOT NULL DEFAULT 0,
    chain_hash        bytea  NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    facility_id       text   NOT NULL DEFAULT '',
    waiting           text   NOT NULL DEFAULT '',
    waiting_since     timestamptz,
    charged_cents     bigint NOT NULL DEFAULT 0,
    paid_cents        bigint NOT NULL DEFAULT 0,
    adjusted_cents    bigint NOT NULL DEFAULT 0,
    patient_cents     bigint NOT NULL DEFAULT 0,
    patient_paid_cents bigint NOT NULL DEFAULT 0,
    balance_cents     bigint NOT NULL DEFAULT 0,
    closing_difference_cents bigint NOT NULL DEFAULT 0,
    gaps              int    NOT NULL DEFAULT 0,
    last_event_at     timestamptz,
    body              text
) WITH (fillfactor = 70);
CREATE INDEX encounter_view_waiting ON encounter_view (waiting, waiting_since) WHERE body IS NOT NULL;

-- How long each chain was at the last checkpoint, so that its root can be computed again.
CREATE TABLE checkpoint_head (
    key    uuid PRIMARY KEY,
    length int  NOT NULL
);

CREATE TABLE checkpoint (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    taken_at timestamptz NOT NULL,
    chains   bigint NOT NULL,
    records  bigint NOT NULL,
    root     bytea  NOT NULL,
    note     text   NOT NULL
);
CREATE TRIGGER checkpoint_append_only BEFORE UPDATE OR DELETE ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_not_truncated BEFORE TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON journal, checkpoint FROM audit_app;
    END IF;
END $$;
