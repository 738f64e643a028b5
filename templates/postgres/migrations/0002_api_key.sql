-- API keys: the secret itself is never stored, only an HMAC of it.
CREATE TABLE api_key (
  key_id text PRIMARY KEY,
  name text NOT NULL,
  secret_hmac bytea NOT NULL,
  pepper_version integer NOT NULL DEFAULT 1,
  scopes text[] NOT NULL DEFAULT '{search}',
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
