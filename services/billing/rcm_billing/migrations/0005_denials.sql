-- Denials worked to their end: routing, history, appeals with letters, attribution, proposed rules, payer requests.

-- The case follows the account; payer, code, diagnoses and who coded it are facts noted once, for reports and proposals.
ALTER TABLE denial
    ADD COLUMN payer_order  text   NOT NULL DEFAULT 'P',
    ADD COLUMN line         int    NOT NULL DEFAULT 0,
    ADD COLUMN remarks      text[] NOT NULL DEFAULT '{}',
    ADD COLUMN level        int    NOT NULL DEFAULT 0,
    ADD COLUMN owner_queue  text   NOT NULL DEFAULT '',
    ADD COLUMN assignee     text   NOT NULL DEFAULT '',
    ADD COLUMN root_cause   text   NOT NULL DEFAULT '',
    ADD COLUMN action       text   NOT NULL DEFAULT '',
    ADD COLUMN outcome      text   NOT NULL DEFAULT '',
    ADD COLUMN warned       boolean NOT NULL DEFAULT false,
    ADD COLUMN expired      boolean NOT NULL DEFAULT false,
    ADD COLUMN first_cents  bigint,
    ADD COLUMN payer_id     text   NOT NULL DEFAULT '',
    ADD COLUMN code         text   NOT NULL DEFAULT '',
    ADD COLUMN modifiers    text[] NOT NULL DEFAULT '{}',
    ADD COLUMN diagnoses    text[] NOT NULL DEFAULT '{}',
    ADD COLUMN coder        text   NOT NULL DEFAULT '',
    ADD COLUMN provider_id  text   NOT NULL DEFAULT '',
    ADD COLUMN rules        text[] NOT NULL DEFAULT '{}',
    ADD COLUMN route_version int,
    ADD COLUMN attributed_at timestamptz,
    ADD COLUMN resolved_at  timestamptz,
    ADD COLUMN appealed_at  timestamptz;
UPDATE denial SET first_cents = denied_cents;
-- Cases from before this version are routed and attributed as new ones are.
INSERT INTO work (key, kind) SELECT DISTINCT encounter_id, 'triage-denials' FROM denial ON CONFLICT DO NOTHING;
ALTER TABLE denial ALTER COLUMN first_cents SET NOT NULL;

-- Worklists page by (deadline, id) or (value, id); cases without a deadline come last. The words of the first two
-- conditions stand in repository/denials.py as well, so that the planner finds the indexes.
CREATE INDEX denial_open_by_deadline ON denial ((coalesce(deadline_at, 'infinity'::timestamptz)), denial_id)
    INCLUDE (facility_id, owner_queue, category, assignee)
    WHERE state IN ('new', 'triaged', 'in_work', 'appeal_drafted', 'appeal_submitted', 'upheld', 'partly_overturned', 'reopened');
CREATE INDEX denial_open_by_value ON denial ((-denied_cents), denial_id)
    INCLUDE (facility_id, owner_queue, category, assignee)
    WHERE state IN ('new', 'triaged', 'in_work', 'appeal_drafted', 'appeal_submitted', 'upheld', 'partly_overturned', 'reopened');
CREATE INDEX denial_by_deadline ON denial ((coalesce(deadline_at, 'infinity'::timestamptz)), denial_id);
CREATE INDEX denial_by_value ON denial ((-denied_cents), denial_id);
DROP INDEX denial_worklist;
CREATE INDEX denial_by_state ON denial (state, (coalesce(deadline_at, 'infinity'::timestamptz)), denial_id);
CREATE INDEX denial_by_day ON denial (denied_at);
CREATE INDEX denial_encounter ON denial (encounter_id);

-- Every step of every case: who, when, why. Never changed.
CREATE TABLE denial_move (
    move_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    denial_id    uuid   NOT NULL,
    encounter_id uuid   NOT NULL,
    facility_id  text   NOT NULL,
    was          text   NOT NULL,
    state        text   NOT NULL,
    level        int    NOT NULL,
    at           timestamptz NOT NULL,
    actor        text   NOT NULL,
    reason       text   NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX denial_move_denial ON denial_move (denial_id, move_id);

CREATE FUNCTION denial_move_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of denials is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER denial_move_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON denial_move
    FOR EACH STATEMENT EXECUTE FUNCTION denial_move_is_append_only();

-- The operator's lists of routes, whole and versioned: a case says by which version it was routed.
CREATE TABLE denial_route (
    version     int  PRIMARY KEY CHECK (version > 0),
    rows        text NOT NULL,
    sha256      bytea NOT NULL,
    source      text NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL
);

-- A write-off above the limit waits for another person.
CREATE TABLE denial_write_off (
    request_id     uuid PRIMARY KEY,
    denial_id      uuid   NOT NULL,
    encounter_id   uuid   NOT NULL,
    facility_id    text   NOT NULL,
    cents          bigint NOT NULL,
    reason         text   NOT NULL,
    state          text   NOT NULL CHECK (state IN ('waiting', 'approved', 'refused')),
    asked_by       text   NOT NULL,
    asked_at       timestamptz NOT NULL,
    decided_by     text,
    decided_at     timestamptz,
    transaction_id uuid,
    CHECK (decided_by IS NULL OR state = 'refused' OR decided_by <> asked_by)
);
CREATE UNIQUE INDEX denial_write_off_waiting ON denial_write_off (denial_id) WHERE state = 'waiting';

-- Appeals: drafted with their letter, filed, sent, answered. The letter's bytes stay as they were sent.
ALTER TABLE appeal DROP CONSTRAINT appeal_state_check;
ALTER TABLE appeal ADD CONSTRAINT appeal_state_check CHECK (state IN ('drafted', 'withdrawn', 'filed', 'sent'));
ALTER TABLE appeal DROP CONSTRAINT appeal_denial_id_level_key;
ALTER TABLE appeal ALTER COLUMN filed_by DROP NOT NULL, ALTER COLUMN filed_at DROP NOT NULL;
ALTER TABLE appeal
    ADD COLUMN facility_id      text NOT NULL DEFAULT '',
    ADD COLUMN claim_id         uuid,
    ADD COLUMN drafted_by       text NOT NULL DEFAULT '',
    ADD COLUMN drafted_at       timestamptz,
    ADD COLUMN template_name    text NOT NULL DEFAULT '',
    ADD COLUMN template_version int  NOT NULL DEFAULT 0,
    ADD COLUMN letter_text      text NOT NULL DEFAULT '',
    ADD COLUMN letter_pdf       bytea,
    ADD COLUMN letter_sha256    bytea,
    ADD COLUMN attachments      text NOT NULL DEFAULT '[]',
    ADD COLUMN outcome          text NOT NULL DEFAULT '',
    ADD COLUMN answered_at      timestamptz;
CREATE UNIQUE INDEX appeal_level ON appeal (denial_id, level) WHERE state <> 'withdrawn';
CREATE INDEX appeal_claim ON appeal (claim_id);

-- What goes with an appeal as a file of its own, such as the proof of timely filing.
CREATE TABLE appeal_enclosure (
    appeal_id uuid  NOT NULL,
    name      text  NOT NULL,
    body      bytea NOT NULL,
    sha256    bytea NOT NULL,
    PRIMARY KEY (appeal_id, name)
);

-- Letters: one row per version of a template; the newest version of a name is in force unless it is retired.
CREATE TABLE letter_template (
    name       text NOT NULL,
    version    int  NOT NULL CHECK (version > 0),
    payer_id   text NOT NULL,
    category   text NOT NULL,
    level      int  NOT NULL,
    subject    text NOT NULL,
    body       text NOT NULL,
    retired    boolean NOT NULL DEFAULT false,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);

-- Whose codes and whose services a claim version carries: the denominator of denial rates.
CREATE TABLE claim_attribution (
    claim_id    uuid PRIMARY KEY,
    facility_id text NOT NULL,
    payer_id    text NOT NULL,
    coder       text NOT NULL,
    provider_id text NOT NULL
);

-- A repeated denial that a scrubber rule would catch, with what the rule would have done to past claims.
CREATE TABLE rule_proposal (
    proposal_id  uuid PRIMARY KEY,
    facility_id  text   NOT NULL,
    payer_id     text   NOT NULL,
    carc         text   NOT NULL,
    rarc         text   NOT NULL,
    code         text   NOT NULL,
    modifiers    text   NOT NULL,
    diagnosis    text   NOT NULL,
    expression   text   NOT NULL,
    denied       int    NOT NULL,
    denied_cents bigint NOT NULL,
    back_test    text   NOT NULL,
    state        text   NOT NULL CHECK (state IN ('proposed', 'accepted', 'dismissed')),
    rule_id      text   NOT NULL,
    owner        text   NOT NULL,
    since        date   NOT NULL,
    until        date   NOT NULL,
    created_by   text   NOT NULL,
    created_at   timestamptz NOT NULL,
    decided_by   text,
    decided_at   timestamptz,
    UNIQUE (facility_id, payer_id, carc, rarc, code, modifiers, diagnosis)
);

-- A payer asks for records or audits a claim.
CREATE TABLE payer_request (
    request_id   uuid PRIMARY KEY,
    reference    text NOT NULL,
    encounter_id uuid NOT NULL,
    facility_id  text NOT NULL,
    claim_id     uuid NOT NULL,
    payer_id     text NOT NULL,
    kind         text NOT NULL,
    reason_code  text NOT NULL,
    source       text NOT NULL,
    due_on       date NOT NULL,
    state        text NOT NULL CHECK (state IN ('received', 'in_work', 'answered', 'closed')),
    assignee     text NOT NULL DEFAULT '',
    alert        text NOT NULL DEFAULT '' CHECK (alert IN ('', 'warned', 'expired')),
    checklist    text NOT NULL,
    outcome      text NOT NULL DEFAULT '',
    received_at  timestamptz NOT NULL,
    answered_at  timestamptz,
    closed_at    timestamptz,
    UNIQUE (payer_id, reference)
);
CREATE INDEX payer_request_due ON payer_request (due_on, request_id);
CREATE INDEX payer_request_encounter ON payer_request (encounter_id);

-- What was sent in answer, byte for byte; every step of a request. Never changed.
CREATE TABLE payer_request_answer (
    answer_id   uuid PRIMARY KEY,
    request_id  uuid  NOT NULL REFERENCES payer_request,
    facility_id text  NOT NULL,
    body        bytea NOT NULL,
    sha256      bytea NOT NULL,
    evidence    text  NOT NULL,
    answered_by text  NOT NULL,
    answered_at timestamptz NOT NULL,
    sent_at     timestamptz
);
CREATE INDEX payer_request_answer_waiting ON payer_request_answer (answered_at) WHERE sent_at IS NULL;

CREATE TABLE payer_request_move (
    move_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id uuid NOT NULL,
    was        text NOT NULL,
    state      text NOT NULL,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    reason     text NOT NULL
);
CREATE INDEX payer_request_move_request ON payer_request_move (request_id, move_id);
CREATE TRIGGER payer_request_move_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payer_request_move
    FOR EACH STATEMENT EXECUTE FUNCTION denial_move_is_append_only();
