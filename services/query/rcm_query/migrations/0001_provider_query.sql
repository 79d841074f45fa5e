-- All queries of one encounter, as one locked row: the state is the body, the other columns are for reading.
-- A row without a body was only touched (locked) and holds nothing yet.
CREATE TABLE encounter_queries (
    encounter_id uuid        PRIMARY KEY,
    facility_id  text        NOT NULL DEFAULT '',
    stopped      text        NOT NULL DEFAULT '',
    version      int         NOT NULL DEFAULT 0,
    body         text,
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

-- One line per query for inboxes and worklists. The words of the query stay in the body above.
CREATE TABLE provider_query (
    query_id     uuid        PRIMARY KEY,
    encounter_id uuid        NOT NULL REFERENCES encounter_queries (encounter_id),
    facility_id  text        NOT NULL,
    provider_id  text,
    rule         text        NOT NULL,
    state        text        NOT NULL,
    level        int         NOT NULL,
    findings     text[]      NOT NULL,
    requested_at timestamptz NOT NULL,
    due_at       timestamptz,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX provider_query_inbox ON provider_query (provider_id, state, due_at);
CREATE INDEX provider_query_worklist ON provider_query (facility_id, state, requested_at);
CREATE INDEX provider_query_encounter ON provider_query (encounter_id);

-- What providers said; a statement that is never changed. Intake files it as an addendum.
CREATE TABLE answer (
    answer_id    uuid        PRIMARY KEY,
    query_id     uuid        NOT NULL UNIQUE REFERENCES provider_query (query_id),
    encounter_id uuid        NOT NULL,
    facility_id  text        NOT NULL,
    provider_id  text        NOT NULL,
    option       text,
    text         text        NOT NULL,
    sha256       text        NOT NULL,
    answered_at  timestamptz NOT NULL
);
CREATE TRIGGER answer_append_only BEFORE UPDATE OR DELETE ON answer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER answer_not_truncated BEFORE TRUNCATE ON answer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
