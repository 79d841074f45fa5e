-- Encounters as intake holds them, their documents, and every message that hospitals sent.

-- The whole current record as JSON in body; the columns are what is selected by.
CREATE TABLE encounter (
    encounter_id    uuid        PRIMARY KEY,
    facility_id     text        NOT NULL,
    source          text        NOT NULL,
    external_id     text        NOT NULL,
    state           text        NOT NULL,
    setting         text        NOT NULL,
    service_from    date        NOT NULL,
    service_through date        NOT NULL,
    record_version  int         NOT NULL,
    missing         text[]      NOT NULL,
    body            text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
-- The visit number of one source at one facility is one encounter, whoever races to register it.
CREATE UNIQUE INDEX encounter_identity ON encounter (facility_id, source, external_id);
CREATE INDEX encounter_by_state ON encounter (facility_id, state, encounter_id);

-- Every version of every document; never changed, never deleted.
CREATE TABLE document (
    document_id  uuid        NOT NULL,
    version      int         NOT NULL,
    encounter_id uuid        NOT NULL,
    facility_id  text        NOT NULL,
    kind         text        NOT NULL,
    title        text        NOT NULL,
    sha256       text        NOT NULL,
    media_type   text        NOT NULL,
    signed       boolean     NOT NULL,
    author_id    text,
    written_at   timestamptz,
    text         text        NOT NULL,
    PRIMARY KEY (document_id, version)
);
CREATE INDEX document_by_encounter ON document (encounter_id);

-- What coding and billing last said about the account.
CREATE TABLE account (
    encounter_id uuid        PRIMARY KEY,
    facility_id  text        NOT NULL,
    coding       text        NOT NULL,
    claim        text        NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

-- Every message as it came, with what became of it. A repeated one keeps its place, not its bytes again.
CREATE TABLE raw_message (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility_id   text        NOT NULL,
    source        text        NOT NULL,
    message_id    text        NOT NULL,
    format        text        NOT NULL,
    transport     text        NOT NULL,
    received_at   timestamptz NOT NULL,
    sha256        bytea       NOT NULL,
    body          bytea,
    outcome       text        NOT NULL CHECK (outcome IN ('accepted', 'refused', 'ignored', 'duplicate')),
    reason        text        NOT NULL,
    position      text        NOT NULL,
    encounter_ids uuid[]      NOT NULL
);
-- A message id stands for one content only, once the message is taken; a refused one may be sent again corrected.
CREATE UNIQUE INDEX raw_message_identity ON raw_message (facility_id, source, message_id)
    WHERE outcome IN ('accepted', 'ignored');
CREATE INDEX raw_message_by_time ON raw_message (received_at);

-- Counts per feed, kept beside the messages so that nobody has to count them.
CREATE TABLE feed (
    facility_id text        NOT NULL,
    source      text        NOT NULL,
    transport   text        NOT NULL,
    received    bigint      NOT NULL,
    accepted    bigint      NOT NULL,
    refused     bigint      NOT NULL,
    ignored     bigint      NOT NULL,
    duplicate   bigint      NOT NULL,
    last_at     timestamptz NOT NULL,
    PRIMARY KEY (facility_id, source, transport)
) WITH (fillfactor = 70);
