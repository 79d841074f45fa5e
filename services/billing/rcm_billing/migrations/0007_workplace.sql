-- What the biller's pages ask for: open accounts by facility, claims by their last change.
CREATE INDEX account_open ON account (facility_id, encounter_id) WHERE balance_cents <> 0 OR patient_cents <> 0;
CREATE INDEX claim_facility_state ON claim (facility_id, state, claim_id);
