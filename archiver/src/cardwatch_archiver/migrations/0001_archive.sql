-- What Kafka's topics said, for as long as it is to be kept.
--
-- Transactions and alerts are partitioned by the day on which Kafka took the transaction (UTC):
-- event times are what producers say they are, and may be of any day. Partitions are made by the
-- archiver, as days come. Times are UTC; amounts are minor units of the currency.

CREATE TABLE archive_positions (
    topic text NOT NULL,
    topic_id text NOT NULL,            -- Kafka's own: a topic that was made anew has another
    partition integer NOT NULL,
    next_offset bigint NOT NULL,       -- written in one database transaction with the rows before it
    PRIMARY KEY (topic, topic_id, partition)
);

CREATE TABLE transactions (
    ingested_at timestamptz NOT NULL,  -- when Kafka took it
    event_time timestamptz NOT NULL,   -- when the cardholder paid
    transaction_id text NOT NULL,      -- not unique here: a producer may send one twice
    user_id text NOT NULL,
    card_id text NOT NULL,
    bank_id text NOT NULL,
    payment_system text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    merchant_id text NOT NULL,
    merchant_category text NOT NULL,
    country text NOT NULL,
    city text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    pin_used boolean NOT NULL,
    channel text NOT NULL,
    card_limit_minor bigint,
    label text                         -- the scenario a simulator injected
) PARTITION BY RANGE (ingested_at);

CREATE INDEX transactions_by_id ON transactions (transaction_id);
CREATE INDEX transactions_by_card ON transactions (card_id, event_time);
CREATE INDEX transactions_by_user ON transactions (user_id, event_time);

CREATE TABLE alerts (
    ingested_at timestamptz NOT NULL,  -- when Kafka took the transaction
    alert_id uuid NOT NULL,
    event_time timestamptz NOT NULL,
    transaction_id text NOT NULL,
    user_id text NOT NULL,
    card_id text NOT NULL,
    bank_id text NOT NULL,
    payment_system text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    merchant_id text NOT NULL,
    merchant_category text NOT NULL,
    country text NOT NULL,
    city text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('active', 'shadow')),
    config text NOT NULL,
    generation bigint NOT NULL,
    detectors text[] NOT NULL,         -- of the findings, in their order
    trace_id text,
    alert jsonb NOT NULL,              -- the whole record, as far as the contract knows it
    PRIMARY KEY (ingested_at, alert_id) -- one raised again replaces itself, of another day too
) PARTITION BY RANGE (ingested_at);

CREATE INDEX alerts_by_id ON alerts (alert_id);
CREATE INDEX alerts_by_transaction ON alerts (transaction_id);
CREATE INDEX alerts_by_user ON alerts (user_id, event_time);
CREATE INDEX alerts_by_bank ON alerts (bank_id, event_time);
CREATE INDEX alerts_by_time ON alerts (event_time);

CREATE TABLE transaction_stats (
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,   -- exclusive
    dimension text NOT NULL CHECK (dimension IN ('total', 'bank', 'category')),
    name text NOT NULL,                -- of the bank or category; empty for the total
    currency text NOT NULL,
    count bigint NOT NULL,
    sum_minor numeric NOT NULL,
    min_minor bigint NOT NULL,
    max_minor bigint NOT NULL,
    average_minor double precision NOT NULL,
    PRIMARY KEY (window_start, window_end, dimension, name, currency)
);

CREATE TABLE feedback (
    feedback_id text PRIMARY KEY,
    alert_id uuid NOT NULL,
    transaction_id text NOT NULL,
    user_id text NOT NULL,
    card_id text NOT NULL,
    bank_id text NOT NULL,
    merchant_id text NOT NULL,
    label text NOT NULL CHECK (label IN ('fraudulent', 'genuine', 'unsure')),
    given_by text NOT NULL,
    given_at timestamptz NOT NULL,     -- the latest of an alert counts
    reason text NOT NULL
);

CREATE INDEX feedback_by_alert ON feedback (alert_id, given_at);
CREATE INDEX feedback_by_user ON feedback (user_id);
