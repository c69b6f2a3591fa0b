-- What analysts may read: views in a schema of their own, and ready answers.
--
-- Each ready answer is a function of a span of event time, [begins, ends), and a view of the same
-- name that takes all there is. `alerts` counts those that are in force, `on_trial` those of which
-- every finding is in shadow mode. Hours are UTC. Amounts are minor units of their currency, and
-- those of different currencies are never added up.

CREATE SCHEMA analytics;

CREATE VIEW analytics.transactions AS
SELECT
    ingested_at, event_time, transaction_id, user_id, card_id, bank_id, payment_system,
    amount_minor, currency, merchant_id, merchant_category, country, city, latitude, longitude,
    pin_used, channel, card_limit_minor, label
FROM transactions;

CREATE VIEW analytics.alerts AS
SELECT
    ingested_at, alert_id, event_time, transaction_id, user_id, card_id, bank_id, payment_system,
    amount_minor, currency, merchant_id, merchant_category, country, city,
    alert -> 'transaction' ->> 'channel' AS channel,
    (alert -> 'transaction' ->> 'pin_used')::boolean AS pin_used,
    mode, config, generation, detectors,
    ARRAY(
        SELECT finding ->> 'reason'
        FROM jsonb_array_elements(alert -> 'findings') WITH ORDINALITY AS findings (finding, place)
        ORDER BY place
    ) AS reasons,
    trace_id
FROM alerts;

-- One row for each detector that objects.
CREATE VIEW analytics.findings AS
SELECT
    alerts.ingested_at, alerts.alert_id, alerts.event_time, alerts.transaction_id, alerts.user_id,
    alerts.card_id, alerts.bank_id, alerts.amount_minor, alerts.currency, alerts.merchant_id,
    alerts.merchant_category,
    finding.detector,
    coalesce(finding.mode, 'active') AS mode,  -- left out of the record where it is active
    finding.observed,
    finding.threshold,
    finding.baseline,                          -- what is usual for the card, if that is known
    finding.unit,                              -- of observed, threshold and baseline
    finding.reason,
    finding.counterfactual,
    alerts.config, alerts.generation
FROM alerts
CROSS JOIN LATERAL jsonb_to_recordset(alerts.alert -> 'findings') AS finding (
    detector text, mode text, observed double precision, threshold double precision,
    baseline double precision, unit text, reason text, counterfactual text
);

CREATE VIEW analytics.feedback AS
SELECT
    feedback_id, alert_id, transaction_id, user_id, card_id, bank_id, merchant_id, label, given_by,
    given_at, reason
FROM feedback;

-- What counts: the latest answer to each alert.
CREATE VIEW analytics.latest_feedback AS
SELECT DISTINCT ON (alert_id)
    alert_id, feedback_id, transaction_id, user_id, card_id, bank_id, merchant_id, label, given_by,
    given_at, reason
FROM feedback
ORDER BY alert_id, given_at DESC, feedback_id DESC;

CREATE FUNCTION analytics.alerts_by_hour(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (hour timestamptz, alerts bigint, on_trial bigint, users bigint, cards bigint)
LANGUAGE sql STABLE AS $$
    SELECT
        date_bin('1 hour', a.event_time, '2000-01-01 00:00+00'),
        count(*) FILTER (WHERE a.mode = 'active'),
        count(*) FILTER (WHERE a.mode = 'shadow'),
        count(DISTINCT a.user_id),
        count(DISTINCT a.card_id)
    FROM analytics.alerts AS a
    WHERE a.event_time >= begins AND a.event_time < ends
    GROUP BY 1
$$;

CREATE FUNCTION analytics.alerts_by_bank(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (bank_id text, alerts bigint, on_trial bigint, users bigint, cards bigint)
LANGUAGE sql STABLE AS $$
    SELECT
        a.bank_id,
        count(*) FILTER (WHERE a.mode = 'active'),
        count(*) FILTER (WHERE a.mode = 'shadow'),
        count(DISTINCT a.user_id),
        count(DISTINCT a.card_id)
    FROM analytics.alerts AS a
    WHERE a.event_time >= begins AND a.event_time < ends
    GROUP BY 1
$$;

-- `alone`: alerts in which no other detector objects.
CREATE FUNCTION analytics.alerts_by_detector(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (detector text, alerts bigint, on_trial bigint, alone bigint)
LANGUAGE sql STABLE AS $$
    SELECT
        f.detector,
        count(*) FILTER (WHERE f.mode = 'active'),
        count(*) FILTER (WHERE f.mode = 'shadow'),
        count(*) FILTER (WHERE f.findings = 1)
    FROM (
        SELECT detector, mode, count(*) OVER (PARTITION BY ingested_at, alert_id) AS findings
        FROM analytics.findings
        WHERE event_time >= begins AND event_time < ends
    ) AS f
    GROUP BY 1
$$;

CREATE FUNCTION analytics.alerts_by_category(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (merchant_category text, alerts bigint, on_trial bigint, merchants bigint)
LANGUAGE sql STABLE AS $$
    SELECT
        a.merchant_category,
        count(*) FILTER (WHERE a.mode = 'active'),
        count(*) FILTER (WHERE a.mode = 'shadow'),
        count(DISTINCT a.merchant_id)
    FROM analytics.alerts AS a
    WHERE a.event_time >= begins AND a.event_time < ends
    GROUP BY 1
$$;

-- Many cards at one merchant: where their data may have been taken.
CREATE FUNCTION analytics.top_merchants(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    merchant_id text, merchant_category text, alerts bigint, on_trial bigint, cards bigint,
    latest timestamptz
)
LANGUAGE sql STABLE AS $$
    SELECT
        a.merchant_id,
        a.merchant_category,
        count(*) FILTER (WHERE a.mode = 'active'),
        count(*) FILTER (WHERE a.mode = 'shadow'),
        count(DISTINCT a.card_id),
        max(a.event_time)
    FROM analytics.alerts AS a
    WHERE a.event_time >= begins AND a.event_time < ends
    GROUP BY 1, 2
    ORDER BY 3 DESC, 1, 2
$$;

-- Of alerts in force alone.
CREATE FUNCTION analytics.alert_amounts(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    currency text, alerts bigint, total_minor numeric, smallest_minor bigint, median_minor bigint,
    largest_minor bigint
)
LANGUAGE sql STABLE AS $$
    SELECT
        a.currency,
        count(*),
        sum(a.amount_minor),
        min(a.amount_minor),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY a.amount_minor),
        max(a.amount_minor)
    FROM analytics.alerts AS a
    WHERE a.event_time >= begins AND a.event_time < ends AND a.mode = 'active'
    GROUP BY 1
$$;

-- By the latest answer to each alert. What an analyst is unsure of counts for neither side, and
-- the share is not known (null) before the first that is sure.
CREATE FUNCTION analytics.false_positives(
    begins timestamptz DEFAULT '-infinity', ends timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    detector text, mode text, alerts bigint, genuine bigint, fraudulent bigint, unsure bigint,
    unanswered bigint, false_positive_share double precision
)
LANGUAGE sql STABLE AS $$
    SELECT
        c.detector, c.mode, c.alerts, c.genuine, c.fraudulent, c.unsure,
        c.alerts - c.genuine - c.fraudulent - c.unsure,
        c.genuine::double precision / nullif(c.genuine + c.fraudulent, 0)
    FROM (
        SELECT
            f.detector,
            f.mode,
            count(DISTINCT f.alert_id) AS alerts,
            count(DISTINCT f.alert_id) FILTER (WHERE l.label = 'genuine') AS genuine,
            count(DISTINCT f.alert_id) FILTER (WHERE l.label = 'fraudulent') AS fraudulent,
            count(DISTINCT f.alert_id) FILTER (WHERE l.label = 'unsure') AS unsure
        FROM analytics.findings AS f
        LEFT JOIN analytics.latest_feedback AS l ON l.alert_id = f.alert_id
        WHERE f.event_time >= begins AND f.event_time < ends
        GROUP BY 1, 2
    ) AS c
$$;

CREATE VIEW analytics.alerts_by_hour AS SELECT * FROM analytics.alerts_by_hour();
CREATE VIEW analytics.alerts_by_bank AS SELECT * FROM analytics.alerts_by_bank();
CREATE VIEW analytics.alerts_by_detector AS SELECT * FROM analytics.alerts_by_detector();
CREATE VIEW analytics.alerts_by_category AS SELECT * FROM analytics.alerts_by_category();
CREATE VIEW analytics.top_merchants AS SELECT * FROM analytics.top_merchants();
CREATE VIEW analytics.alert_amounts AS SELECT * FROM analytics.alert_amounts();
CREATE VIEW analytics.false_positives AS SELECT * FROM analytics.false_positives();

-- Who may read these views, and nothing else: GRANT cardwatch_reader TO somebody.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cardwatch_reader') THEN
        CREATE ROLE cardwatch_reader NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role cardwatch_reader is missing and % may not create it: let somebody who '
            'may say CREATE ROLE cardwatch_reader NOLOGIN; GRANT USAGE ON SCHEMA analytics TO '
            'cardwatch_reader; GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO cardwatch_reader',
            current_user;
    WHEN duplicate_object OR unique_violation THEN
        NULL;  -- roles are of the whole server: another database's archiver was quicker
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cardwatch_reader') THEN
        GRANT USAGE ON SCHEMA analytics TO cardwatch_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO cardwatch_reader;
    END IF;
END
$$;
