-- What commands changed, by whom, and how it ended.
CREATE TABLE audit_event (
  audit_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  happened_at timestamptz NOT NULL DEFAULT now(),
  command text NOT NULL,
  actor text NOT NULL,
  environment text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}'
);
