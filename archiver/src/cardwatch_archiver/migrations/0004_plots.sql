-- What pages with plots ask: sums of windows, transactions of a span, and samples of them.

-- Transactions come nearly in the order of event time, so a summary of each piece of a partition
-- tells which pieces a span is in. It costs writers next to nothing.
CREATE INDEX transactions_by_time ON transactions USING brin (event_time)
WITH (autosummarize = on);

CREATE INDEX transaction_stats_by_dimension ON transaction_stats (dimension, window_start)
INCLUDE (name, count);

CREATE VIEW analytics.transaction_stats AS
SELECT
    window_start, window_end, dimension, name, currency, count, sum_minor, min_minor, max_minor,
    average_minor
FROM transaction_stats;

-- The pages of the table are drawn, not the rows: only so is a sample quicker than all of them.
-- The same pages each time, so that figures do not jump when they are asked for again.
CREATE VIEW analytics.transactions_1_in_100 AS
SELECT
    ingested_at, event_time, transaction_id, user_id, card_id, bank_id, payment_system,
    amount_minor, currency, merchant_id, merchant_category, country, city, latitude, longitude,
    pin_used, channel, card_limit_minor, label
FROM transactions TABLESAMPLE SYSTEM (1) REPEATABLE (1);

CREATE VIEW analytics.transactions_1_in_10000 AS
SELECT
    ingested_at, event_time, transaction_id, user_id, card_id, bank_id, payment_system,
    amount_minor, currency, merchant_id, merchant_category, country, city, latitude, longitude,
    pin_used, channel, card_limit_minor, label
FROM transactions TABLESAMPLE SYSTEM (0.01) REPEATABLE (1);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cardwatch_reader') THEN
        GRANT SELECT ON
            analytics.transaction_stats, analytics.transactions_1_in_100,
            analytics.transactions_1_in_10000
        TO cardwatch_reader;
    END IF;
END
$$;
