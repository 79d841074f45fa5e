-- Tracking: what reached which attempt and in which file, inquiries, the last day of timely filing.

-- One row per acknowledgement or status of one attempt, in the order of arrival; proof that a claim was filed.
CREATE TABLE acknowledgement (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id   uuid   NOT NULL,
    claim_id     uuid   NOT NULL,
    encounter_id uuid   NOT NULL,
    label        text   NOT NULL,
    effect       text   NOT NULL,
    status_codes text[] NOT NULL,
    reference    text   NOT NULL,
    sha256       bytea  NOT NULL REFERENCES inbound_file,
    received_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX acknowledgement_claim ON acknowledgement (claim_id, acknowledgement_id);

CREATE FUNCTION acknowledgement_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'acknowledgements are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER acknowledgement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION acknowledgement_is_append_only();

-- One question about one claim's status (276); `trace` comes back in the answer.
CREATE TABLE status_inquiry (
    trace          text PRIMARY KEY,
    claim_id       uuid NOT NULL,
    encounter_id   uuid NOT NULL,
    facility_id    text NOT NULL,
    payer_id       text NOT NULL,
    asked_by       text NOT NULL,
    asked_at       timestamptz NOT NULL,
    interchange_id uuid REFERENCES interchange,
    answered_at    timestamptz,
    category       text NOT NULL DEFAULT '',
    state          text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'answered', 'refused'))
);
CREATE INDEX status_inquiry_waiting ON status_inquiry (asked_at) WHERE state = 'waiting';
CREATE INDEX status_inquiry_claim ON status_inquiry (claim_id, asked_at);

-- The filing window of the claim's payer: the day to warn on and the last day; what was told so far.
ALTER TABLE claim
    ADD COLUMN filing_warn_day date,
    ADD COLUMN filing_last_day date,
    ADD COLUMN filing_alert text NOT NULL DEFAULT '' CHECK (filing_alert IN ('', 'warned', 'expired'));
CREATE INDEX claim_unfiled ON claim (filing_warn_day)
    WHERE state IN ('held', 'ready', 'submitted', 'rejected') AND filing_alert <> 'expired';
CREATE INDEX claim_undecided ON claim (payer_id, claim_id) WHERE state IN ('submitted', 'accepted', 'pended');
CREATE INDEX interchange_sent ON interchange (sent_at) WHERE state = 'sent';
