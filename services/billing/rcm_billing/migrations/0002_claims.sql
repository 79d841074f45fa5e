-- Ready claims by age: the next batch is the oldest group's, whatever else waits.
CREATE INDEX claim_ready_since ON claim (updated_at) WHERE state = 'ready';
