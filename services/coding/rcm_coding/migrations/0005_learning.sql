-- Learning: the words behind each decision, the aliases with their standing, the refits, and the shadow's answers.

-- Stems of the words that were cited for a decision, read once from the text. Words of notes: patient data.
CREATE TABLE decision_phrase (
    decision_id bigint PRIMARY KEY REFERENCES coding_decision (id),
    facility_id text NOT NULL,
    phrase      text NOT NULL
);
CREATE TRIGGER decision_phrase_append_only BEFORE UPDATE OR DELETE ON decision_phrase
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Append-only: what each refit read, which facilities' new decisions it refused, and what the gate said.
CREATE TABLE learning_run (
    run_id         uuid PRIMARY KEY,
    first_decision bigint      NOT NULL,
    last_decision  bigint      NOT NULL,
    decisions      int         NOT NULL,
    refusals       jsonb       NOT NULL,
    model          text        NOT NULL,
    sha256         text        NOT NULL,
    against        text        NOT NULL,
    passed         boolean     NOT NULL,
    verdict        jsonb       NOT NULL,
    at             timestamptz NOT NULL
);
CREATE INDEX learning_run_at ON learning_run (at DESC);
CREATE TRIGGER learning_run_append_only BEFORE UPDATE OR DELETE ON learning_run
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The alias memory as the last refit left it; `against` says what keeps an alias from being used.
CREATE TABLE alias_standing (
    facility_id text   NOT NULL,
    phrase      text   NOT NULL,
    code        text   NOT NULL,
    shown       int    NOT NULL,
    accepted    int    NOT NULL,
    agreed      int    NOT NULL,
    encounters  int    NOT NULL,
    coders      int    NOT NULL,
    promoted    boolean NOT NULL,
    against     text[] NOT NULL,
    PRIMARY KEY (facility_id, phrase, code)
);

-- Append-only: what the shadow would have shown beside what was shown.
CREATE TABLE shadow_answer (
    encounter_id   uuid        NOT NULL,
    record_version int         NOT NULL,
    facility_id    text        NOT NULL,
    live_model     text        NOT NULL,
    shadow_model   text        NOT NULL,
    live_codes     text[]      NOT NULL,
    shadow_codes   text[]      NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (encounter_id, record_version, shadow_model, live_model)
);
CREATE INDEX shadow_answer_model ON shadow_answer (shadow_model, at);
CREATE TRIGGER shadow_answer_append_only BEFORE UPDATE OR DELETE ON shadow_answer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
