-- A catalog may be applied before the day on which it is in force. Those from before it had one began in the order in which they
-- were applied.
ALTER TABLE catalog ADD COLUMN starts_at timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN catalog.number IS 'Order of application: of two that began at once, the later one is in force.';
