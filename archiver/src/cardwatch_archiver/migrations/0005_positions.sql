-- How far the archive is: whoever may read it may know how fresh it is.

CREATE VIEW analytics.positions AS
SELECT topic, topic_id, partition, next_offset FROM archive_positions;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cardwatch_reader') THEN
        GRANT SELECT ON analytics.positions TO cardwatch_reader;
    END IF;
END
$$;
