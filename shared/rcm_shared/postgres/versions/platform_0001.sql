-- The platform's own tables, the same in every service's database.

-- Everything this service ever published; append-only, kept for replay, republishing and the timeline.
CREATE TABLE event_log (
    key            uuid        NOT NULL,
    sequence       bigint      NOT NULL,
    id             uuid        NOT NULL,
    topic          text        NOT NULL,
    type           text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    facility_id    text        NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    traceparent    text,
    body           bytea       NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, sequence)
);

-- Pointers to what the relay has still to send; a row goes when the broker has acknowledged its event.
CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key      uuid   NOT NULL,
    sequence bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);

-- Last sequence given out per key of this service's topic.
CREATE TABLE stream (
    key      uuid PRIMARY KEY,
    last_seq bigint NOT NULL
) WITH (fillfactor = 80);

-- Events applied, by consumer. Topic, partition and offset are forensic only.
CREATE TABLE inbox (
    consumer  text   NOT NULL,
    event_id  uuid   NOT NULL,
    occurred_on date NOT NULL,
    partition int    NOT NULL,
    "offset"  bigint NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

-- How far each consumer has come per key. Blocked: a dead letter holds the key's later events back.
CREATE TABLE position (
    consumer text    NOT NULL,
    key      uuid    NOT NULL,
    last_seq bigint  NOT NULL,
    blocked  boolean NOT NULL DEFAULT false,
    waiting  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (consumer, key)
) WITH (fillfactor = 80);

-- Events set aside. Bodies are patient data at rest; errors are classes and codes, never texts.
CREATE TABLE dead_letter (
    id          uuid PRIMARY KEY,
    consumer    text   NOT NULL,
    state       text   NOT NULL CHECK (state IN ('dead', 'parked', 'waiting', 'redriven', 'discarded')),
    key         uuid,
    sequence    bigint,
    event_id    uuid,
    type        text   NOT NULL DEFAULT '',
    topic       text   NOT NULL,
    partition   int    NOT NULL,
    "offset"    bigint NOT NULL,
    error_class text   NOT NULL,
    error_code  text   NOT NULL,
    attempts    int    NOT NULL DEFAULT 1,
    headers     jsonb  NOT NULL,
    body        bytea  NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, topic, partition, "offset")
);
CREATE INDEX dead_letter_open ON dead_letter (consumer, key, sequence) WHERE state IN ('dead', 'parked', 'waiting');

-- Failed attempts of an event that may yet succeed.
CREATE TABLE attempt (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    attempts int  NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE TABLE timer (
    key     uuid NOT NULL,
    kind    text NOT NULL,
    due_at  timestamptz NOT NULL,
    payload text NOT NULL DEFAULT '{}',
    PRIMARY KEY (key, kind)
);
CREATE INDEX timer_due ON timer (due_at);

-- Slow or remote work after an event. Adding it again raises the version, so that an older result is dropped.
CREATE TABLE work (
    key          uuid NOT NULL,
    kind         text NOT NULL,
    version      int  NOT NULL DEFAULT 1,
    payload      text NOT NULL DEFAULT '{}',
    cause_id     uuid,
    correlation_id uuid,
    traceparent  text,
    attempts     int  NOT NULL DEFAULT 0,
    error_class  text NOT NULL DEFAULT '',
    error_code   text NOT NULL DEFAULT '',
    due_at       timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    leased_by    text NOT NULL DEFAULT '',
    queued_at    timestamptz NOT NULL DEFAULT now(),
    failed       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (key, kind)
);
CREATE INDEX work_due ON work (kind, due_at) WHERE NOT failed;

-- Stored answers of commands, so that a retry gets the same one.
CREATE TABLE idempotency_key (
    subject     text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    status      int,
    body        bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key)
);

-- Who read which encounter's patient data, why and what kind.
CREATE TABLE access_log (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    subject      text NOT NULL,
    encounter_id uuid,
    purpose      text NOT NULL,
    what         text NOT NULL
);

-- What operators did: redrive, republish, discard; with their reason.
CREATE TABLE operator_action (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    subject text NOT NULL,
    action  text NOT NULL,
    reason  text NOT NULL,
    detail  jsonb NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER event_log_append_only BEFORE UPDATE OR DELETE ON event_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER operator_action_append_only BEFORE UPDATE OR DELETE ON operator_action
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
