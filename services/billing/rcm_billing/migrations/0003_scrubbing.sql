-- What the scrubber judges by beside the claim: released reference tables, and what the patient had before.

-- One release of one table family, as coding activated it. Its rows are used once all of them are here.
CREATE TABLE reference_release (
    release_id     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system         text   NOT NULL,
    edition        text   NOT NULL,
    effective_from date   NOT NULL,
    effective_to   date,
    sha256         text   NOT NULL,
    heads          text   NOT NULL DEFAULT '', -- names of the columns of its rows, with tabs
    loaded         bigint NOT NULL DEFAULT 0,
    complete       boolean NOT NULL DEFAULT false,
    activated_at   timestamptz NOT NULL,
    UNIQUE (system, sha256),
    CHECK (effective_to IS NULL OR effective_from <= effective_to)
);

-- NCCI PTP: more than a million rows a release; looked up by the pairs of codes of a batch of claims.
CREATE TABLE ptp_pair (
    release_id int  NOT NULL,
    column1    text NOT NULL,
    column2    text NOT NULL,
    effective  date NOT NULL,
    deleted    date,
    modifier   text NOT NULL
);
CREATE INDEX ptp_pair_codes ON ptp_pair (release_id, column1, column2);

-- Coverage articles (LCD, NCD): the procedures, diagnoses and contractors of each version of each.
CREATE TABLE coverage_code (
    release_id int  NOT NULL,
    article    text NOT NULL,
    version    text NOT NULL,
    effective  date,
    ended      date,
    kind       text NOT NULL,
    code       text NOT NULL
);
CREATE INDEX coverage_code_procedure ON coverage_code (release_id, code) WHERE kind = 'procedure';
CREATE INDEX coverage_code_article ON coverage_code (release_id, article, version, kind, code);

-- Every other family: one row as coding sent it, found by its first column.
CREATE TABLE reference_row (
    release_id int  NOT NULL,
    code       text NOT NULL,
    body       text NOT NULL
);
CREATE INDEX reference_row_code ON reference_row (release_id, code);

-- What a claim to the first payer says of the patient's services; `patient` is a digest, `body` the services.
CREATE TABLE claim_history (
    claim_id        uuid PRIMARY KEY,
    patient         bytea NOT NULL,
    service_through date  NOT NULL,
    body            text  NOT NULL
);
CREATE INDEX claim_history_patient ON claim_history (patient, service_through);

-- Rules that the installation writes for its payers. A version never changes; its steps tell draft, active, retired.
-- `facility_id` empty: every facility. `payers` empty: every payer.
CREATE TABLE payer_rule (
    rule_id        text NOT NULL,
    version        int  NOT NULL CHECK (version >= 1),
    facility_id    text NOT NULL,
    title          text NOT NULL,
    payers         text[] NOT NULL,
    form           text CHECK (form IN ('837P', '837I')),
    effective_from date NOT NULL,
    effective_to   date,
    severity       text NOT NULL CHECK (severity IN ('R', 'H', 'W')),
    owner          text NOT NULL,
    authority      text NOT NULL,
    fix            text NOT NULL,
    expression     text NOT NULL,
    written_by     text NOT NULL,
    written_at     timestamptz NOT NULL,
    PRIMARY KEY (rule_id, version),
    CHECK (effective_to IS NULL OR effective_from <= effective_to)
);
CREATE TABLE payer_rule_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id text NOT NULL,
    version int  NOT NULL,
    state   text NOT NULL CHECK (state IN ('draft', 'active', 'retired')),
    by      text NOT NULL,
    at      timestamptz NOT NULL,
    reason  text NOT NULL DEFAULT '',
    UNIQUE (rule_id, version, state),
    FOREIGN KEY (rule_id, version) REFERENCES payer_rule
);

-- What claims were judged by: the day, rule versions, editions of the tables, the payer's limits. Shared by claims.
CREATE TABLE scrub_basis (
    digest bytea PRIMARY KEY,
    body   text  NOT NULL
);
-- The scrub of one claim version. `circumstances` is what neither the document nor the basis says; `result` is a
-- digest of hits and rules that were not evaluated; `repairs` names mended elements, never values.
CREATE TABLE scrub_run (
    claim_id      uuid  PRIMARY KEY,
    facility_id   text  NOT NULL,
    basis         bytea NOT NULL REFERENCES scrub_basis,
    circumstances text  NOT NULL,
    result        bytea NOT NULL,
    repairs       text  NOT NULL DEFAULT '[]'
);

CREATE FUNCTION scrubbing_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rules and scrub runs are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payer_rule_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payer_rule
    FOR EACH STATEMENT EXECUTE FUNCTION scrubbing_is_append_only();
CREATE TRIGGER payer_rule_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payer_rule_step
    FOR EACH STATEMENT EXECUTE FUNCTION scrubbing_is_append_only();
CREATE TRIGGER scrub_run_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON scrub_run
    FOR EACH STATEMENT EXECUTE FUNCTION scrubbing_is_append_only();
