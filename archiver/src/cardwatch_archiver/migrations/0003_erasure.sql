-- Who was erased on request, so that what Kafka still holds of them is not archived again. Neither
-- table names anybody: users are known by a keyed hash, whose key is this database's own.

CREATE TABLE erasure_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    key bytea NOT NULL,
    revision bigint NOT NULL DEFAULT 0   -- grows with every erasure
);

INSERT INTO erasure_key (key)
VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE TABLE erased_users (
    user_digest bytea PRIMARY KEY CHECK (octet_length(user_digest) = 32),
    erased_at timestamptz NOT NULL       -- what is older is left out; what is younger is of a new user
);

CREATE TABLE erasure_log (
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    user_digest bytea NOT NULL,
    erased_at timestamptz NOT NULL,
    erased_by text NOT NULL,
    removed jsonb NOT NULL               -- how much in each store
);
