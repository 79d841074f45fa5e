-- Coding: one case per encounter, the log of every single decision, the code-set releases.

-- `body` is the frozen state; the columns are what the worklist asks for.
CREATE TABLE coding_case (
    encounter_id uuid PRIMARY KEY,
    facility_id  text        NOT NULL,
    state        text        NOT NULL,
    setting      text        NOT NULL,
    assignee     text,
    service_through date     NOT NULL,
    completed_at timestamptz,
    version      int         NOT NULL,
    body         text        NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX coding_case_worklist ON coding_case (state, completed_at, encounter_id)
    WHERE state NOT IN ('final_coded', 'cancelled', 'awaiting_documentation');

-- Append-only: who decided what about which code, with the words that were cited. Learning reads only this.
CREATE TABLE coding_decision (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    encounter_id   uuid        NOT NULL,
    facility_id    text        NOT NULL,
    case_version   int         NOT NULL,
    actor          text        NOT NULL,
    action         text        NOT NULL,
    assignment_id  uuid        NOT NULL,
    system         text        NOT NULL,
    code           text        NOT NULL,
    suggested_code text,
    score          real        NOT NULL,
    reason         text,
    evidence       jsonb       NOT NULL,
    release        text        NOT NULL,
    engine         text        NOT NULL,
    at             timestamptz NOT NULL
);
CREATE INDEX coding_decision_encounter ON coding_decision (encounter_id, id);
CREATE TRIGGER coding_decision_append_only BEFORE UPDATE OR DELETE ON coding_decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE code_set_release (
    release_id     uuid PRIMARY KEY,
    system         text        NOT NULL,
    edition        text        NOT NULL,
    effective_from date        NOT NULL,
    effective_to   date        NOT NULL,
    sha256         text        NOT NULL UNIQUE,
    row_count      int         NOT NULL,
    billable_count int         NOT NULL,
    status         text        NOT NULL CHECK (status IN ('active', 'superseded')),
    activated_at   timestamptz NOT NULL,
    CHECK (effective_from <= effective_to)
);
CREATE UNIQUE INDEX code_set_release_active ON code_set_release (system, effective_from) WHERE status = 'active';
