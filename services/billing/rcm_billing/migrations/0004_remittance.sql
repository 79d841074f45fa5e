-- Remittance: how claim payments found their claims, deposits, variances from the contract, statements, refunds and
-- write-offs that wait for a second person.

-- Where in the file and against which rule; the claims that it may belong to; who decided what. A parked reversal waits
-- for the decision that it undoes.
ALTER TABLE unmatched
    ADD COLUMN segment    text NOT NULL DEFAULT '',
    ADD COLUMN rule       text NOT NULL DEFAULT '',
    ADD COLUMN candidates text NOT NULL DEFAULT '[]',
    ADD COLUMN remit_key  text,
    ADD COLUMN claim_id   uuid,
    ADD COLUMN decided_by text,
    ADD COLUMN decision   text NOT NULL DEFAULT '',
    ADD COLUMN decided_at timestamptz,
    ADD CONSTRAINT unmatched_state CHECK (state IN ('open', 'parked', 'matched', 'dismissed')),
    DROP CONSTRAINT unmatched_sha256_kind_ordinal_key;
-- of a claim payment: once per payment, in whichever file it comes again; of anything else: once per file
CREATE UNIQUE INDEX unmatched_in_file ON unmatched (sha256, kind, ordinal) WHERE remit_key IS NULL;
CREATE UNIQUE INDEX unmatched_in_payment ON unmatched (remit_key, ordinal) WHERE remit_key IS NOT NULL;
CREATE INDEX unmatched_parked ON unmatched (claim_id) WHERE state = 'parked';

-- `content` is a digest of what the 835 says. A payment is "expected" until its deposit is seen, "none" when it moves no
-- money, "differs" when the deposit has another amount.
ALTER TABLE remittance
    ADD COLUMN method          text NOT NULL DEFAULT '',
    ADD COLUMN payer_trace_id  text NOT NULL DEFAULT '',
    ADD COLUMN content         text NOT NULL DEFAULT '',
    ADD COLUMN source          text NOT NULL DEFAULT '835' CHECK (source IN ('835', 'manual')),
    ADD COLUMN entered_by      text,
    ADD COLUMN deposit_state   text NOT NULL DEFAULT 'expected'
        CHECK (deposit_state IN ('expected', 'reconciled', 'differs', 'none'));
CREATE INDEX remittance_trace ON remittance (trace);
CREATE INDEX remittance_received ON remittance (received_at);

-- How a claim payment found its claim (tier) and how sure that is (score, of 100).
ALTER TABLE remittance_claim
    ADD COLUMN tier  text NOT NULL DEFAULT 'control',
    ADD COLUMN score int  NOT NULL DEFAULT 100,
    DROP CONSTRAINT remittance_claim_remit_key_claim_control_payer_control_stat_key;
-- a claim payment that a person undid may be matched again
CREATE UNIQUE INDEX remittance_claim_standing
    ON remittance_claim (remit_key, claim_control, payer_control, status, ordinal) WHERE reversed_by IS NULL;
CREATE INDEX remittance_claim_place ON remittance_claim (remit_key, ordinal);
CREATE INDEX remittance_claim_transaction ON remittance_claim (transaction_id) WHERE transaction_id IS NOT NULL;

-- What a payer's 835 settles on the provider's account (PLB); it belongs to no claim.
CREATE TABLE provider_adjustment (
    remit_key text   NOT NULL REFERENCES remittance,
    position  int    NOT NULL,
    reason    text   NOT NULL,
    reference text   NOT NULL,
    cents     bigint NOT NULL,
    PRIMARY KEY (remit_key, position)
);

-- One electronic deposit (CCD+) or check at the bank; its trace is the TRN02 of the 835 that explains it.
CREATE TABLE deposit (
    deposit_id   text PRIMARY KEY,
    payer_id     text   NOT NULL DEFAULT '',
    originator   text   NOT NULL DEFAULT '',
    trace        text   NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    effective_on date,
    state        text   NOT NULL CHECK (state IN ('waiting', 'reconciled', 'differs')),
    remit_key    text REFERENCES remittance,
    received_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deposit_trace ON deposit (trace);

-- When a claim's services took place, to find it when the payer names no number of ours.
ALTER TABLE claim
    ADD COLUMN service_from text GENERATED ALWAYS AS (substring(document from '"service_from":"([0-9-]{10})"')) STORED;
CREATE INDEX claim_charge_date ON claim (charge_cents, service_from);

-- `number` is the order of posting: several transactions may share a moment.
ALTER TABLE ledger_transaction
    ADD COLUMN number    bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN actor     text NOT NULL DEFAULT '',
    ADD COLUMN reason    text NOT NULL DEFAULT '',
    ADD COLUMN reference text NOT NULL DEFAULT '';

-- A payer allowed something else than contract or fee schedule say. `held_cents` stays open until somebody decides.
CREATE TABLE variance (
    variance_id    uuid PRIMARY KEY,
    encounter_id   uuid   NOT NULL,
    facility_id    text   NOT NULL,
    claim_id       uuid   NOT NULL,
    remitted_id    uuid   NOT NULL,
    payer_id       text   NOT NULL,
    payer_order    text   NOT NULL,
    line           int    NOT NULL,
    basis          text   NOT NULL,
    expected_cents bigint NOT NULL,
    allowed_cents  bigint NOT NULL,
    held_cents     bigint NOT NULL,
    state          text   NOT NULL CHECK (state IN ('open', 'disputed', 'accepted', 'recovered', 'withdrawn')),
    decided_by     text   NOT NULL DEFAULT '',
    reason         text   NOT NULL DEFAULT '',
    transaction_id uuid,  -- by which the held reduction was accepted
    found_at       timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX variance_worklist ON variance (state, found_at);
CREATE INDEX variance_remitted ON variance (remitted_id);
CREATE INDEX variance_encounter ON variance (encounter_id);

-- A refund or write-off that a person asked for; above the limit another person decides.
CREATE TABLE settlement_request (
    request_id   uuid PRIMARY KEY,
    encounter_id uuid   NOT NULL,
    facility_id  text   NOT NULL,
    kind         text   NOT NULL CHECK (kind IN ('refund', 'write-off')),
    category     text   NOT NULL,
    receivable   text   NOT NULL CHECK (receivable IN ('patient', 'P', 'S', 'T')),
    cents        bigint NOT NULL CHECK (cents > 0),
    reason       text   NOT NULL,
    state        text   NOT NULL CHECK (state IN ('requested', 'posted', 'refused')),
    requested_by text   NOT NULL,
    requested_at timestamptz NOT NULL,
    decided_by   text,
    decided_at   timestamptz,
    transaction_id uuid,
    CHECK (kind <> 'refund' OR decided_by IS DISTINCT FROM requested_by)
);
CREATE INDEX settlement_request_open ON settlement_request (requested_at) WHERE state = 'requested';
CREATE INDEX settlement_request_encounter ON settlement_request (encounter_id);

-- A statement as it was issued; `body` is what it says, without the patient's name and address.
CREATE TABLE statement (
    statement_id uuid PRIMARY KEY,
    encounter_id uuid   NOT NULL,
    facility_id  text   NOT NULL,
    serial       int    NOT NULL,
    issued_on    date   NOT NULL,
    due_on       date   NOT NULL,
    open_cents   bigint NOT NULL,
    final        boolean NOT NULL,
    body         text   NOT NULL,
    UNIQUE (encounter_id, serial)
);
