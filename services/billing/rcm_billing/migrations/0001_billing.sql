-- Billing: accounts, claims, interchanges, what payers answered, the ledger.

-- One aggregate per encounter; `body` is the frozen state, the columns are what is asked for. An empty body is a row
-- that only serves as a lock: nothing is known of the encounter yet.
CREATE TABLE account (
    encounter_id   uuid PRIMARY KEY,
    facility_id    text   NOT NULL,
    claim_state    text   NOT NULL,
    waiting_for    text,
    charged_cents  bigint NOT NULL DEFAULT 0,
    paid_cents     bigint NOT NULL DEFAULT 0,
    adjusted_cents bigint NOT NULL DEFAULT 0,
    patient_cents  bigint NOT NULL DEFAULT 0,
    balance_cents  bigint NOT NULL DEFAULT 0,
    version        int    NOT NULL DEFAULT 1,
    body           text   NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (charged_cents = paid_cents + adjusted_cents + patient_cents + balance_cents)
) WITH (fillfactor = 70);
CREATE INDEX account_state ON account (claim_state, encounter_id);

-- One row per claim version. `document` never changes; `state` and `owner_queue` follow the account.
CREATE TABLE claim (
    claim_id      uuid PRIMARY KEY,
    encounter_id  uuid   NOT NULL,
    facility_id   text   NOT NULL,
    payer_id      text   NOT NULL,
    payer_order   text   NOT NULL,
    version       int    NOT NULL,
    form          text   NOT NULL,
    frequency     text   NOT NULL,
    claim_control text   NOT NULL UNIQUE,
    charge_cents  bigint NOT NULL,
    document      text   NOT NULL,
    wire_subscriber text NOT NULL,
    wire_dependent  text NOT NULL,
    hits          text   NOT NULL,
    not_evaluated text[] NOT NULL,
    fingerprint   bytea  NOT NULL,
    state         text   NOT NULL,
    owner_queue   text   NOT NULL,
    payer_control text   NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (encounter_id, payer_order, version)
) WITH (fillfactor = 90);
CREATE INDEX claim_ready ON claim (facility_id, payer_id, form, claim_id) WHERE state = 'ready';
CREATE INDEX claim_worklist ON claim (state, claim_id);
CREATE INDEX claim_fingerprint ON claim (fingerprint);
CREATE INDEX claim_payer_control ON claim (payer_control) WHERE payer_control <> '';

CREATE TABLE control_number (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO control_number (name, value) VALUES ('interchange', 0);

-- Frozen bytes with their control numbers; a retry sends the same bytes.
CREATE TABLE interchange (
    interchange_id uuid PRIMARY KEY,
    isa13       text  NOT NULL UNIQUE,
    gs06        text  NOT NULL UNIQUE,
    st02        text  NOT NULL,
    bht03       text  NOT NULL UNIQUE,
    facility_id text  NOT NULL,
    payer_id    text  NOT NULL,
    form        text  NOT NULL,
    claims      int   NOT NULL,
    body        bytea NOT NULL,
    sha256      bytea NOT NULL,
    state       text  NOT NULL CHECK (state IN ('built', 'sent', 'withdrawn')),
    faults      text  NOT NULL DEFAULT '[]',
    built_at    timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz
);
CREATE INDEX interchange_built ON interchange (isa13) WHERE state = 'built';

CREATE TABLE submission_attempt (
    attempt_id     uuid PRIMARY KEY,
    interchange_id uuid NOT NULL REFERENCES interchange,
    claim_id       uuid NOT NULL,
    encounter_id   uuid NOT NULL
);
CREATE INDEX submission_attempt_interchange ON submission_attempt (interchange_id);
CREATE INDEX submission_attempt_claim ON submission_attempt (claim_id);

-- Everything that came from a payer, byte for byte; the same bytes are one row.
CREATE TABLE inbound_file (
    sha256      bytea PRIMARY KEY,
    name        text  NOT NULL,
    body        bytea NOT NULL,
    state       text  NOT NULL CHECK (state IN ('stored', 'applied', 'unreadable')),
    received_at timestamptz NOT NULL DEFAULT now(),
    applied_at  timestamptz
);
CREATE INDEX inbound_file_stored ON inbound_file (received_at) WHERE state = 'stored';

-- One payment (835 transaction set), told apart by payer id, trace, date and amount.
CREATE TABLE remittance (
    remit_key     text PRIMARY KEY,
    sha256        bytea  NOT NULL,
    trace         text   NOT NULL,
    payment_cents bigint NOT NULL,
    paid_on       date,
    claims        int    NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now()
);

-- One CLP loop, applied once. `body` is what it said, for the next payer's claim and for reversals.
CREATE TABLE remittance_claim (
    remitted_id    uuid PRIMARY KEY,
    remit_key      text   NOT NULL REFERENCES remittance,
    claim_control  text   NOT NULL,
    payer_control  text   NOT NULL,
    status         text   NOT NULL,
    ordinal        int    NOT NULL,
    claim_id       uuid   NOT NULL,
    encounter_id   uuid   NOT NULL,
    payer_order    text   NOT NULL,
    transaction_id uuid,
    reversed_by    uuid,
    paid_on        date,
    body           text   NOT NULL,
    applied_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (remit_key, claim_control, payer_control, status, ordinal)
);
CREATE INDEX remittance_claim_claim ON remittance_claim (claim_id);

-- What could not be applied, with the reason; nothing a payer sent is dropped. `body` is patient data.
CREATE TABLE unmatched (
    unmatched_id uuid PRIMARY KEY,
    sha256       bytea  NOT NULL,
    kind         text   NOT NULL,
    ordinal      int    NOT NULL,
    reason       text   NOT NULL,
    reference    text   NOT NULL DEFAULT '',
    amount_cents bigint,
    body         text   NOT NULL DEFAULT '',
    state        text   NOT NULL DEFAULT 'open',
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (sha256, kind, ordinal)
);
CREATE INDEX unmatched_open ON unmatched (created_at) WHERE state = 'open';

CREATE TABLE denial (
    denial_id    uuid PRIMARY KEY,
    encounter_id uuid   NOT NULL,
    facility_id  text   NOT NULL,
    claim_id     uuid   NOT NULL,
    state        text   NOT NULL,
    group_code   text   NOT NULL,
    carc         text   NOT NULL,
    category     text   NOT NULL,
    denied_cents bigint NOT NULL,
    deadline_at  timestamptz,
    denied_at    timestamptz NOT NULL
);
CREATE INDEX denial_worklist ON denial (state, deadline_at);

CREATE TABLE appeal (
    appeal_id    uuid PRIMARY KEY,
    denial_id    uuid  NOT NULL,
    encounter_id uuid  NOT NULL,
    level        int   NOT NULL,
    body         text  NOT NULL,
    state        text  NOT NULL CHECK (state IN ('filed', 'sent')),
    filed_by     text  NOT NULL,
    filed_at     timestamptz NOT NULL DEFAULT now(),
    sent_at      timestamptz,
    UNIQUE (denial_id, level)
);
CREATE INDEX appeal_filed ON appeal (filed_at) WHERE state = 'filed';

-- Double entry. Debits positive, credits negative; every transaction sums to zero and nothing is ever changed.
CREATE TABLE ledger_transaction (
    transaction_id uuid PRIMARY KEY,
    encounter_id   uuid,
    facility_id    text NOT NULL,
    kind           text NOT NULL,
    claim_id       uuid,
    reverses       uuid UNIQUE REFERENCES ledger_transaction,
    posted_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ledger_transaction_encounter ON ledger_transaction (encounter_id);

CREATE TABLE ledger_entry (
    transaction_id uuid   NOT NULL REFERENCES ledger_transaction,
    position       int    NOT NULL,
    account        text   NOT NULL,
    group_code     text   NOT NULL DEFAULT '',
    reason_code    text   NOT NULL DEFAULT '',
    cents          bigint NOT NULL,
    PRIMARY KEY (transaction_id, position)
);

CREATE FUNCTION ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(cents), 0) <> 0 OR count(*) < 2 FROM ledger_entry
        WHERE transaction_id = NEW.transaction_id) THEN
        RAISE EXCEPTION 'ledger transaction does not sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
-- deferred: the entries of a transaction may come in any order before the commit
CREATE CONSTRAINT TRIGGER ledger_transaction_balanced AFTER INSERT ON ledger_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_is_balanced();
CREATE CONSTRAINT TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_is_balanced();

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_transaction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- What coding publishes as billable ICD-10-CM codes, one row per edition; `codes` is one code a line, `sha256` names
-- the release, `codes_sha256` is over `codes`.
CREATE TABLE code_set (
    edition        text PRIMARY KEY,
    effective_from date  NOT NULL,
    effective_to   date,
    sha256         text  NOT NULL UNIQUE,
    codes_sha256   text  NOT NULL,
    codes          bytea NOT NULL,
    activated_at   timestamptz NOT NULL,
    CHECK (effective_to IS NULL OR effective_from <= effective_to)
);
