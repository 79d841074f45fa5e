-- Worklists: where a chart stands in which queue, who held it, who may code what, second opinions, trials.

ALTER TABLE coding_case
    ADD COLUMN queue text NOT NULL DEFAULT 'office',
    ADD COLUMN work_type text NOT NULL DEFAULT 'professional',
    ADD COLUMN urgency text NOT NULL DEFAULT 'routine',
    ADD COLUMN payer_id text,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN filing_deadline date,
    ADD COLUMN priority_at timestamptz,
    ADD COLUMN policy_version int NOT NULL DEFAULT -1,
    ADD COLUMN lock_until timestamptz,
    ADD COLUMN hold_owner text,
    ADD COLUMN hold_reason text,
    ADD COLUMN returned boolean NOT NULL DEFAULT false,
    ADD COLUMN flagged boolean NOT NULL DEFAULT false,
    ADD COLUMN charge_cents bigint NOT NULL DEFAULT 0;

-- Charts from before this version wait by the day they were completed until the rules have routed them.
UPDATE coding_case SET priority_at = completed_at, due_at = completed_at;

CREATE INDEX coding_case_priority ON coding_case (priority_at, encounter_id)
    INCLUDE (facility_id, queue, state, assignee, lock_until)
    WHERE state NOT IN ('final_coded', 'cancelled', 'awaiting_documentation') AND priority_at IS NOT NULL;
CREATE INDEX coding_case_queue ON coding_case (queue, priority_at, encounter_id)
    INCLUDE (facility_id, state, assignee, lock_until)
    WHERE state NOT IN ('final_coded', 'cancelled', 'awaiting_documentation') AND priority_at IS NOT NULL;
CREATE INDEX coding_case_assignee ON coding_case (assignee, priority_at, encounter_id)
    WHERE state NOT IN ('final_coded', 'cancelled', 'awaiting_documentation') AND assignee IS NOT NULL;

-- Final codes that changed after a coder had seen what the earlier ones pay.
CREATE INDEX coding_case_flagged ON coding_case (encounter_id) WHERE flagged;

-- What learning needs of a decision beside the codes: where the code stood in the list and who ranked it.
ALTER TABLE coding_decision
    ADD COLUMN role text NOT NULL DEFAULT '',
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD COLUMN shown_position int,
    ADD COLUMN shown_count int,
    ADD COLUMN model text NOT NULL DEFAULT '',
    ADD COLUMN p real;

-- The rules of the worklist, by version; the newest is in force.
CREATE TABLE worklist_policy (
    version    int PRIMARY KEY,
    body       text        NOT NULL,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TRIGGER worklist_policy_append_only BEFORE UPDATE OR DELETE ON worklist_policy
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE coder_credential (
    subject    text        NOT NULL,
    credential text        NOT NULL,
    valid_from date        NOT NULL,
    valid_to   date        NOT NULL,
    granted_by text        NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (subject, credential, valid_from),
    CHECK (valid_from <= valid_to)
);

-- Append-only: who took, gave, held and returned a chart, and when its state changed.
CREATE TABLE case_handling (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    encounter_id uuid        NOT NULL,
    facility_id  text        NOT NULL,
    actor        text        NOT NULL,
    action       text        NOT NULL,
    state        text        NOT NULL,
    assignee     text,
    reason       text,
    case_version int         NOT NULL,
    at           timestamptz NOT NULL
);
CREATE INDEX case_handling_encounter ON case_handling (encounter_id, id);
CREATE TRIGGER case_handling_append_only BEFORE UPDATE OR DELETE ON case_handling
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Append-only: the second-opinion thread, kept with the chart. Free text: patient data.
CREATE TABLE case_comment (
    id           uuid PRIMARY KEY,
    encounter_id uuid        NOT NULL,
    facility_id  text        NOT NULL,
    author       text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('question', 'opinion', 'withdrawn', 'comment')),
    body         text        NOT NULL,
    at           timestamptz NOT NULL
);
CREATE INDEX case_comment_encounter ON case_comment (encounter_id, at);
CREATE TRIGGER case_comment_append_only BEFORE UPDATE OR DELETE ON case_comment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Who saw the payment of which final version: later changes of the codes are flagged.
CREATE TABLE payment_seen (
    encounter_id uuid        NOT NULL,
    subject      text        NOT NULL,
    case_version int         NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (encounter_id, subject, case_version)
);

-- What closing by rule would have done, or did, and what the person then did.
CREATE TABLE auto_close_trial (
    encounter_id uuid PRIMARY KEY,
    facility_id  text        NOT NULL,
    work_type    text        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    codes        text[]      NOT NULL,
    agreed       boolean,
    at           timestamptz NOT NULL,
    judged_at    timestamptz
);
CREATE INDEX auto_close_trial_work_type ON auto_close_trial (work_type, at);
