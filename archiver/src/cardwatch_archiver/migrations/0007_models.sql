-- What models say: the alert's risk, and by which version a finding is.

CREATE OR REPLACE VIEW analytics.alerts AS
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
    trace_id,
    (alert ->> 'risk')::double precision AS risk,  -- of models and rules together; null: no model
    (alert ->> 'amount_deviations')::double precision AS amount_deviations
FROM alerts;

CREATE OR REPLACE VIEW analytics.findings AS
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
    alerts.config, alerts.generation,
    finding.model                              -- hash of the model whose it is; null: a rule's
FROM alerts
CROSS JOIN LATERAL jsonb_to_recordset(alerts.alert -> 'findings') AS finding (
    detector text, mode text, observed double precision, threshold double precision,
    baseline double precision, unit text, reason text, counterfactual text, model text
);
