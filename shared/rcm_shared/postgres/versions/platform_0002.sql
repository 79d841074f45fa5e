-- One statement claims a batch and moves the positions on: it needs the length of the run that it has just counted.
ALTER TABLE position ADD COLUMN run int NOT NULL DEFAULT 0;
COMMENT ON COLUMN position.run IS 'events of this key in the last claim; tells whether they follow on from last_seq';

-- Where a record lay is known from its event id and the topic; every applied event paid for storing it.
ALTER TABLE inbox DROP COLUMN occurred_on, DROP COLUMN partition, DROP COLUMN "offset",
    ADD COLUMN received_on date NOT NULL DEFAULT current_date;
