-- Code-set releases of every system: staged, checked, active, superseded; no two active ones of a system overlap.

ALTER TABLE code_set_release
    DROP CONSTRAINT code_set_release_status_check,
    ADD CONSTRAINT code_set_release_status_check CHECK (status IN ('staged', 'checked', 'active', 'superseded')),
    ALTER COLUMN activated_at DROP NOT NULL,
    ADD CONSTRAINT code_set_release_activated CHECK (activated_at IS NOT NULL OR status IN ('staged', 'checked')),
    ADD COLUMN licence text NOT NULL DEFAULT 'public';

-- One archive may hold the files of several systems.
ALTER TABLE code_set_release
    DROP CONSTRAINT code_set_release_sha256_key,
    ADD CONSTRAINT code_set_release_file UNIQUE (system, sha256);

-- The system takes part as a range of one number, so that no extension is needed.
DROP INDEX code_set_release_active;
ALTER TABLE code_set_release
    ADD CONSTRAINT code_set_release_no_overlap EXCLUDE USING gist (
        int8range(hashtext(system)::bigint, hashtext(system)::bigint, '[]') WITH &&,
        daterange(effective_from, effective_to, '[]') WITH &&
    ) WHERE (status = 'active');
